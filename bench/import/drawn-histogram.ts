// A distribution of which only a summary is left, drawn again: by lines between the quantiles that are known.
import { emptyHistogram, mergeHistograms, weightedHistogram } from '../../results/histogram.ts';
import type { Histogram } from '../../results/model/trial.ts';
import type { Summary } from './artillery-report.ts';

/** Count, minimum, maximum and mean are those of the summaries; of a single one, its quantiles too. */
export function drawnFrom(summaries: readonly (Summary | undefined)[]): Histogram {
  return mergeHistograms(
    summaries.map(summary => (summary === undefined ? emptyHistogram() : drawn(summary))),
  );
}

/** Enough for every quantile that a report shows, however many times there were. */
const MOST_VALUES = 10_000;

function drawn(summary: Summary): Histogram {
  const { min, max, mean, p50, p90, p99, p999 } = summary;
  const within = (us: number): number => Math.min(max, Math.max(min, us));
  return {
    ...weightedHistogram(valuesOf(summary), { minUs: min, meanUs: mean, maxUs: max }),
    p50Us: within(p50),
    p90Us: within(p90),
    p99Us: within(p99),
    p999Us: within(p999),
  };
}

function* valuesOf(summary: Summary): Generator<{ us: number; count: number }> {
  const { count } = summary;
  const curve = curveOf(summary);
  const size = Math.min(count, MOST_VALUES);
  const before = (value: number): number => Math.floor((value * count) / size);
  for (let value = 0, part = 0; value < size; value++) {
    const share = (value + 0.5) / size;
    while (share > curve[part + 1]!.share) part++;
    const [from, to] = [curve[part]!, curve[part + 1]!];
    const us = from.us + ((share - from.share) / (to.share - from.share)) * (to.us - from.us);
    yield { us, count: before(value + 1) - before(value) };
  }
}

/** Quantiles have an error of 1 %, and so may lie outside of the range. */
function curveOf({ min, max, p50, p75, p90, p95, p99, p999 }: Summary): { share: number; us: number }[] {
  const known: [number, number][] = [
    [0, min],
    [0.5, p50],
    [0.75, p75],
    [0.9, p90],
    [0.95, p95],
    [0.99, p99],
    [0.999, p999],
    [1, max],
  ];
  return known.map(([share, us]) => ({ share, us: Math.min(max, Math.max(min, us)) }));
}
