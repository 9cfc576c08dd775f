// In: a scenario whose fields are each valid. Out: where it names an arm that it does not have.
import type { CrossContext, CrossProblem } from './rules.ts';
import { nameHint } from './nearest.ts';

export function checkBaseline({ scenario, armNames }: CrossContext): CrossProblem[] {
  if (armNames.length === 0 || armNames.includes(scenario.baseline)) return [];
  return [
    {
      path: ['baseline'],
      about: [['baseline']],
      message: `there is no client "${scenario.baseline}"`,
      hint: nameHint(scenario.baseline, armNames),
    },
  ];
}

/** Expectations name arms; of itself an arm has no ratio. */
export function checkExpectations({ scenario, armNames }: CrossContext): CrossProblem[] {
  return scenario.expect.flatMap(({ of, over }, index) => {
    const at = (key: string): CrossProblem['path'] => ['expect', index, key];
    const unknown = (['of', 'over'] as const)
      .map(key => ({ key, arm: key === 'of' ? of : over }))
      .filter(({ arm }) => arm !== undefined && !armNames.includes(arm))
      .map(({ key, arm = '' }) => ({
        path: at(key),
        about: [['expect']],
        message: `there is no client "${arm}"`,
        hint: nameHint(arm, armNames),
      }));
    if (over !== of) return unknown;
    const message = `the ratio of ${of} to itself is always 1`;
    return [
      { path: at('over'), about: [['expect']], message, hint: 'another arm, or leave it out' },
      ...unknown,
    ];
  });
}

/** Published figures stand beside an arm's own, so each row is one arm's, and each arm has one. */
export function checkPublished({ scenario, armNames }: CrossContext): CrossProblem[] {
  const rows = scenario.published?.rows ?? [];
  return rows.flatMap(({ arm }, index) => {
    const at = { path: ['published', 'rows', index, 'arm'], about: [['published']] };
    if (!armNames.includes(arm))
      return [{ ...at, message: `there is no client "${arm}"`, hint: nameHint(arm, armNames) }];
    const isFirst = rows.findIndex(row => row.arm === arm) === index;
    return isFirst ? [] : [{ ...at, message: `"${arm}" has a row already`, hint: 'one row an arm' }];
  });
}
