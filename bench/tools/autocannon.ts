// In: an arm's settings. Out: autocannon as a load tool, its own loop in slices. The one door to the package.
import autocannon from 'autocannon';
import type { Client } from '../../scenarios/model/client.ts';
import type { Engine, EngineModule, EngineOptions, Refusal, Window } from '../contracts.ts';
import { noAnswerText } from '../core/exchange.ts';
import { CUT_DRAIN_MS } from '../../scenarios/model/load.ts';
import { type Target, usesTls } from '../../scenarios/model/target.ts';
import { type CannonClient, createUser, type User } from '../transports/autocannon-user.ts';
import { bodyRefusals, engineCannot } from '../transports/engine-cannot.ts';
import { plainSessionRefusals } from '../transports/tls-refusals.ts';

/** Longer than any trial, and as milliseconds still within what a timer of Node's takes. */
const FOREVER_SEC = 2_000_000;
/** At most so long after its last client it notices that it has ended. */
const SAMPLE_MS = 100;

/**
 * One run of autocannon for all slices: its clients, one a user, keep their connections from slice to slice. Between slices
 * they rest: what each would send next is held back.
 */
function open({ client, load, endpoint, sink }: EngineOptions): Engine {
  const { requestsPerConnection } = client;
  const users: User[] = [];
  let window: Window = { openAtMs: 0, closeAtMs: 0, originMs: 0, isRecorded: false };
  let sent = 0;
  let unfinished = 0;
  let busy = 0;
  let drainTimer: NodeJS.Timeout | undefined;
  const starting = new Set<NodeJS.Timeout>();
  let onIdle: () => void = () => {};

  function rest(): void {
    busy--;
    if (busy === 0) onIdle();
  }

  /** The users that have not begun yet never will. */
  function dropStarts(): void {
    for (const timer of starting) clearTimeout(timer);
    starting.clear();
  }

  function startIn(ms: number, user: User): void {
    const timer = setTimeout(() => {
      starting.delete(timer);
      if (performance.now() < window.closeAtMs) user.ask();
      else rest();
    }, ms);
    starting.add(timer);
  }

  /** @param error why those that are given up have failed; undefined where they are only cut short */
  function giveUpRest(error: string | undefined): void {
    const nowMs = performance.now();
    dropStarts();
    for (const user of users.filter(candidate => candidate.isBusy)) {
      unfinished++;
      const { exchange } = user;
      sink.addCensored(exchange, exchange.startedAtMs, { nowMs, error });
      user.giveUp();
    }
    busy = 0;
    onIdle();
  }

  const run = autocannon({
    url: endpoint.origin + endpoint.path,
    connections: load.concurrency,
    pipelining: 1,
    duration: FOREVER_SEC,
    timeout: FOREVER_SEC,
    sampleInt: SAMPLE_MS,
    headers: requestsPerConnection === 1 ? { connection: 'close' } : {},
    setupClient: candidate => {
      users.push(
        createUser({
          client: candidate as CannonClient,
          requestsPerConnection:
            requestsPerConnection === 'unlimited' ? Number.POSITIVE_INFINITY : requestsPerConnection,
          isTls: endpoint.origin.startsWith('https:'),
          goesOn: endedAtMs => endedAtMs < window.closeAtMs,
          onBegin: () => {
            sent++;
          },
          onEnd: exchange => sink.add(exchange, exchange.startedAtMs),
          onRest: rest,
          onConnection: sink.addConnection,
        }),
      );
    },
  });

  return {
    async runSlice({ rampMs, windowMs, drainMs, isRecorded, originMs, spreadMs = 0 }) {
      const openAtMs = performance.now() + rampMs;
      window = { openAtMs, closeAtMs: openAtMs + windowMs, originMs, isRecorded };
      sink.openWindow(window);
      const idle = new Promise<void>(resolve => {
        onIdle = resolve;
      });
      drainTimer = setTimeout(giveUpRest, rampMs + windowMs + drainMs, noAnswerText(drainMs));
      busy = users.length;
      users.forEach((user, index) => {
        // The user has rested since the last slice, which is no pause of the load's.
        user.exchange.endedAtMs = Number.NaN;
        if (spreadMs === 0) user.ask();
        else startIn((index / users.length) * spreadMs, user);
      });
      await idle;
      clearTimeout(drainTimer);
      return window;
    },
    cut() {
      if (busy === 0) return;
      window.closeAtMs = Math.min(window.closeAtMs, performance.now());
      clearTimeout(drainTimer);
      drainTimer = setTimeout(giveUpRest, CUT_DRAIN_MS, undefined);
      const waiting = starting.size;
      dropStarts();
      for (let user = 0; user < waiting; user++) rest();
    },
    get sent() {
      return sent;
    },
    get unfinished() {
      return unfinished;
    },
    pool: { size: load.concurrency, openings: 1, unused: 0 },
    dropsInFlight: false,
    async close() {
      await Promise.all(users.map(user => user.close()));
      await run;
    },
  };
}

function refusals(client: Client, target: Target): Refusal[] {
  const { tlsSessions } = client.pool;
  const refused = [...bodyRefusals('autocannon', client), ...plainSessionRefusals(client, target)];
  if (tlsSessions !== undefined && tlsSessions !== 'none' && usesTls(target)) {
    refused.push({
      path: 'pool.tlsSessions',
      message: 'autocannon keeps no TLS sessions: every handshake is a full one',
      hint: "tlsSessions: 'none', or transport: undici",
    });
  }
  return refused;
}

const HONOURS = ['requestsPerConnection', 'pool.tlsSessions', 'body'] as const;

const engine: EngineModule = {
  kind: 'engine',
  countsConnections: true,
  honours: HONOURS,
  cannot: engineCannot(HONOURS),
  caveats: [
    'Its private connection handling is replaced (autocannon 9.0.0): by itself it loses answers when told to reconnect, and times them from the wrong request where the server closes.',
    "Its times are taken by conntax's clock from its events, not from its histogram of whole milliseconds; nothing is added for coordinated omission.",
    'It has one connection for each user and verifies no certificate.',
  ],
  refusals,
  open,
};
export default engine;
