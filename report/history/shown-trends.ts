// In: a trend. Out: whether reports show it whatever it says: the metric that decides, and the CPU, which is least disturbed.
import type { Trend } from '../../results/trend.ts';

export function isShown({ isDeciding, metric }: Pick<Trend, 'isDeciding' | 'metric'>): boolean {
  return isDeciding || metric === 'cpuUsPerRequest';
}
