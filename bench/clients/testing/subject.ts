// Opens a client module for one test, with the settings of an arm, and checks its contract on the way.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { z } from 'zod';
import { CLIENT_SETTINGS, Client } from '../../../scenarios/model/client.ts';
import type { Scenario } from '../../../scenarios/model/scenario.ts';
import { Target } from '../../../scenarios/model/target.ts';
import type { Endpoint } from '../../../servers/protocol.ts';
import type { Scope } from '../../../servers/testing/client.ts';
import {
  type Exchange,
  newExchange,
  type OpenedConnection,
  type Transport,
  type TransportModule,
} from '../../contracts.ts';
import { prepareRequests } from '../request.ts';

export type Stated = z.input<typeof Client>;

/** What a scenario's clients send. */
export type Asked = Pick<Scenario, 'request' | 'requests'>;

/** What the conformance suite is run on: a transport, in one of its interfaces. */
export interface Subject {
  name: string;
  module: TransportModule;
  /** Settings that choose the interface. */
  settings: Stated;
  /** Times within an exchange that it does not report. */
  unreported?: readonly ('writtenAtMs' | 'headersAtMs')[];
  /** Whether it closes a connection after a 304 that names the length of the body that it does not have. */
  closesAfter304?: true;
}

/** Dotted paths of what is stated. */
function leaves(stated: object, prefix = ''): string[] {
  return Object.entries(stated).flatMap(([key, value]) => {
    const setting = `${prefix}${key}`;
    return typeof value === 'object' && !CLIENT_SETTINGS.includes(setting)
      ? leaves(value, `${setting}.`)
      : [setting];
  });
}

/** Why the subject can't be asked for this, and by which setting; undefined when it can. */
export function refusalOf(
  subject: Subject,
  stated: Stated,
  target: z.input<typeof Target> = {},
): { path: string; message: string } | undefined {
  const { honours, cannot, refusals } = subject.module;
  const unable = leaves(stated).find(setting => !honours.includes(setting));
  if (unable === undefined) return refusals(clientOf(subject, stated), Target.parse(target))[0];
  return { path: unable, message: cannot?.[unable] ?? 'does not list this setting in honours' };
}

/** @param open opens the subject with what is stated */
type Run = (t: TestContext, open: (endpoint: Endpoint) => Watched) => void | Promise<void>;

/** `test`; or nothing, where the subject can't do what is stated: that it refuses it is tested by itself (declaration-case.ts). */
export function testWhere(subject: Subject, stated: Stated, target?: z.input<typeof Target>) {
  return (title: string, run: Run): void => {
    if (refusalOf(subject, stated, target) !== undefined) return;
    test(title, t => run(t, endpoint => openSubject(t, subject, endpoint, stated)));
  };
}

/** What is stated without that which the subject does not honour: where a test only wants firm ground under its feet. */
function withoutUnable<Part extends object>({ module }: Subject, stated: Part, prefix = ''): Part {
  const kept = Object.entries(stated).flatMap(([key, value]) => {
    const setting = `${prefix}${key}`;
    if (typeof value === 'object' && !CLIENT_SETTINGS.includes(setting)) {
      const members = withoutUnable({ module } as Subject, value, `${setting}.`);
      return Object.keys(members).length === 0 ? [] : [[key, members]];
    }
    return module.honours.includes(setting) ? [[key, value]] : [];
  });
  return Object.fromEntries(kept) as Part;
}

export function clientOf(subject: Subject, stated: Stated = {}): Client {
  return Client.parse({ ...withoutUnable(subject, stated), ...subject.settings });
}

/** The most connections that users with one request each at a time have open in a pool with this limit, if it has one. */
export function mostOpen(subject: Subject, maxConnections: number, users: number): number {
  // A connection that is not free in time makes a pool without limit open another.
  return subject.module.honours.includes('pool.maxConnections') ? maxConnections : 2 * users;
}

export interface Watched {
  transport: Transport;
  /** Those that it reported, in order. */
  connections: readonly OpenedConnection[];
  /** One exchange to its end, on a record of its own unless given. */
  ask(exchange?: Exchange): Promise<Exchange>;
  /** Makes exchanges by several users, each of which reuses its record as a load does. */
  askTimes(count: number, users: number): Promise<Exchange[]>;
  /** Sends without waiting; a call of onEnd is a fault. */
  sendToAbandon(): Exchange;
}

/** Opens the subject and closes it after the test, which fails if the contract of `send` was ever broken. */
export function openSubject(
  scope: Scope,
  subject: Subject,
  endpoint: Endpoint,
  stated: Stated = {},
  asked: Asked = {},
): Watched {
  const connections: OpenedConnection[] = [];
  const faults: string[] = [];
  const transport = subject.module.open({
    client: clientOf(subject, stated),
    endpoint,
    requests: prepareRequests(asked, endpoint.path, {}),
    onConnection: connection => connections.push(connection),
  });
  scope.after(async () => {
    await transport.close();
    assert.equal(transport.openConnections(), 0);
    assert.deepEqual(faults, []);
  });

  function send(exchange: Exchange, onEnd: (ended: Exchange) => void): void {
    let isWithinSend = true;
    let callCount = 0;
    exchange.startedAtMs = performance.now();
    exchange.intendedAtMs = exchange.startedAtMs;
    transport.send(exchange, ended => {
      callCount++;
      if (isWithinSend) faults.push('onEnd was called from within send');
      if (callCount > 1) faults.push(`onEnd was called ${callCount} times`);
      if (ended !== exchange) faults.push('onEnd was given another record');
      onEnd(ended);
    });
    isWithinSend = false;
    if (exchange.abandon === undefined) faults.push('nothing to abandon it by after send');
  }

  function ask(exchange: Exchange = newExchange()): Promise<Exchange> {
    return new Promise(resolve => send(exchange, resolve));
  }

  return {
    transport,
    connections,
    ask,
    async askTimes(count, users) {
      const ended: Exchange[] = [];
      let left = count;
      const use = async (exchange: Exchange): Promise<void> => {
        while (left-- > 0) {
          ended.push({ ...(await ask(exchange)) });
        }
      };
      await Promise.all(Array.from({ length: users }, () => use(newExchange())));
      return ended;
    },
    sendToAbandon() {
      const exchange = newExchange();
      send(exchange, () => faults.push('onEnd was called for an exchange that was given up'));
      return exchange;
    },
  };
}
