// Whether load tools and clients agree on the same server, in words.
import type { Comparison, Metric } from '../../results/model/run.ts';
import type { Interval } from '../../results/stats.ts';
import { type ArmView, type CellView, signsOf } from '../cell-view.ts';
import type { Mark } from '../model.ts';
import { BOUNDS_UNKNOWN, isKnown } from './numbers.ts';

/** Clients with a loop of their own; a scenario that has one asks whether they agree. */
const LOAD_TOOLS: readonly string[] = ['autocannon', 'wrk', 'hey'];

/** Whether the arms share one connection policy but not one client, and include a load tool: then they should agree. */
export function comparesLoadTools(arms: readonly ArmView[]): boolean {
  const clients = arms.flatMap(({ client }) => client ?? []);
  const policies = new Set(clients.map(({ requestsPerConnection }) => requestsPerConnection));
  const senders = new Set(clients.map(({ transport }) => transport));
  return (
    clients.length === arms.length &&
    policies.size === 1 &&
    senders.size > 1 &&
    LOAD_TOOLS.some(tool => senders.has(tool))
  );
}

/** Larger bounds are shown as `>+999`, because their digits mean nothing. */
const MOST_PERCENT = 999;

/** A ratio as its deviation from 1: `+1.2 % (−0.3 to +2.7)`. */
export function formatDeviation(ratio: Interval): string {
  const { value, low, high } = ratio;
  return `${signed(value)} % (${isKnown(ratio) ? `${signed(low)} to ${signed(high)}` : BOUNDS_UNKNOWN})`;
}

function signed(ratio: number): string {
  const percent = Math.abs(ratio - 1) * 100;
  if (percent > MOST_PERCENT) return `>+${MOST_PERCENT}`;
  const digits = percent < 10 ? 1 : 0;
  const text = percent.toFixed(digits);
  if (Number(text) === 0) return text;
  return `${ratio < 1 ? '−' : '+'}${text}`;
}

/** The comparison on a metric that deviates most from the baseline; undefined if none has an interval. */
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

/** How far the clients disagree, by the largest deviations; undefined if too little is known. */
export function describeAgreement(
  { result, arms }: CellView,
  marksOf: (comparison: Comparison) => readonly Mark[],
): string | undefined {
  if (!comparesLoadTools(arms) || result.scenario.load.model !== 'closed') return undefined;
  const rate = furthest('requestsPerSec', result.comparisons);
  const mean = furthest('meanUs', result.comparisons);
  if (rate === undefined || mean === undefined) return undefined;
  const deviation = (comparison: Comparison & { ratio: Interval }): string =>
    `${formatDeviation(comparison.ratio)}${signsOf(marksOf(comparison))} with ${comparison.candidate}`;
  return `Relative to ${result.scenario.baseline}, the largest deviation in requests per second is ${deviation(rate)}, and in mean latency ${deviation(mean)}.`;
}
