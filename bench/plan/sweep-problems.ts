// In: what is wrong with the variants of a scenario. Out: each problem once, at its place in the file as it is written.
import type { Problem } from '../../results/errors.ts';
import type { SweepPoint } from '../../results/model/run.ts';
import { type SweepAxis, subsetText, sweptValue } from '../../scenarios/model/sweep.ts';
import { pathText } from './problems.ts';
import { EVERY_CLIENT } from './sweep-paths.ts';

/** One combination of a sweep, and what is wrong with the scenario that it makes. */
export interface FaultyVariant {
  points: readonly SweepPoint[];
  problems: readonly Problem[];
}

/** Whether a problem's path is the swept setting, or within it, for one of the clients that it stands for. */
function isAt(problemPath: string, sweptPath: string): boolean {
  const keys = problemPath.split('.');
  return sweptPath
    .split('.')
    .every((key, index) => key === keys[index] || (key === EVERY_CLIENT && keys[index] !== undefined));
}

/**
 * Folds equal problems. One at a swept setting is told at the value in the list that is at fault, or at the list when it
 * is not the value's fault; any other, with the values that it comes up with, unless that is all of them.
 */
export function foldProblems(variants: readonly FaultyVariant[], axes: readonly SweepAxis[]): Problem[] {
  const found = variants.flatMap(({ points, problems }) =>
    problems.map(problem => ({
      points,
      problem,
      axis: axes.find(({ path }) => isAt(problem.path, path)),
    })),
  );
  const groups = Map.groupBy(found, ({ problem: { path, message, hint }, axis }) =>
    JSON.stringify([axis?.path ?? path, axis !== undefined, message, hint]),
  );
  return [...groups.values()].map(group => {
    const { problem, axis } = group[0]!;
    const subset = group.map(({ points }) => points);
    if (axis === undefined) return withSubset(problem, subsetText(axes, subset));
    const indices = axis.values.flatMap((value, index) =>
      subset.some(points => sweptValue(points, axis.path) === value) ? [index] : [],
    );
    const isOne = indices.length === 1 && axis.values.length > 1;
    const path = pathText(['sweep', axis.path, ...(isOne ? indices : [])]);
    const told = isOne ? axes.filter(other => other !== axis) : axes;
    return withSubset({ ...problem, path }, subsetText(told, subset));
  });
}

function withSubset(problem: Problem, subset: string): Problem {
  return subset === '' ? problem : { ...problem, message: `${problem.message} (with ${subset})` };
}
