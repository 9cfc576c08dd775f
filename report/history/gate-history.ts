// In: a gate and the trends that end in its run. Out: what they add to its report: since when it has been slower, and the course.
import type { GateLine, GateResult } from '../../results/gate.ts';
import { openWorsening, type Trend } from '../../results/trend.ts';
import { capital } from '../headline-words.ts';
import { countText } from '../words/numbers.ts';
import type { Report } from '../model.ts';
import { changeSentence, trendName } from '../words/trend.ts';
import { isShown } from './shown-trends.ts';
import { trendFigure } from '../charts/trend.ts';
import { trendTable } from './trend-table.ts';

/** Nothing where no trend has enough runs. */
export function gateHistory(
  { lines }: GateResult,
  trends: readonly Trend[],
): Pick<Report, 'remarks' | 'tables' | 'figures'> {
  const regressions = lines.filter(({ state, kind }) => state === 'regression' && kind === 'ratio');
  const isRegressed = (trend: Trend): boolean => regressions.some(line => isOf(line, trend));
  const shown = trends.filter(trend => isShown(trend) || isRegressed(trend));
  return {
    remarks: shown.filter(isRegressed).map(sinceWhen),
    tables: shown.length === 0 ? [] : [trendTable(shown)],
    figures: shown.map(trendFigure),
  };
}

function isOf({ cell, arm, metric }: GateLine, trend: Trend): boolean {
  return trend.cell === cell && trend.arm === arm && trend.metric === metric;
}

function sinceWhen(trend: Trend): string {
  const worse = openWorsening(trend);
  return worse !== undefined
    ? changeSentence(trend, worse)
    : `${capital(trendName(trend))}: the ${countText(trend.points.length)} runs of the history show no change for the worse yet; a new level is told after three runs at least.`;
}
