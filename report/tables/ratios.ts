// Table of ratios: each client relative to the baseline, with interval and verdict; null for a single arm.

import { comparedMetrics, METRIC_TABLE } from '../../results/metrics.ts';
import type { Comparison } from '../../results/model/run.ts';
import type { Load } from '../../scenarios/model/load.ts';
import { type CellView, comparisonMarks } from '../cell-view.ts';
import type { Table, TableCell } from '../model.ts';
import { describeVerdict, FEW_NOTE, formatComparison, formatCount, knownRatio } from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from './table.ts';

export function ratioTable(view: CellView): Table | null {
  const { comparisons, scenario } = view.result;
  if (comparisons.length === 0) return null;
  return createTable({
    name: 'ratios',
    title: `Relative to ${scenario.baseline}`,
    columns: [
      keyColumn('metric', 'metric'),
      keyColumn('arm', 'client'),
      figureColumn('ratio', 'ratio', '95 % interval'),
      figureColumn('replicateCount', 'replicates'),
      wordColumn('verdict', 'verdict'),
    ],
    rows: byMetric(comparisons, scenario.load).map(comparison => [
      words(METRIC_TABLE[comparison.metric].title, comparison.metric),
      words(comparison.candidate),
      ratioCell(comparison, view),
      words(formatCount(comparison.replicateRatios.length), comparison.replicateRatios.length),
      words(describeVerdict(comparison), comparison.isDeciding ? comparison.verdict : null),
    ]),
    notes: [
      `A ratio is the client's figure divided by that of ${scenario.baseline} in the same replicate; the interval is over the replicates.`,
      verdictNote(comparisons),
      ...(comparisons.some(comparison => knownRatio(comparison) === null) ? [FEW_NOTE] : []),
      ...(scenario.load.model === 'capacity'
        ? ['All metrics but the capacity compare clients at different rates: each at the one found for it.']
        : []),
    ],
  });
}

/** Groups rows by metric, so that the arms can be compared with each other too. */
function byMetric(comparisons: readonly Comparison[], load: Load): Comparison[] {
  return comparedMetrics(load).flatMap(metric =>
    comparisons.filter(comparison => comparison.metric === metric),
  );
}

/** Which metric gets a verdict, and how certain it is. */
function verdictNote(comparisons: readonly Comparison[]): string {
  const deciding = comparisons.filter(({ isDeciding }) => isDeciding);
  const [first] = deciding;
  if (first === undefined) return 'None of these is the deciding metric, so there is no verdict.';
  const one = `Only ${METRIC_TABLE[first.metric].title}, the deciding metric of this scenario, gets a verdict: with several metrics at 95 % each, one of them would soon be wrong. Unsure: the interval includes 1`;
  return deciding.length === 1
    ? `${one}.`
    : `${one}, or the wider interval for ${formatCount(deciding.length)} clients together (Holm's method) does, which limits the chance of any wrong verdict to 5 %.`;
}

function ratioCell(comparison: Comparison, view: CellView): TableCell {
  const { ratio, replicateRatios } = comparison;
  if (replicateRatios.length === 0 && ratio === null) return nothing;
  return figure(
    formatComparison(comparison),
    ratio ?? [...replicateRatios],
    comparisonMarks(comparison, view),
  );
}
