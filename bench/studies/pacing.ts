// In: nothing. Out: on standard output, how late an open load sends, and what it costs, by how it waits for what is due.
import Table from 'cli-table3';
import { createLatencyRecorder } from '../../results/histogram.ts';
import type { Histogram } from '../../results/model/trial.ts';
import { createRandom } from '../../results/random.ts';
import { rateSchedule } from '../load/schedule.ts';
import { announce } from './machine.ts';

const RATES_PER_SEC = [100, 500, 1_500, 5_000];
const ROUNDS = 3;
const ROUND_MS = 2_000;

interface Way {
  /** What is due within so much goes, too. */
  earlyMs: number;
  /** Calls back at about the time that is given, ms from now. */
  wait: (inMs: number, then: () => void) => void;
}

const WAYS: Record<string, Way> = {
  'a timer, half a tick early (conntax)': {
    earlyMs: 0.5,
    wait: (inMs, then) => void setTimeout(then, Math.max(1, Math.round(inMs))),
  },
  'a timer, never early': {
    earlyMs: 0,
    wait: (inMs, then) => void setTimeout(then, Math.max(1, Math.ceil(inMs))),
  },
  'a timer, then turning the event loop': {
    earlyMs: 0,
    wait(inMs, then) {
      if (inMs > 2) setTimeout(then, Math.floor(inMs - 1));
      else setImmediate(then);
    },
  },
  'turning the event loop': { earlyMs: 0, wait: (_inMs, then) => void setImmediate(then) },
};

await announce('Pacing: nothing is sent, so that what is seen is the waiting alone', false);
const table = new Table({
  head: ['requests/s', 'waits by', 'late mean, ms', 'p50', 'p99', 'max', 'CPU, % of a core'],
  style: { head: [], border: [] },
});
for (const ratePerSec of RATES_PER_SEC) {
  const found = new Map(Object.keys(WAYS).map(name => [name, [] as Paced[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, way] of Object.entries(WAYS)) found.get(name)!.push(await pace(ratePerSec, way, round));
  }
  for (const [name, rounds] of found) {
    // The best of the rounds: what else runs on this machine can only make it worse.
    const best = rounds.reduce((least, round) => (round.late.meanUs < least.late.meanUs ? round : least));
    const { meanUs, p50Us, p99Us, maxUs } = best.late;
    const ms = [meanUs, p50Us, p99Us, maxUs].map(us => (us / 1_000).toFixed(3));
    table.push([ratePerSec, name, ...ms, (best.cpuRatio * 100).toFixed(1)]);
  }
}
console.log(table.toString());

interface Paced {
  late: Histogram;
  cpuRatio: number;
}

function pace(ratePerSec: number, { earlyMs, wait }: Way, seed: number): Promise<Paced> {
  const schedule = rateSchedule('poisson', ratePerSec, createRandom(seed, 'pacing'));
  const late = createLatencyRecorder();
  const startedAtMs = performance.now();
  const before = process.cpuUsage();
  let dueAtMs = startedAtMs + schedule();
  return new Promise(resolve => {
    const tick = (): void => {
      const nowMs = performance.now();
      for (; dueAtMs <= nowMs + earlyMs; dueAtMs = startedAtMs + schedule()) {
        late.recordUs((nowMs - dueAtMs) * 1_000); // an early one is 0 late
      }
      if (nowMs - startedAtMs < ROUND_MS) {
        wait(dueAtMs - nowMs, tick);
        return;
      }
      const { user, system } = process.cpuUsage(before);
      const cpuRatio = (user + system) / 1_000 / (nowMs - startedAtMs);
      resolve({ late: late.summary(), cpuRatio });
      late.close();
    };
    tick();
  });
}
