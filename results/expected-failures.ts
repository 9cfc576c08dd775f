// In: a scenario and one of its arms. Out: whether its author has said that not one good answer is fine.
import { NULL_ARM } from '../bench/core/null-arm.ts';
import type { Scenario } from '../scenarios/model/scenario.ts';
import { judgeInterval } from './expect.ts';

/** By an expectation of its own, or of the arm that it is a copy of, that a share of good answers of 0 meets. */
export function areFailuresExpected(
  arm: string,
  { expect, baseline }: Pick<Scenario, 'expect' | 'baseline'>,
): boolean {
  const name = arm === NULL_ARM ? baseline : arm;
  return expect.some(
    expectation =>
      expectation.metric === 'successRatio' &&
      expectation.of === name &&
      expectation.over === undefined &&
      judgeInterval({ value: 0, low: 0, high: 0 }, expectation) === 'pass',
  );
}
