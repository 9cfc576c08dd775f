// In: a change of level in a trend. Out: a sentence for a tired reader: what, by how much, how sure, since when, and what came with it.
import type { RunSummary } from '../../results/baselines.ts';
import type { Trend, TrendChange } from '../../results/history.ts';
import { METRIC_TABLE } from '../../results/metrics.ts';
import type { Interval } from '../../results/stats.ts';
import { capital } from './load.ts';
import { intervalTexts, relativeChangeText } from './numbers.ts';
import { commitText, dayText } from './run.ts';

// From a trend. Out: whether reports show it whatever it says: the metric that decides, and the CPU, which is least disturbed.

export function isShown({ isDeciding, metric }: Pick<Trend, 'isDeciding' | 'metric'>): boolean {
  return isDeciding || METRIC_TABLE[metric].isAlwaysInTrends === true;
}

/** `requests/s of persistent in ci-reuse`. */
export function trendName({ metric, arm, cell }: Pick<Trend, 'metric' | 'arm' | 'cell'>): string {
  return `${METRIC_TABLE[metric].title} of ${arm} in ${cell}`;
}

/** `5.10×`, rounded as its interval allows. */
export function levelText(ratio: Interval): string {
  return `${intervalTexts(ratio, 1).value}×`;
}

/** `0.002`. */
export function chanceText(p: number): string {
  return p.toFixed(3);
}

/**
 * `Requests/s of persistent in ci-reuse: since run R of 2026-11-20, commit C, at 4.60× that of short, before at 5.10×: −9.8 % (…),
 * p = 0.002. From the run before to that one: undici 8.11.0 to 8.12.4.`
 */
export function changeSentence(trend: Trend, { before, after, change, p }: TrendChange): string {
  const { run } = trend.points[after.from]!;
  const commit = run.git === null ? '' : `, commit ${commitText(run.git)}`;
  return [
    `${capital(trendName(trend))}: since run ${run.runId} of ${dayText(run.startedAt)}${commit},`,
    `at ${levelText(after.ratio)} that of ${trend.baseline}, before at ${levelText(before.ratio)}:`,
    `${relativeChangeText(change)}, p = ${chanceText(p)}.`,
    differencesText(trend.points[after.from - 1]!.run, run),
  ].join(' ');
}

function differencesText(before: RunSummary, after: RunSummary): string {
  const known = new Map(traitsOf(before));
  const differences = traitsOf(after).flatMap(([name, value]) => {
    const old = known.get(name);
    return old === undefined || old === value ? [] : [`${name} ${old} to ${value}`];
  });
  return differences.length === 0
    ? 'Nothing that is recorded differs from the run before.'
    : `From the run before to that one: ${differences.join(', ')}.`;
}

/** What a run records of code and machine, by name. */
function traitsOf({ git, conntax, host }: RunSummary): [name: string, value: string][] {
  return [
    ...(git === null ? [] : [['commit', commitText(git)] as [string, string]]),
    ['conntax', conntax],
    ...Object.entries(host.packages),
    ['Node', host.node],
    ['kernel', host.kernel],
    ['CPU', `${host.cpuModel} of ${host.cpuCount} cores`],
  ];
}
