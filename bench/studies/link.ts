// Measures how exact the emulated link is, and what its relay costs. Takes about a minute.
// Each figure is that of exchanges through the relay against exchanges without, in turns; the same target serves both. A third
// way, a target that waits as long as the round trip by a timer of its own, has as many exchanges in flight at the client: what
// that does to the tail of its times is not the relay's doing.
import { meanOf, sumOf } from '../../results/stats.ts';
import { Link, Target } from '../../scenarios/model/target.ts';
import { latenessQuantileMs, latenessSince, type RelayReading } from '../../servers/protocol.ts';
import { type Child, spawnChild } from '../run/child.ts';
import {
  type LinkProcess,
  LOAD_NICENESS,
  startLink,
  startTarget,
  type TargetProcess,
} from '../run/targets.ts';
import type { Driven, DriveOrder, PacedReply } from './paced-client-child.ts';
import { announce, createTable } from './study.ts';

const ROUND_TRIPS_MS = [2, 5, 20, 80, 200];
const RATES_PER_SEC = [100, 1_000, 4_000];
const TURNS = 3;
const DIRECT_MS = 300;
const WAITING_MS = 600;
const LINK_MS = 600;
const GOAL_P50_MS = 1;
const GOAL_P99_MS = 2;
const BYTES = 200;
const COLUMNS = [
  'exchanges',
  'direct p50',
  'p99',
  'waiting p99',
  'added p50',
  'added p99',
  'relay CPU',
  'late p50',
  'p99',
  'goal',
];

const host = await announce('Link: added time of an exchange over the round trip that was asked for');
const target = await startServer({ name: 'fixed', bytes: BYTES });
const targetPort = portOf(target);
const client: Child<DriveOrder, PacedReply> = spawnChild({
  title: 'the client',
  entry: '../studies/paced-client-child',
  cpu: host.pinning?.generatorCpu ?? null,
  niceness: LOAD_NICENESS,
});
try {
  await drive(targetPort, { ratePerSec: 4_000, windowMs: 2_000 }); // warms both; thrown away
  await printKept();
  await printJitter();
  await printNew();
} finally {
  await Promise.all([client.kill(), target.kill()]);
}

function startServer(behaviour: { name: string; [option: string]: unknown }): Promise<TargetProcess> {
  const cpu = host.pinning?.targetCpu ?? null;
  return startTarget(Target.parse({ behaviour }), 1, cpu, { niceness: LOAD_NICENESS });
}

function portOf({ endpoint }: TargetProcess): number {
  return Number(new URL(endpoint.origin).port);
}

type Drive = Pick<DriveOrder, 'ratePerSec' | 'windowMs'> &
  Partial<Pick<DriveOrder, 'connections'>> & { roundTripMs?: number };

