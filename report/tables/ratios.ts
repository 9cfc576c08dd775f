// In: the comparisons of a cell. Out: each arm against the baseline, with interval and verdict; null for a single arm.
import type { Load } from '../../bench/core/load.ts';
import type { Comparison } from '../../bench/core/run-types.ts';
import { comparedMetrics } from '../../results/headline-metric.ts';
import { type CellView, comparisonMarks } from '../cell-view.ts';
import { METRIC_TITLES, verdictText } from '../metrics.ts';
import { countText, ratioText, significantText } from '../numbers.ts';
import type { Table, TableCell } from '../report.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from '../table-parts.ts';

export function ratioTable(view: CellView): Table | null {
  const { comparisons, scenario } = view.result;
  if (comparisons.length === 0) return null;
  return createTable({
    name: 'ratios',
    title: `Against ${scenario.baseline}`,
    columns: [
      keyColumn('metric', 'metric'),
      keyColumn('arm', 'arm'),
      figureColumn('ratio', 'ratio', '95 % interval'),
      figureColumn('replicateCount', 'replicates'),
      wordColumn('verdict', 'verdict'),
    ],
    rows: byMetric(comparisons, scenario.load).map(comparison => [
      words(METRIC_TITLES[comparison.metric], comparison.metric),
      words(comparison.candidate),
      ratioCell(comparison, view),
      words(countText(comparison.replicateRatios.length), comparison.replicateRatios.length),
      words(verdictText(comparison), comparison.verdict),
    ]),
    notes: [
      `A ratio is the arm's figure over that of ${scenario.baseline}, paired slice by slice or replicate by replicate. Unsure: 1 is within the interval.`,
      ...(scenario.load.model === 'capacity'
        ? ['All but the capacity itself are of arms at different rates: each at the one found for it.']
        : []),
    ],
  });
}

/** Arms one below the other, so that they can be compared with each other too. */
function byMetric(comparisons: readonly Comparison[], load: Load): Comparison[] {
  return comparedMetrics(load).flatMap(metric =>
    comparisons.filter(comparison => comparison.metric === metric),
  );
}

function ratioCell(comparison: Comparison, view: CellView): TableCell {
  const { ratio, replicateRatios } = comparison;
  const marks = comparisonMarks(comparison, view);
  if (ratio !== null) return figure(ratioText(ratio), ratio, marks);
  if (replicateRatios.length === 0) return nothing;
  return figure(
    `${replicateRatios.map(value => `${significantText(value)}×`).join(', ')} (no interval)`,
    [...replicateRatios],
    marks,
  );
}
