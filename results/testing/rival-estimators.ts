// In: one log ratio per replicate. Out: what other estimators make of them, to compare ours with.
import quantile from '@stdlib/stats-base-dists-t-quantile';
import { createRandom } from '../random.ts';
import type { Estimator } from '../stats.ts';
import { studentInterval, toRatio, trimmedMean } from '../stats.ts';

const LEVEL = 0.95;
/** Rank-based intervals at 95 % do not exist below six values. */
const LEAST_FOR_RANKS = 6;

const student: Estimator = values => toRatio(studentInterval(values, LEVEL));

/** Trimmed mean with the winsorized variance. K. K. Yuen, 1974. */
const yuen: Estimator = values => {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  const cut = Math.floor(0.2 * n);
  const kept = n - 2 * cut;
  const winsorized = sorted.map((_, index) => sorted[Math.min(n - 1 - cut, Math.max(cut, index))]!);
  const mean = winsorized.reduce((sum, value) => sum + value, 0) / n;
  const squares = winsorized.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const half = quantile((1 + LEVEL) / 2, kept - 1) * Math.sqrt(squares / (kept * (kept - 1)));
  const value = trimmedMean(values, 0.2)!;
  return toRatio({ value, low: value - half, high: value + half });
};

/** The interval between two order statistics: the sign test of the median, turned round. */
const orderStatistics: Estimator = values => {
  const n = values.length;
  if (n < LEAST_FOR_RANKS) return student(values);
  let tail = 0;
  let binomial = 1;
  let rank = 0;
  for (; tail + binomial / 2 ** n <= (1 - LEVEL) / 2; rank++) {
    tail += binomial / 2 ** n;
    binomial = (binomial * (n - rank)) / (rank + 1);
  }
  return between(values, rank);
};

/** Walsh averages between two ranks: the signed-rank test, turned round. J. L. Hodges and E. L. Lehmann, 1963. */
const hodgesLehmann: Estimator = values => {
  const n = values.length;
  if (n < LEAST_FOR_RANKS) return student(values);
  const walsh = values.flatMap((a, index) => values.slice(index).map(b => (a + b) / 2));
  return between(walsh, signedRank(n));
};

/** The distribution of (mean - truth) / standard error, by resampling. B. Efron, 1979. */
const bootstrapT: Estimator = values => {
  const random = createRandom(1, ...values);
  const n = values.length;
  const own = studentInterval(values, LEVEL);
  const errorOf = (sample: readonly number[]) => {
    const { value, high } = studentInterval(sample, LEVEL);
    return { mean: value, error: (high - value) / quantile((1 + LEVEL) / 2, n - 1) };
  };
  const pivots: number[] = [];
  for (let resample = 0; resample < 199; resample++) {
    const { mean, error } = errorOf(Array.from({ length: n }, () => values[Math.floor(random() * n)]!));
    if (error > 0) pivots.push((mean - own.value) / error);
  }
  pivots.sort((a, b) => a - b);
  const at = (q: number) => pivots[Math.floor(q * pivots.length)] ?? 0;
  const { error } = errorOf(values);
  return toRatio({
    value: own.value,
    low: own.value - at(0.975) * error,
    high: own.value - at(0.025) * error,
  });
};

export const RIVALS: Readonly<Record<string, Estimator>> = {
  "Student's t": student,
  'Yuen (20 %)': yuen,
  'Hodges-Lehmann': hodgesLehmann,
  'order statistics': orderStatistics,
  'bootstrap-t': bootstrapT,
};

/** From the rank-th lowest to the rank-th highest, with the median between them. */
function between(values: readonly number[], rank: number) {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  const median = (sorted[Math.floor((n - 1) / 2)]! + sorted[Math.floor(n / 2)]!) / 2;
  return toRatio({ value: median, low: sorted[rank - 1]!, high: sorted[n - rank]! });
}

/** The highest rank that leaves at most 2.5 % below it, by the exact distribution of Wilcoxon's signed-rank sum. */
function signedRank(n: number): number {
  const ways = Array.from({ length: (n * (n + 1)) / 2 + 1 }, (_, sum) => (sum === 0 ? 1 : 0));
  for (let rank = 1; rank <= n; rank++) {
    for (let sum = ways.length - 1; sum >= rank; sum--) ways[sum]! += ways[sum - rank]!;
  }
  let tail = 0;
  let rank = 0;
  while ((tail + ways[rank]!) / 2 ** n <= (1 - LEVEL) / 2) tail += ways[rank++]!;
  return rank;
}