async function drive(port: number, { ratePerSec, windowMs, connections = 'kept', roundTripMs = 0 }: Drive) {
  // Enough for a stall of 20 ms.
  const mostOpen = 5 + Math.ceil((ratePerSec * (2 * roundTripMs + 20)) / 1_000);
  const order = { ratePerSec, windowMs, connections, mostOpen, rampMs: 2 * roundTripMs + 50 };
  return client.ask({ type: 'drive', port, ...order }, 'driven', 30_000);
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

interface Measured {
  /** Times of all exchanges in ms, ascending. */
  direct: number[];
  waiting: number[];
  relayed: number[];
  heldBack: number;
  relayCpuRatio: number;
  lateP50Ms: number;
  lateP99Ms: number;
}

/** The ways in turns, over connections of one kind. */
async function measure(
  relay: LinkProcess,
  waitingPort: number,
  what: Omit<Drive, 'windowMs'>,
): Promise<Measured> {
  const { roundTripMs: _, ...direct } = what;
  const directly: Driven[] = [];
  const waited: Driven[] = [];
  const linked: Driven[] = [];
  let cpuUs = 0;
  let wallMs = 0;
  const lateness: number[] = [];
  const book = (before: RelayReading, after: RelayReading): void => {
    cpuUs += after.cpuUs - before.cpuUs;
    wallMs += after.atMs - before.atMs;
    for (const [bin, count] of latenessSince(before.latenessCounts, after.latenessCounts).entries()) {
      lateness[bin] = (lateness[bin] ?? 0) + count;
    }
  };
  // Opens the connections, which is not to be counted.
  for (const port of [waitingPort, relay.port]) await drive(port, { ...what, windowMs: 20 });
  for (let turn = 0; turn < TURNS; turn++) {
    directly.push(await drive(targetPort, { ...direct, windowMs: DIRECT_MS }));
    waited.push(await drive(waitingPort, { ...what, windowMs: WAITING_MS }));
    const before = await relay.read();
    linked.push(await drive(relay.port, { ...what, windowMs: LINK_MS }));
    book(before, await relay.read());
  }
  const ascending = (drives: readonly Driven[]) =>
    drives.flatMap(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return {
    direct: ascending(directly),
    waiting: ascending(waited),
    relayed: ascending(linked),
    heldBack: sumOf([...directly, ...waited, ...linked], ({ heldBack }) => heldBack),
    relayCpuRatio: cpuUs / 1_000 / wallMs,
    lateP50Ms: latenessQuantileMs(lateness, 0.5),
    lateP99Ms: latenessQuantileMs(lateness, 0.99),
  };
}

/** @param waitMs how long the other target waits; for a connection of its own for each exchange it stands in for two trips */
async function withRelay<Result>(
  stated: Partial<Link>,
  waitMs: number,
  use: (relay: LinkProcess, waitingPort: number) => Promise<Result>,
): Promise<Result> {
  const waiting = await startServer({ name: 'delay', meanMs: waitMs, bytes: BYTES });
  const relay = await startLink({ link: Link.parse(stated), upstreamPort: targetPort, seed: 1 });
  try {
    // A cold target has a tail of its own.
    await drive(portOf(waiting), { ratePerSec: 4_000, windowMs: 1_000, roundTripMs: waitMs });
    return await use(relay, portOf(waiting));
  } finally {
    await Promise.all([relay.kill(), waiting.kill()]);
  }
}

/**
 * What comes on top of the given time: at the median of the direct exchange's (the other target's timer is a quarter of a
 * millisecond late itself), at the 99th percentile of that of a target that waits as long.
 */
function row(measured: Measured, expectedMs: number): string[] {
  const { direct, waiting, relayed, heldBack, relayCpuRatio, lateP50Ms, lateP99Ms } = measured;
  const addedP50Ms = quantile(relayed, 0.5) - quantile(direct, 0.5) - expectedMs;
  const addedP99Ms = quantile(relayed, 0.99) - quantile(waiting, 0.99);
  // A tail that is shorter than without the relay is none of its faults.
  const isMet = Math.abs(addedP50Ms) <= GOAL_P50_MS && addedP99Ms <= GOAL_P99_MS;
  return [
    heldBack === 0 ? `${relayed.length}` : `${relayed.length}, ${heldBack} held back`,
    quantile(direct, 0.5).toFixed(2),
    quantile(direct, 0.99).toFixed(2),
    (quantile(waiting, 0.99) - expectedMs).toFixed(2),
    addedP50Ms.toFixed(2),
    addedP99Ms.toFixed(2),
    `${(relayCpuRatio * 100).toFixed(0)} %`,
    lateP50Ms.toFixed(1),
    lateP99Ms.toFixed(1),
    isMet ? 'met' : 'missed',
  ];
}

async function printKept(): Promise<void> {
  const table = createTable(['round trip', 'requests/s', ...COLUMNS]);
  for (const roundTripMs of ROUND_TRIPS_MS) {
    await withRelay({ roundTripMs }, roundTripMs, async (relay, waitingPort) => {
      for (const ratePerSec of RATES_PER_SEC) {
        const measured = await measure(relay, waitingPort, { ratePerSec, roundTripMs });
        table.push([`${roundTripMs} ms`, ratePerSec, ...row(measured, roundTripMs)]);
      }
    });
  }
  console.log(
    `Keep-alive, times in ms; waiting: by a target that waits as long itself, less that time. Added, at p50: through the relay,\n` +
      `less direct, less the round trip; at p99: through the relay, less that of the waiting target.\n` +
      `Goal: ${GOAL_P50_MS} ms at p50, ${GOAL_P99_MS} ms at p99. Late: when the relay wrote against when it was due.\n${table.toString()}\n`,
  );
}

async function printJitter(): Promise<void> {
  const link = { roundTripMs: 20, jitterMs: 5 };
  const { direct, relayed } = await withRelay(link, 25, (relay, waitingPort) =>
    measure(relay, waitingPort, { ratePerSec: 1_000, roundTripMs: 30 }),
  );
  const over = [0.01, 0.5, 0.99].map(q => (quantile(relayed, q) - quantile(direct, 0.5)).toFixed(2));
  console.log(
    `Round trip 20 ms, up to 5 ms of jitter each way, 1,000 requests/s: p1, p50, p99 less the direct median are ` +
      `${over.join(', ')} ms (of two uniform draws: 20.71, 25, 29.29), the mean ${(meanOf(relayed) - meanOf(direct)).toFixed(2)} (25).\n`,
  );
}

async function printNew(): Promise<void> {
  const table = createTable(['round trip', 'connections/s', ...COLUMNS]);
  for (const roundTripMs of [5, 80]) {
    await withRelay({ roundTripMs }, 2 * roundTripMs, async (relay, waitingPort) => {
      const measured = await measure(relay, waitingPort, {
        ratePerSec: 400,
        connections: 'new',
        roundTripMs,
      });
      table.push([`${roundTripMs} ms`, 400, ...row(measured, 2 * roundTripMs)]);
    });
  }
  console.log(`A new connection for each exchange; added: on top of two round trips.\n${table.toString()}`);
}
