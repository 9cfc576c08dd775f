// Prints how often gates were right, and how often others would be.
import Table from 'cli-table3';
import { createRandom } from '../../../results/random.ts';
import {
  LEVEL,
  LEVEL_PERCENT,
  meanOf,
  shareInterval,
  studentInterval,
  toRatio,
} from '../../../results/stats.ts';
import type { Expectation } from '../../../scenarios/model/scenario.ts';
import {
  DESIGNS,
  type GateSettings,
  gateCell,
  KINDS,
  type Kind,
  type Observation,
  SLOWDOWNS,
} from './gates.ts';
import {
  type Effect,
  fixedThresholdAlarms,
  type GateRates,
  RULE_NAMES,
  RULES,
  type RuleName,
  resampleGates,
  slowdown,
} from './resampled-gates.ts';

const GATES = 2_000;
const SLOWER_BY = [0, 0.03, 0.05, 0.1, 0.2];
const NO_EFFECT = slowdown(0);
const COMPARED: readonly (readonly [rule: RuleName, minEffect: number])[] = RULE_NAMES.flatMap(rule =>
  [0.05, 0.02].map(minEffect => [rule, minEffect] as const),
);
const FIXED_THRESHOLD = 0.1;

export function printSummary(all: readonly Observation[], settings: GateSettings): void {
  printReal(all, settings);
  printResampled(all, settings);
}

function printReal(all: readonly Observation[], settings: GateSettings): void {
  const gates = all.filter(({ design }) => design === 'processes');
  const table = tableOf([
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
    const { low, high } = shareInterval(confirmed, own.length, LEVEL)!;
    table.push([
      kind,
      formatEffect(own),
      own.length,
      `${own.filter(({ first }) => first === 'fail').length}, ${confirmed}`,
      `${percent(low)} to ${percent(high)}`,
      percent(resampledLike(kind, gates, settings).failed),
      own.filter(({ state }) => state === 'unsure').length,
      seconds(median(own.map(({ elapsedMs }) => elapsedMs))),
    ]);
  }
  console.log(
    `Real gates, least effect ${percent(settings.minEffect)}; time: the median, a confirmation included; resampled: gates made of\nreplicates with nothing injected, and the effect that was measured (connections: of its own replicates).`,
  );
  console.log(`${table.toString()}\n`);
}

/** Gates of that kind, made of recorded replicates. */
function resampledLike(kind: Kind, gates: readonly Observation[], settings: GateSettings): GateRates {
  const own = gates.filter(gate => gate.kind === kind);
  if (!SLOWDOWNS.includes(kind)) return rates(own, NO_EFFECT, kind === 'nothing', settings);
  const effect = {
    logRate: meanOf(logsOf(own, 'logRate')),
    logCpu: meanOf(logsOf(own, 'logCpu')),
  };
  return rates(
    gates.filter(gate => gate.kind === 'nothing'),
    effect,
    true,
    settings,
  );
}

function logsOf(observations: readonly Observation[], of: 'logRate' | 'logCpu'): number[] {
  return observations.flatMap(({ replicates }) => replicates.map(replicate => replicate[of]));
}

function formatEffect(observations: readonly Observation[]): string {
  const logs = logsOf(observations, 'logCpu');
  if (logs.length < 2) return '';
  const { value, low, high } = toRatio(studentInterval(logs, LEVEL));
  return `${value.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}

function printResampled(all: readonly Observation[], settings: GateSettings): void {
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
  const table = tableOf(head);
  for (const design of DESIGNS) {
    const recorded = all.filter(one => one.design === design && one.kind === 'nothing');
    if (recorded.length === 0) continue;
    const count = recorded.flatMap(({ replicates }) => replicates).length;
    for (const [rule, minEffect] of COMPARED) {
      for (const slower of SLOWER_BY) {
        const found = rates(recorded, slowdown(slower), true, { ...settings, minEffect, rule });
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
    `Resampled from replicates with nothing injected (their number in brackets), ${GATES} gates each, ${seconds(settings.budgetMs)} and once more to confirm.`,
  );
  console.log(table.toString());
}

function rates(
  recorded: readonly Observation[],
  effect: Effect,
  isSymmetric: boolean,
  settings: GateSettings & { rule?: RuleName },
): GateRates {
  const { rule = 'until decided', minEffect } = settings;
  return resampleGates(recorded, {
    expectations: expectationsOf(settings),
    rule: RULES[rule](minEffect),
    budgetMs: settings.budgetMs,
    effect,
    isSymmetric,
    gates: GATES,
    random: createRandom(1, 'gates', effect.logCpu, settings.minEffect),
  });
}

function expectationsOf(settings: GateSettings): readonly Expectation[] {
  return gateCell('processes', 'nothing', 1, settings).scenario.expect;
}

function tableOf(head: string[]): InstanceType<typeof Table> {
  return new Table({ head, style: { head: [], border: [] } });
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
