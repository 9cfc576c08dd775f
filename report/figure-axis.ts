// In: figures with their bands. Out: the axis up which they are drawn: what it spans, linear or logarithmic, its ticks.
import type { Interval } from '../results/stats.ts';
import { isNarrow, type Y } from './charts/theme.ts';

/** Beyond this ratio of the highest to the lowest figure, equal steps would squeeze the low ones. */
const LOG_RATIO = { figures: 15, ratios: 3 };
const LOG_MARGIN = 1.12;
/** With more of them an axis has no room for steps in between. */
const MOST_DECADES = 3;

export interface Extent {
  low: number;
  high: number;
}

/** All figures, `alsoShown` too, and of the bands what reaches beyond these by no more than the factor `widestBand`. */
export function extentOf(
  rows: readonly Interval[],
  { alsoShown, widestBand }: { alsoShown: readonly number[]; widestBand: number },
): Extent {
  const values = [...rows.map(({ value }) => value), ...alsoShown];
  const lowest = Math.min(...values);
  const highest = Math.max(...values);
  return {
    low: Math.max(Math.min(lowest, ...rows.map(({ low }) => low)), lowest / widestBand),
    high: Math.min(Math.max(highest, ...rows.map(({ high }) => high)), highest * widestBand),
  };
}

/** The same figure, its band cut off where the extent ends. */
export function within<Row extends Interval>(extent: Extent, row: Row): Row {
  return { ...row, low: Math.max(row.low, extent.low), high: Math.min(row.high, extent.high) };
}

/** Of the field `value`. Ratios need not be read from 0. */
export function figureAxis(
  { low, high }: Extent,
  { title, isRatio }: { title: string; isRatio: boolean },
  widthPx: number,
): Y {
  const isLog = low > 0 && high / low > LOG_RATIO[isRatio ? 'ratios' : 'figures'];
  if (!isLog) {
    return {
      field: 'value',
      type: 'quantitative',
      scale: { zero: !isRatio, nice: true },
      axis: { title, tickCount: isNarrow(widthPx) ? 4 : 5, format: ',~r' },
    };
  }
  const domain = [low / LOG_MARGIN, high * LOG_MARGIN] as const;
  return {
    field: 'value',
    type: 'quantitative',
    scale: { type: 'log', domain: [...domain], nice: false },
    axis: { title, values: logTicks(...domain), format: ',~r' },
  };
}

/** 1, 2, 5, 10 ..., or the powers of ten alone where they are many. */
function logTicks(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const decades = Math.ceil(Math.log10(high)) - first;
  const steps = decades > MOST_DECADES ? [1] : [1, 2, 5];
  return Array.from({ length: decades + 1 }, (_, decade) =>
    steps.map(step => Number(`${step}e${first + decade}`)),
  )
    .flat()
    .filter(tick => tick >= low && tick <= high);
}
