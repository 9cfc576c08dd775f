// Words a change of level in a trend: what changed, by how much, how certain it is, since when, and what else changed with it.
import type { RunSummary } from '../../results/baselines.ts';
import type { Trend, TrendChange } from '../../results/history.ts';
import { METRIC_TABLE } from '../../results/metrics.ts';
import type { Interval } from '../../results/stats.ts';
import { capitalize } from './load.ts';
import { formatRelativeChange, roundInterval } from './numbers.ts';
import { formatCommit, formatDay } from './run.ts';

/** Whether reports always show it: the deciding metric, and CPU time, which is the least noisy. */
export function isShown({ isDeciding, metric }: Pick<Trend, 'isDeciding' | 'metric'>): boolean {
  return isDeciding || METRIC_TABLE[metric].isAlwaysInTrends === true;
}

/** `requests/s of persistent in ci-reuse`. */
export function trendName({ metric, arm, cell }: Pick<Trend, 'metric' | 'arm' | 'cell'>): string {
  return `${METRIC_TABLE[metric].title} of ${arm} in ${cell}`;
}

/** `5.10×`, to the digits that its interval supports. */
export function formatLevel(ratio: Interval): string {
  return `${roundInterval(ratio, 1).value}×`;
}

/** `0.002`. */
export function formatChance(p: number): string {
  return p.toFixed(3);
}

/**
 * `Requests/s of persistent in ci-reuse: 4.60× that of short since run R of 2026-11-20, commit C; before, 5.10×: −9.8 % (…),
 * p = 0.002. Changed since the previous run: undici 8.11.0 to 8.12.4.`
 */
export function describeChange(trend: Trend, { before, after, change, p }: TrendChange): string {
  const { run } = trend.points[after.from]!;
  const commit = run.git === null ? '' : `, commit ${formatCommit(run.git)}`;
  return [
    `${capitalize(trendName(trend))}: ${formatLevel(after.ratio)} that of ${trend.baseline}`,
    `since run ${run.runId} of ${formatDay(run.startedAt)}${commit};`,
    `before, ${formatLevel(before.ratio)}: ${formatRelativeChange(change)}, p = ${formatChance(p)}.`,
    describeDifferences(trend.points[after.from - 1]!.run, run),
  ].join(' ');
}

function describeDifferences(before: RunSummary, after: RunSummary): string {
  const known = new Map(listTraits(before));
  const differences = listTraits(after).flatMap(([name, value]) => {
    const old = known.get(name);
    return old === undefined || old === value ? [] : [`${name} ${old} to ${value}`];
  });
  return differences.length === 0
    ? 'Nothing that conntax records changed since the previous run.'
    : `Changed since the previous run: ${differences.join(', ')}.`;
}

/** What a run records about its code and machine, by name. */
function listTraits({ git, conntax, host }: RunSummary): [name: string, value: string][] {
  return [
    ...(git === null ? [] : [['commit', formatCommit(git)] as [string, string]]),
    ['conntax', conntax],
    ...Object.entries(host.packages),
    ['Node', host.node],
    ['kernel', host.kernel],
    ['CPU', `${host.cpuModel} with ${host.cpuCount} cores`],
  ];
}
