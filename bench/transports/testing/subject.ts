// In: a transport module and what an arm states. Out: the transport open for one test, watched for its contract.
import assert from 'node:assert/strict';
import type { z } from 'zod';
import type { Scope } from '../../../servers/testing/client.ts';
import { Client } from '../../core/client.ts';
import type {
  Endpoint,
  Exchange,
  OpenedConnection,
  Transport,
  TransportModule,
} from '../../core/contracts.ts';
import { newExchange } from '../../core/exchange.ts';

/** What the conformance suite is run on: a transport, in one of its interfaces. */
export interface Subject {
  name: string;
  module: TransportModule;
  /** Settings that choose the interface. */
  settings: z.input<typeof Client>;
}

export function clientOf(subject: Subject, stated: z.input<typeof Client> = {}): Client {
  return Client.parse({ ...stated, ...subject.settings });
}

export interface Watched {
  transport: Transport;
  /** Those that it reported, in order. */
  connections: readonly OpenedConnection[];
  /** One exchange to its end, on a record of its own unless given. */
  ask(exchange?: Exchange): Promise<Exchange>;
  /** So many exchanges by so many users, each of which re-uses its record as a load does. */
  askTimes(count: number, users: number): Promise<Exchange[]>;
  /** Sends without waiting; a call of onEnd is a fault. */
  sendToAbandon(): Exchange;
}

/** Opens the subject and closes it after the test, which fails if the contract of `send` was ever broken. */
export function openSubject(
  scope: Scope,
  subject: Subject,
  endpoint: Endpoint,
  stated: z.input<typeof Client> = {},
): Watched {
  const connections: OpenedConnection[] = [];
  const faults: string[] = [];
  const transport = subject.module.open({
    client: clientOf(subject, stated),
    endpoint,
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
