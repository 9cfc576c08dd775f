// A bisection of noisy measurements names a wrong version as rarely as it claims, its repeated looks included.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomNormal } from 'd3-random';
import { Expectation } from '../scenarios/model/scenario.ts';
import {
  type BisectStep,
  halfwayLimit,
  mostSteps,
  nextVersion,
  type StepState,
  suspectsOf,
} from './bisect.ts';
import { judgeTogether } from './expect.ts';
import { createRandom } from './random.ts';
import { replicateInterval } from './stats.ts';

const VERSIONS = Array.from({ length: 28 }, (_, index) => `1.${index}.0`);
const MIN_REPLICATES = 4;
const EXPERIMENTS = 400;
/** 5 % and three standard errors. */
const MAX_WRONG = 0.05 + 3 * Math.sqrt((0.05 * 0.95) / EXPERIMENTS);

const CPU = Expectation.parse({ metric: 'cpuUsPerRequest', of: 'after', over: 'before', atMost: 1.02 });

/** Of replicates until it is decided or `most` are made. */
function judged(limit: Expectation, logChange: number, { sd, most }: Noise, normal: () => number) {
  const logs: number[] = [];
  for (;;) {
    logs.push(logChange + sd * normal());
    if (logs.length < MIN_REPLICATES) continue;
    const [state] = judgeTogether([limit], (_, level) => replicateInterval(logs, level), SHARERS);
    if (state !== 'unsure' || logs.length === most) return { state: state!, value: replicateInterval(logs)! };
  }
}

const SHARERS = mostSteps(VERSIONS.length, 1);
const STATES = { fail: 'worse', pass: 'fine', unsure: 'unsure' } as const;

interface Noise {
  /** Of the logarithm of a replicate's ratio. */
  sd: number;
  /** Replicates that fit the budget. */
  most: number;
}

for (const { change, sd, most, leastFound } of [
  { change: 0.05, sd: 0.01, most: 12, leastFound: 0.8 },
  { change: 0.1, sd: 0.05, most: 12, leastFound: 0 },
  { change: 0.3, sd: 0.05, most: 12, leastFound: 0.8 },
  { change: 1, sd: 0.1, most: 8, leastFound: 0.8 },
]) {
  test(`${change * 100} % worse from some version on, replicates that differ by ${sd * 100} %: a wrong one is named in 5 % at most`, () => {
    const random = createRandom(7, 'bisect', change, sd);
    const normal = randomNormal.source(random)();
    let wrong = 0;
    let found = 0;
    for (let experiment = 0; experiment < EXPERIMENTS; experiment++) {
      const first = 1 + Math.floor(random() * (VERSIONS.length - 1));
      const changeOf = (version: string): number =>
        VERSIONS.indexOf(version) < first ? 0 : Math.log1p(change);
      const end = judged(CPU, Math.log1p(change), { sd, most }, normal);
      if (end.state !== 'fail') continue;
      const limit = halfwayLimit(CPU, end.value);
      const steps: Pick<BisectStep, 'version' | 'state'>[] = [
        { version: VERSIONS.at(-1)!, state: 'worse' as StepState },
      ];
      while (steps.length < SHARERS) {
        const version = nextVersion(VERSIONS, steps);
        if (version === undefined) break;
        const { state } = judged(limit, changeOf(version), { sd, most }, normal);
        steps.push({ version, state: STATES[state] });
      }
      const { suspects } = suspectsOf(VERSIONS, steps);
      if (suspects.length === 1) found++;
      if (!suspects.includes(VERSIONS[first]!)) wrong++;
    }
    assert.ok(wrong / EXPERIMENTS <= MAX_WRONG, `${wrong} of ${EXPERIMENTS} are wrong`);
    assert.ok(found / EXPERIMENTS >= leastFound, `${found} of ${EXPERIMENTS} are found`);
  });
}
