// In: nothing. Out: what every chart of a sweep is to the rest: the pictures that it draws of one measure over the sweep.
import type { TopLevelSpec } from 'vega-lite';
import type { Measure } from './sweeps/measures.ts';
import type { SweepView } from './sweeps/view.ts';

export interface SweepPicture {
  title: string;
  /** How to read it, and what it shows. */
  caption: string;
  /** @param widthPx of the whole picture. */
  spec(widthPx: number): TopLevelSpec;
}

/** The figures of all pictures of a measure stand in the measure's table. */
export interface SweepChart {
  name: string;
  /** None where there is nothing to show. */
  pictures(sweep: SweepView, measure: Measure): readonly SweepPicture[];
}
