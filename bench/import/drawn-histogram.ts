// A distribution of which only a summary is left, drawn again: by lines between the quantiles that are known.
import { createLatencyRecorder, emptyHistogram, mergeHistograms } from '../../results/histogram.ts';
import type { Histogram } from '../../results/model/trial.ts';
import type { Summary } from './artillery-report.ts';

/** Count, minimum, maximum and mean are those of the summaries; of a single one, its quantiles too. */
export function drawnFrom(summaries: readonly (Summary | undefined)[]): Histogram {
  return mergeHistograms(
    summaries.map(summary => (summary === undefined ? emptyHistogram() : drawn(summary))),
  );
}

function drawn(summary: Summary): Histogram {
  const { min, max, count, mean } = summary;
  const curve = curveOf(summary);
  const recorder = createLatencyRecorder();
  for (let rank = 0, part = 0; rank < count; rank++) {
    const share = (rank + 0.5) / count;
    while (share > curve[part + 1]!.share) part++;
    const [from, to] = [curve[part]!, curve[part + 1]!];
    recorder.recordUs(from.us + ((share - from.share) / (to.share - from.share)) * (to.us - from.us));
  }
  const { v2 } = recorder.summary();
  recorder.close();
  const at = (us: number): number => Math.min(max, Math.max(min, us));
  return {
    count,
    minUs: min,
    meanUs: mean,
    maxUs: max,
    p50Us: at(summary.p50),
    p90Us: at(summary.p90),
    p99Us: at(summary.p99),
    p999Us: at(summary.p999),
    v2,
  };
}

/** Quantiles with an error of 1 % may lie outside of the range, and one below the one before it. */
function curveOf({ min, max, p50, p75, p90, p95, p99, p999 }: Summary): { share: number; us: number }[] {
  const known: [number, number][] = [
    [0.5, p50],
    [0.75, p75],
    [0.9, p90],
    [0.95, p95],
    [0.99, p99],
    [0.999, p999],
    [1, max],
  ];
  const curve = [{ share: 0, us: min }];
  for (const [share, us] of known) curve.push({ share, us: Math.min(max, Math.max(curve.at(-1)!.us, us)) });
  return curve;
}
