// In: a scenario whose fields are each valid. Out: what is wrong with its load, and with what is expected under it.
import type { CapacityLoad, Load } from '../../scenarios/model/load.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import type { CrossProblem } from './rules.ts';

export function checkLoad({ load, expect }: Pick<Scenario, 'load' | 'expect'>): CrossProblem[] {
  return load.model === 'capacity' ? searchProblems(load) : expectationProblems(load, expect);
}

/** Nothing but a search finds a capacity. */
function expectationProblems({ model }: Load, expect: Scenario['expect']): CrossProblem[] {
  return expect.flatMap(({ metric }, index) => {
    if (metric !== 'capacityPerSec') return [];
    const path = ['expect', index, 'metric'];
    return [
      {
        path,
        about: [path, ['load']],
        message: `a load of model ${model} finds no capacity`,
        hint: "another metric, or model: 'capacity' in load",
      },
    ];
  });
}

function searchProblems(load: CapacityLoad): CrossProblem[] {
  const { minRatePerSec, maxRatePerSec, objective } = load;
  const problems: CrossProblem[] = [];
  if (minRatePerSec >= maxRatePerSec) {
    const paths = [
      ['load', 'minRatePerSec'],
      ['load', 'maxRatePerSec'],
    ];
    problems.push({
      path: paths[0]!,
      about: paths,
      message: `${minRatePerSec} is not less than maxRatePerSec, which is ${maxRatePerSec}: there is nothing to search`,
      hint: `less than ${maxRatePerSec}, or a larger maxRatePerSec`,
    });
  }
  if (objective.p50Ms === undefined && objective.p99Ms === undefined) {
    const path = ['load', 'objective'];
    problems.push({
      path,
      about: [path],
      message: 'no latency is asked for, so that any rate would do',
      hint: 'p99Ms, p50Ms or both, in ms',
    });
  }
  return problems;
}
