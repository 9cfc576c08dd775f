// Earlier runs of a given run, as a history holds them, with a change in one of its ratios.
import { randomNormal } from 'd3-random';
import type { RunSummary } from '../baselines.ts';
import type { Metric } from '../model/run.ts';
import { createRandom } from '../random.ts';
import type { Interval } from '../stats.ts';

const DAY_MS = 86_400_000;
/** By how much the ratios vary from night to night: a standard deviation, in logarithms. */
const NOISE = 0.01;

export interface SampleHistoryOptions {
  /** How many runs, the newest a day before the given one. */
  count: number;
  metric: Metric;
  /** The last runs, of this number, are at the level of the given one, those before at `factor` times that. */
  atLevel: number;
  factor: number;
}

/** Oldest first. Each night has a commit of its own; with the new level came another undici. */
export function sampleHistory(
  now: RunSummary,
  { count, metric, atLevel, factor }: SampleHistoryOptions,
): RunSummary[] {
  const draw = randomNormal.source(createRandom(1, 'sample-history'))(0, NOISE);
  return Array.from({ length: count }, (_, index) => {
    const run = structuredClone(now);
    const at = new Date(Date.parse(now.startedAt) - (count - index) * DAY_MS).toISOString();
    run.startedAt = at;
    run.runId = `${at.slice(0, 19).replaceAll(':', '-')}Z-${String(index).padStart(4, '0')}`;
    run.git = {
      commit: String(index).padStart(4, 'c').repeat(10),
      isDirty: false,
      repositoryUrl: 'https://git.example.com/us/ours',
    };
    const isBefore = index < count - atLevel;
    if (isBefore) run.host.packages['undici'] = '8.11.0';
    for (const { ratios, arms } of run.cells) {
      for (const ratio of ratios) {
        if (ratio.interval === null) continue;
        const noise = Math.exp(draw()) * (isBefore && ratio.metric === metric ? factor : 1);
        ratio.interval = scaled(ratio.interval, noise);
        const measured = arms.find(({ arm }) => arm === ratio.candidate);
        if (ratio.metric === 'requestsPerSec' && measured?.requestsPerSec)
          measured.requestsPerSec = scaled(measured.requestsPerSec, noise);
      }
    }
    return run;
  });
}

function scaled({ value, low, high }: Interval, factor: number): Interval {
  return { value: value * factor, low: low * factor, high: high * factor };
}
