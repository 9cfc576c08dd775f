// In: a sweep. Out: what limits its figures, each doubt once, with the cells that it is about.
import type { SweepPoint } from '../../results/model/run.ts';
import { subsetText } from '../../scenarios/model/sweep.ts';
import { cellCaveats } from '../words/caveats.ts';
import { allMarks, MARK_NOTES } from '../cell-view.ts';
import { stateOf } from '../words/headline.ts';
import type { CellState, Mark } from '../model.ts';
import { reuseTexts } from '../reuse-text.ts';
import type { SweepView, SweptCell } from './view.ts';

export function sweepState({ cells }: SweepView): CellState {
  const states = cells.map(({ view }) => stateOf(view));
  if (states.every(state => state === 'unmeasured')) return 'unmeasured';
  return states.includes('invalid') ? 'invalid' : 'sound';
}

export function sweepMarks({ cells }: SweepView): Mark[] {
  return [...new Set(cells.flatMap(({ view }) => allMarks(view)))];
}

/** To be read with the headline. */
export function doubtTexts(sweep: SweepView): string[] {
  const { cells, missing } = sweep;
  const invalid = cells.filter(({ view }) => stateOf(view) === 'invalid');
  const unmeasured = cells.filter(({ view }) => stateOf(view) === 'unmeasured');
  const cut = cells.filter(({ view }) => view.result.stop === 'interrupted');
  const planned = cells.length + missing.length;
  return [
    ...(invalid.length === 0
      ? []
      : [`† Do not rely on figures marked so: an audit failed${placesText(sweep, pointsOf(invalid))}.`]),
    ...(unmeasured.length === 0
      ? []
      : [`Nothing could be measured${placesText(sweep, pointsOf(unmeasured))}.`]),
    ...(cut.length === 0 ? [] : [`Interrupted while it measured${placesText(sweep, pointsOf(cut))}.`]),
    ...reusePlaces(sweep),
    ...(missing.length === 0
      ? []
      : [
          `Partial: the run ended before ${missing.length} of ${planned} cells, those${placesText(sweep, missing)}.`,
        ]),
    ...(sweepMarks(sweep).includes('clientBound') ? [MARK_NOTES.clientBound] : []),
  ];
}

/** Arms that should reuse connections and do not, with where. */
function reusePlaces(sweep: SweepView): string[] {
  return sweep.cells.flatMap(({ view, place }) => reuseTexts(view).map(text => `With ${place}, ${text}`));
}

/** Caveats of the cells; the same one of several cells once, with their values. */
export function sweepCaveats(sweep: SweepView): string[] {
  const told = sweep.cells.flatMap(({ points, view }) => cellCaveats(view).map(text => ({ text, points })));
  return [...Map.groupBy(told, ({ text }) => text)].map(([text, group]) => {
    const places = placesText(
      sweep,
      group.map(({ points }) => points),
    );
    return places === '' ? text : `${text.replace(/\.$/, '')} (${places.trim()}).`;
  });
}

function pointsOf(cells: readonly SweptCell[]): (readonly SweepPoint[])[] {
  return cells.map(({ points }) => points);
}

/** ` with roundTripMs = 20, 80`; empty for all cells. */
function placesText({ axes }: SweepView, subset: readonly (readonly SweepPoint[])[]): string {
  const text = subsetText(axes, subset);
  return text === '' ? '' : ` with ${text}`;
}
