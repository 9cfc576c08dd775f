// In: what a scenario file holds. Out: the scenarios to be measured, one for each combination of its sweep, or all problems.
import type { Problem } from '../../results/errors.ts';
import type { SweepPoint } from '../../results/model/run.ts';
import { Scenario, type SweepValue } from '../../scenarios/model/scenario.ts';
import { combinations, type SweepAxis, type Variant } from '../../scenarios/model/sweep.ts';
import { pathText } from './problems.ts';
import { behaviourOptions, scenarioJsonSchema } from './schema.ts';
import { knownPaths, pathProblem } from './sweep-paths.ts';
import { foldProblems } from './sweep-problems.ts';
import { isRaw, type Raw, settingKeys, withPoints } from './sweep-values.ts';
import { createValidator, type FileModules, type PlanPlugins } from './validate.ts';

export type VariantsValidation =
  | { isValid: true; variants: Variant[] }
  | { isValid: false; problems: Problem[] };

/** Checks the raw content of one file; `file` only names it in problems. Never throws. */
export type ValidateVariants = (raw: unknown, file: string, modules?: FileModules) => VariantsValidation;

/** More cells take hours, and make a report that nobody reads. */
const MOST_CELLS = 100;

/** The axes as they are written; undefined without a sweep, or with one that the schema refuses. */
function axesIn(raw: unknown): SweepAxis[] | undefined {
  if (!isRaw(raw) || raw['sweep'] === undefined) return undefined;
  const parsed = Scenario.shape.sweep.safeParse(raw['sweep']);
  if (!parsed.success) return undefined;
  return Object.entries(parsed.data ?? {}).map(([path, values]) => ({ path, values }));
}

/**
 * A validator that also takes sweeps: each value is put where it would be written by hand, and each variant is checked as
 * a scenario of its own.
 */
export function createVariantsValidator(plugins: PlanPlugins): ValidateVariants {
  const validate = createValidator(plugins);
  const schema = scenarioJsonSchema(behaviourOptions(plugins.behaviours));
  const known = knownPaths(schema);

  function variantOf(scenario: Scenario, sweepPoints: readonly SweepPoint[] = []): Variant {
    const { behaviour } = scenario.target;
    const serviceMs = plugins.behaviours[behaviour.name]?.meanServiceMs(behaviour) ?? 0;
    return { ...scenario, sweepPoints, serviceMs };
  }

  return (content, file, modules) => {
    const axes = axesIn(content);
    if (axes === undefined || !isRaw(content)) {
      const validation = validate(content, file, modules);
      return validation.isValid ? { isValid: true, variants: [variantOf(validation.scenario)] } : validation;
    }
    const armNames = isRaw(content['clients']) ? Object.keys(content['clients']) : [];
    const paths = axes.flatMap(({ path }) => {
      const wrong = pathProblem(path, known, armNames);
      return wrong === undefined ? [] : [{ file, path: pathText(['sweep', path]), ...wrong }];
    });
    const sound = axes.filter(({ path }) => pathProblem(path, known, armNames) === undefined);
    const excess = tooMany(sound, file);
    const shown = excess.length === 0 ? sound : sound.map(firstOnly);
    const checked = combinations(shown.map(distinct)).map(points => ({
      points,
      validation: validate(withPoints(content, points, schema), file, modules),
    }));
    const faulty = checked.flatMap(({ points, validation }) =>
      validation.isValid ? [] : [{ points, problems: validation.problems }],
    );
    const problems = [
      ...paths,
      ...sound.flatMap(axis => repeated(axis, file)),
      ...clashes(sound, content, file),
      ...excess,
      ...foldProblems(faulty, shown),
    ];
    if (problems.length > 0) return { isValid: false, problems };
    const variants = checked.flatMap(({ points, validation }) =>
      validation.isValid ? [variantOf(validation.scenario, points)] : [],
    );
    return { isValid: true, variants };
  };
}

/** Stands for the rest of its values, where all of them together are too many to be looked at. */
function firstOnly({ path, values }: SweepAxis): SweepAxis {
  return { path, values: values.slice(0, 1) };
}

/** As text: cells are named by it. */
function isFirst(value: SweepValue, index: number, values: readonly SweepValue[]): boolean {
  return values.findIndex(other => String(other) === String(value)) === index;
}

function distinct({ path, values }: SweepAxis): SweepAxis {
  return { path, values: values.filter(isFirst) };
}

function repeated({ path, values }: SweepAxis, file: string): Problem[] {
  return values.flatMap((value, index) => {
    if (isFirst(value, index, values)) return [];
    const at = pathText(['sweep', path, index]);
    return [{ file, path: at, message: `${value} comes twice`, hint: 'each value once' }];
  });
}

/** One setting has one value: two axes may not both give it one. */
function clashes([first, second]: readonly SweepAxis[], raw: Raw, file: string): Problem[] {
  if (first === undefined || second === undefined) return [];
  const taken = new Set(settingKeys(first.path, raw).map(pathText));
  const twice = settingKeys(second.path, raw)
    .map(pathText)
    .find(path => taken.has(path));
  if (twice === undefined) return [];
  const message = `${twice} is swept by ${first.path}, too`;
  return [{ file, path: pathText(['sweep', second.path]), message, hint: 'each setting in one list' }];
}

function tooMany(axes: readonly SweepAxis[], file: string): Problem[] {
  const counts = axes.map(({ values }) => values.length);
  const cells = counts.reduce((product, count) => product * count, 1);
  if (cells <= MOST_CELLS) return [];
  const message = `${counts.join(' × ')} combinations are ${cells} cells`;
  return [{ file, path: 'sweep', message, hint: `at most ${MOST_CELLS}: fewer values` }];
}
