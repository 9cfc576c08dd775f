// In: the arms of a cell. Out: whether they are several drivers of the same mode, and how far those are apart, in words.
import type { Comparison, Metric } from '../results/model/run.ts';
import type { Interval } from '../results/stats.ts';
import { type ArmView, type CellView, signsOf } from './cell-view.ts';
import { BOUNDS_NOT_KNOWN, isKnown } from './words/numbers.ts';
import type { Mark } from './model.ts';

/** Load tools, which have a loop of their own: a scenario that has one asks whether they agree. */
const LOAD_TOOLS: readonly string[] = ['autocannon', 'wrk', 'hey'];

/** Whether all treat connections alike, not all are the same, and one is a load tool: clients are compared, tools should agree. */
export function isOfDrivers(arms: readonly ArmView[]): boolean {
  const clients = arms.flatMap(({ client }) => client ?? []);
  const modes = new Set(clients.map(({ requestsPerConnection }) => requestsPerConnection));
  const drivers = new Set(clients.map(({ transport }) => transport));
  return (
    clients.length === arms.length &&
    modes.size === 1 &&
    drivers.size > 1 &&
    LOAD_TOOLS.some(tool => drivers.has(tool))
  );
}

/** Beyond this a bound says no more than that there is none to speak of. */
const MOST_PERCENT = 999;

/** A ratio as what is off from 1: `+1.2 % (−0.3 to +2.7)`. */
export function offText(ratio: Interval): string {
  const { value, low, high } = ratio;
  return `${signed(value)} % (${isKnown(ratio) ? `${signed(low)} to ${signed(high)}` : BOUNDS_NOT_KNOWN})`;
}

function signed(ratio: number): string {
  const percent = Math.abs(ratio - 1) * 100;
  if (percent > MOST_PERCENT) return `>+${MOST_PERCENT}`;
  const digits = percent < 10 ? 1 : 0;
  const text = percent.toFixed(digits);
  if (Number(text) === 0) return text;
  return `${ratio < 1 ? '−' : '+'}${text}`;
}

/** Of all that are compared with the baseline on a metric, the one that is furthest off; undefined: there is no interval. */
function furthest(
  metric: Metric,
  comparisons: readonly Comparison[],
): (Comparison & { ratio: Interval }) | undefined {
  const known = comparisons.flatMap(comparison =>
    comparison.metric === metric && comparison.ratio !== null
      ? [{ ...comparison, ratio: comparison.ratio }]
      : [],
  );
  const off = ({ ratio }: { ratio: Interval }): number => Math.abs(Math.log(ratio.value));
  return known.reduce<(typeof known)[number] | undefined>(
    (most, next) => (most === undefined || off(next) > off(most) ? next : most),
    undefined,
  );
}

/** How far the drivers disagree, by the two that are furthest off; undefined where too little is known. */
export function agreementText(
  { result, arms }: CellView,
  marksOf: (comparison: Comparison) => readonly Mark[],
): string | undefined {
  if (!isOfDrivers(arms) || result.scenario.load.model !== 'closed') return undefined;
  const rate = furthest('requestsPerSec', result.comparisons);
  const mean = furthest('meanUs', result.comparisons);
  if (rate === undefined || mean === undefined) return undefined;
  const told = (comparison: Comparison & { ratio: Interval }): string =>
    `${offText(comparison.ratio)}${signsOf(marksOf(comparison))} with ${comparison.candidate}`;
  return `Against ${result.scenario.baseline}, no driver is further off in requests per second than ${told(rate)}, or in mean latency than ${told(mean)}.`;
}
