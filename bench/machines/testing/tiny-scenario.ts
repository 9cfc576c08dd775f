// A scenario for tests of what machines do with it, which measures nothing.
import { Scenario } from '../../../scenarios/model/scenario.ts';

/** @param stated settings in place of the usual ones */
export function tinyScenarioOf(stated: Record<string, unknown>): Scenario {
  return Scenario.parse({
    name: 'tiny',
    question: 'Is it divided?',
    load: { concurrency: 4 },
    baseline: 'a',
    clients: { a: {} },
    ...stated,
  });
}
