// In: the comparisons of a cell. Out: each arm against the baseline, with interval and verdict; null for a single arm.

import { comparedMetrics, METRIC_TABLE } from '../../results/metrics.ts';
import type { Comparison } from '../../results/model/run.ts';
import type { Load } from '../../scenarios/model/load.ts';
import { type CellView, comparisonMarks } from '../cell-view.ts';
import type { Table, TableCell } from '../model.ts';
import { comparisonText, countText, FEW_NOTE, knownRatio, verdictText } from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from './table.ts';

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
      words(METRIC_TABLE[comparison.metric].title, comparison.metric),
      words(comparison.candidate),
      ratioCell(comparison, view),
      words(countText(comparison.replicateRatios.length), comparison.replicateRatios.length),
      words(verdictText(comparison), comparison.isDeciding ? comparison.verdict : null),
    ]),
    notes: [
      `A ratio is the arm's figure over that of ${scenario.baseline} in the same replicate; the interval is over the replicates.`,
      verdictNote(comparisons),
      ...(comparisons.some(comparison => knownRatio(comparison) === null) ? [FEW_NOTE] : []),
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

/** On which metric a verdict is given, and how sure it is. */
function verdictNote(comparisons: readonly Comparison[]): string {
  const deciding = comparisons.filter(({ isDeciding }) => isDeciding);
  const [first] = deciding;
  if (first === undefined) return 'None of these metrics decides, so there is no verdict.';
  const one = `A verdict is given on ${METRIC_TABLE[first.metric].title} alone, by which this scenario decides: of several metrics at 95 % each one is soon wrong. Unsure: 1 is within the interval`;
  return deciding.length === 1
    ? `${one}.`
    : `${one}, or within the wider one that ${countText(deciding.length)} arms take together (Holm's method), so that any verdict of them is wrong in 5 % at most.`;
}

function ratioCell(comparison: Comparison, view: CellView): TableCell {
  const { ratio, replicateRatios } = comparison;
  if (replicateRatios.length === 0 && ratio === null) return nothing;
  return figure(comparisonText(comparison), ratio ?? [...replicateRatios], comparisonMarks(comparison, view));
}
