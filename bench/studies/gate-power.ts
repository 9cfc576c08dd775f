// Runs real gates on unchanged and on slowed clients, in parts if need be, and prints how often they are right (--file, --for-sec, --summary).
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createRandom, shuffled } from '../../results/random.ts';
import { DEFAULT_TIMING } from '../cli/ab.ts';
import { LEAST_EFFECT } from '../cli/option-defaults.ts';
import {
  appendObservation,
  type DesignName,
  type Kind,
  measureGate,
  type Observation,
  readObservations,
} from './gate-power/gates.ts';
import { printSummary } from './gate-power/summary.ts';
import { announce } from './machine.ts';

const SEED = 20_261_126;
const SETTINGS = { minEffect: LEAST_EFFECT, budgetMs: DEFAULT_TIMING.budgetMs };

/** How many of each. The rival of the first design is there to be resampled, so its gates on unchanged clients do. */
const PLAN: readonly (readonly [DesignName, Kind, count: number])[] = [
  ['processes', 'nothing', 20],
  ['processes', 'cpu-5', 6],
  ['processes', 'cpu-10', 6],
  ['processes', 'connections', 6],
  ['short replicates', 'nothing', 4],
];

interface Turn {
  design: DesignName;
  kind: Kind;
  /** Which of its design and kind, in the order of the turns. */
  index: number;
}

const { values } = parseArgs({
  options: {
    file: { type: 'string', default: 'results/gate-power.ndjson' },
    'for-sec': { type: 'string', default: 'Infinity' },
    summary: { type: 'boolean', default: false },
  },
});
const { file } = values;
const endAtMs = performance.now() + Number(values['for-sec']) * 1_000;

if (!values.summary) await measureRest();
printSummary(readObservations(file), SETTINGS);

/** All that is to be done, shuffled: what the machine does then hits designs and kinds alike. */
function turns(): Turn[] {
  const all = PLAN.flatMap(([design, kind, count]) =>
    Array.from({ length: count }, () => ({ design, kind })),
  );
  const order = shuffled(all, createRandom(SEED, 'turns'));
  return order.map(({ design, kind }, place) => {
    const before = order.slice(0, place).filter(one => one.design === design && one.kind === kind);
    return { design, kind, index: before.length };
  });
}

function isDone({ design, kind, index }: Turn, observations: readonly Observation[]): boolean {
  return observations.filter(one => one.design === design && one.kind === kind).length > index;
}

async function measureRest(): Promise<void> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  const { pinning } = await announce(
    'Power of the gate: real gates, keep-alive, concurrency 100, 1 KiB, plain HTTP',
  );
  const all = turns();
  const done = readObservations(file);
  for (const [place, turn] of all.entries()) {
    if (interrupt.signal.aborted || performance.now() >= endAtMs) return;
    if (isDone(turn, done)) continue;
    const { design, kind } = turn;
    const seed = SEED + place;
    const loadAverage = loadavg()[0]!;
    const shared = { kind, seed, pinning, loadAverage, signal: interrupt.signal, ...SETTINGS };
    const seen = await measureGate({ ...shared, design });
    if (seen === undefined) return;
    appendObservation(file, seen);
    done.push(seen);
    const verdict = seen.state === null ? '' : `: ${seen.state}`;
    console.error(
      `${place + 1}/${all.length} ${design}, ${kind}${verdict} (${seen.replicates.length} replicates, ${(seen.elapsedMs / 1_000).toFixed(0)} s)`,
    );
  }
}
