// Runs real gates on unchanged and on slowed clients, in parts if need be, and prints how often they are right (--file, --for-sec, --summary).
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { AB_MIN_EFFECT } from '../../results/min-effect.ts';
import { createRandom, shuffled } from '../../results/random.ts';
import {
  CONFIDENCE_LEVEL,
  LEVEL_PERCENT,
  meanOf,
  shareInterval,
  studentInterval,
  toRatio,
} from '../../results/stats.ts';
import { DEFAULT_TIMING } from '../cli/ab.ts';
import {
  appendObservation,
  DESIGNS,
  type DesignName,
  gateCell,
  KINDS,
  type Kind,
  measureGate,
  type Observation,
  readObservations,
  SLOWDOWNS,
} from './gate-power/gates.ts';
import {
  type Effect,
  fixedThresholdAlarms,
  type GateRates,
  RULE_NAMES,
  RULES,
  type RuleName,
  resampleGates,
  slowdown,
} from './gate-power/resampled-gates.ts';
import { announce, createTable } from './study.ts';

const SEED = 20_261_126;
const SETTINGS = { minEffect: AB_MIN_EFFECT, budgetMs: DEFAULT_TIMING.budgetMs };

/** How many of each. The rival of the first design is there to be resampled, so its gates on unchanged clients do. */
const PLAN: readonly (readonly [DesignName, Kind, count: number])[] = [
  ['processes', 'nothing', 20],
  ['processes', 'cpu-5', 6],
  ['processes', 'cpu-10', 6],
  ['processes', 'connections', 6],
  ['short replicates', 'nothing', 4],
];

const GATES = 2_000;
const SLOWER_BY = [0, 0.03, 0.05, 0.1, 0.2];
const COMPARED: readonly (readonly [rule: RuleName, minEffect: number])[] = RULE_NAMES.flatMap(rule =>
  [0.05, 0.02].map(minEffect => [rule, minEffect] as const),
);
const FIXED_THRESHOLD = 0.1;

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
const observed = readObservations(file);
printReal(observed);
printResampled(observed);

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

/** How often real gates were right. */
function printReal(all: readonly Observation[]): void {
  const gates = all.filter(({ design }) => design === 'processes');
  const table = createTable([
    'injected',
    `CPU per request, ${LEVEL_PERCENT}`,
    'gates',
    'failed, of them confirmed',
    `confirmed, ${LEVEL_PERCENT}`,
    'resampled',
    'unsure',
    'time',
  ]);
  for (const kind of KINDS) {
    const own = gates.filter(gate => gate.kind === kind);
    if (own.length === 0) continue;
    const confirmed = own.filter(({ state }) => state === 'fail').length;
    const { low, high } = shareInterval(confirmed, own.length, CONFIDENCE_LEVEL)!;
    table.push([
      kind,
      formatEffect(own),
      own.length,
      `${own.filter(({ first }) => first === 'fail').length}, ${confirmed}`,
      `${percent(low)} to ${percent(high)}`,
      percent(resampledLike(kind, gates).failed),
      own.filter(({ state }) => state === 'unsure').length,
      seconds(median(own.map(({ elapsedMs }) => elapsedMs))),
    ]);
  }
  console.log(
    `Real gates, least effect ${percent(SETTINGS.minEffect)}; time: the median, a confirmation included; resampled: gates made of\nreplicates with nothing injected, and the effect that was measured (connections: of its own replicates).`,
  );
  console.log(`${table.toString()}\n`);
}

/** Gates of that kind, made of recorded replicates. */
function resampledLike(kind: Kind, gates: readonly Observation[]): GateRates {
  const own = gates.filter(gate => gate.kind === kind);
  if (!SLOWDOWNS.includes(kind)) return rates(own, slowdown(0), kind === 'nothing');
  const effect = {
    logRate: meanOf(logsOf(own, 'logRate')),
    logCpu: meanOf(logsOf(own, 'logCpu')),
  };
  return rates(
    gates.filter(gate => gate.kind === 'nothing'),
    effect,
    true,
  );
}

function logsOf(observations: readonly Observation[], of: 'logRate' | 'logCpu'): number[] {
  return observations.flatMap(({ replicates }) => replicates.map(replicate => replicate[of]));
}

function formatEffect(observations: readonly Observation[]): string {
  const logs = logsOf(observations, 'logCpu');
  if (logs.length < 2) return '';
  const { value, low, high } = toRatio(studentInterval(logs, CONFIDENCE_LEVEL));
  return `${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}

/** How often others would be. */
function printResampled(all: readonly Observation[]): void {
  const head = [
    'design',
    'replicates',
    'least effect',
    'slower by',
    'failed at first',
    'confirmed',
    'unsure',
    'interval held',
    'median, p90',
  ];
  const table = createTable(head);
  for (const design of DESIGNS) {
    const recorded = all.filter(one => one.design === design && one.kind === 'nothing');
    if (recorded.length === 0) continue;
    const count = recorded.flatMap(({ replicates }) => replicates).length;
    for (const [rule, minEffect] of COMPARED) {
      for (const slower of SLOWER_BY) {
        const found = rates(recorded, slowdown(slower), true, { minEffect, rule });
        table.push([
          `${design} (${count})`,
          rule,
          percent(minEffect),
          percent(slower),
          percent(found.failedFirst),
          percent(found.failed),
          percent(found.unsure),
          percent(found.held),
          `${seconds(found.medianMs)}, ${seconds(found.p90Ms)}`,
        ]);
      }
    }
  }
  const plain = all.filter(({ design, kind }) => design === 'processes' && kind === 'nothing');
  if (plain.length > 1) {
    for (const slower of SLOWER_BY) {
      const random = createRandom(1, 'fixed', slower);
      const fixed = { threshold: FIXED_THRESHOLD, slowerByRatio: slower, gates: GATES, random };
      const alarms = percent(fixedThresholdAlarms(plain, fixed));
      table.push([
        `one run each, ${percent(FIXED_THRESHOLD)}`,
        '',
        '',
        percent(slower),
        alarms,
        '',
        '',
        '',
        '',
      ]);
    }
  }
  console.log(
    `Resampled from replicates with nothing injected (their number in brackets), ${GATES} gates each, ${seconds(SETTINGS.budgetMs)} and once more to confirm.`,
  );
  console.log(table.toString());
}

function rates(
  recorded: readonly Observation[],
  effect: Effect,
  isSymmetric: boolean,
  { rule = 'until decided', minEffect = SETTINGS.minEffect }: { rule?: RuleName; minEffect?: number } = {},
): GateRates {
  const { budgetMs } = SETTINGS;
  return resampleGates(recorded, {
    expectations: gateCell('processes', 'nothing', 1, { minEffect, budgetMs }).scenario.expect,
    rule: RULES[rule](minEffect),
    budgetMs,
    effect,
    isSymmetric,
    gates: GATES,
    random: createRandom(1, 'gates', effect.logCpu, minEffect),
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(0)} s`;
}
