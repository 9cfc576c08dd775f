// In: a sweep. Out: the metric that decides under its load, by which it is told; and all metrics, that one first.
import type { Metric } from '../../results/model/run.ts';
import { comparedMetrics, headlineOf } from '../../results/metrics.ts';
import type { SweepView } from './view.ts';

/** What every load has, where a sweep goes over several kinds of load. */
const COMMON: Metric = 'meanUs';

export function decidingMetric({ cells }: Pick<SweepView, 'cells'>): Metric {
  const [first, ...others] = new Set(cells.map(({ view }) => headlineOf(view.result.scenario.load).metric));
  return first === undefined || others.length > 0 ? COMMON : first;
}

/** Those that any of its cells has. */
export function metricsOf(sweep: Pick<SweepView, 'cells'>): Metric[] {
  const compared = sweep.cells.flatMap(({ view }) => comparedMetrics(view.result.scenario.load));
  return [...new Set([decidingMetric(sweep), ...compared])];
}
