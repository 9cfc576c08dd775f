// In: the cells of a run. Out: the same in sections: cells that stand alone, and sweeps with their cells in order.
import type { SweepPoint } from '../../results/model/run.ts';
import type { SweepValue } from '../../scenarios/model/scenario.ts';
import { axesOf, combinations, placeText, type SweepAxis, shortNames } from '../../scenarios/model/sweep.ts';
import type { ArmView, CellView } from '../cell-view.ts';

/** A swept setting. */
export interface SweptSetting {
  path: string;
  /** Its last keys. */
  name: string;
  /** Rising where they are numbers, else as they are listed. */
  values: readonly SweepValue[];
  isNumeric: boolean;
}

export interface SweptCell {
  view: CellView;
  /** Of the setting along the axis, and of the other one, if there is one. */
  x: SweepValue;
  other: SweepValue | undefined;
  /** `roundTripMs = 20`. */
  place: string;
  points: readonly SweepPoint[];
}

export interface SweepView {
  name: string;
  question: string;
  /** As they are listed, their values in the order of the axis: for words about some of the cells. */
  axes: readonly SweepAxis[];
  /** The setting along the axis of the pictures. */
  x: SweptSetting;
  /** Of two settings, the one of which each value is a line. */
  other: SweptSetting | undefined;
  /** In order of their values. */
  cells: readonly SweptCell[];
  /** Combinations that the run never came to. */
  missing: readonly (readonly SweepPoint[])[];
  /** As they were measured. */
  inOrder: readonly (readonly SweepPoint[])[];
  arms: readonly SweptArm[];
}

/** An arm over all cells of the sweep. */
export type SweptArm = Pick<ArmView, 'name' | 'label' | 'look' | 'isBaseline'>;

export type Section = { kind: 'cell'; view: CellView } | { kind: 'sweep'; sweep: SweepView };

/** In order of first appearance. */
export function sectionsOf(views: readonly CellView[]): Section[] {
  const groups = Map.groupBy(views, ({ result }) =>
    result.sweepPoints.length === 0 ? result.cell : `sweep ${result.scenario.name}`,
  );
  return [...groups.values()].flatMap((group): Section[] =>
    group[0]!.result.sweepPoints.length === 0
      ? group.map(view => ({ kind: 'cell', view }))
      : [{ kind: 'sweep', sweep: viewSweep(group) }],
  );
}

function viewSweep(views: readonly CellView[]): SweepView {
  const { scenario } = views[0]!.result;
  const axes = axesIn(views);
  const [x, other] = settingsOf(axes);
  const cells = views
    .map(view => sweptCell(view, x!, other))
    .toSorted((a, b) => rankOf(a.other, other) - rankOf(b.other, other) || rankOf(a.x, x) - rankOf(b.x, x));
  const measured = new Set(cells.map(({ points }) => placeText(points)));
  return {
    name: scenario.name,
    question: scenario.question,
    axes,
    x: x!,
    other,
    cells,
    missing: combinations(axes).filter(points => !measured.has(placeText(points))),
    inOrder: views.map(({ result }) => result.sweepPoints),
    arms: armsOf(views),
  };
}

/** What was asked for; and whatever else a stored run may say that it has measured. */
function axesIn(views: readonly CellView[]): SweepAxis[] {
  const asked = new Map(axesOf(views[0]!.result.scenario).map(({ path, values }) => [path, values]));
  const paths = views[0]!.result.sweepPoints.map(({ path }) => path);
  return paths.map(path => {
    const found = views.flatMap(({ result }) =>
      result.sweepPoints.flatMap(point => (point.path === path ? [point.value] : [])),
    );
    const values = [...new Set([...(asked.get(path) ?? []), ...found])];
    return { path, values: isNumeric(values) ? values.toSorted((a, b) => Number(a) - Number(b)) : values };
  });
}

function isNumeric(values: readonly SweepValue[]): boolean {
  return values.every(value => typeof value === 'number');
}

/** The setting along the axis first: of two the one with numbers, then the one with more values. */
function settingsOf(axes: readonly SweepAxis[]): SweptSetting[] {
  const names = shortNames(axes.map(({ path }) => path));
  const settings = axes.map(({ path, values }, index) => ({
    path,
    name: names[index]!,
    values,
    isNumeric: isNumeric(values),
  }));
  return settings.toSorted(
    (a, b) => Number(b.isNumeric) - Number(a.isNumeric) || b.values.length - a.values.length,
  );
}

function sweptCell(view: CellView, x: SweptSetting, other: SweptSetting | undefined): SweptCell {
  const points = view.result.sweepPoints;
  const at = (setting: SweptSetting | undefined) => points.find(({ path }) => path === setting?.path)?.value;
  return { view, x: at(x) ?? '', other: at(other), place: placeText(points), points };
}

function rankOf(value: SweepValue | undefined, setting: SweptSetting | undefined): number {
  return value === undefined || setting === undefined ? 0 : setting.values.indexOf(value);
}

function armsOf(views: readonly CellView[]): SweptArm[] {
  const arms = new Map(
    views.flatMap(view => view.arms).map(({ name, look, isBaseline }) => [name, { name, look, isBaseline }]),
  );
  return [...arms.values()].map(arm => ({
    ...arm,
    label: arm.isBaseline && arms.size > 1 ? `${arm.name} (baseline)` : arm.name,
  }));
}
