// In: simulated arms that stop, or have slow requests. Out: proof that the interval of their ratio holds the truth.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClosedLoad } from '../scenarios/model/load.ts';
import { auditCell, auditTrial } from './audits/index.ts';
import type { CompletedTrial } from './model/trial.ts';
import { createRandom } from './random.ts';
import { replicateInterval } from './stats.ts';
import { coverageAt } from './testing/coverage.ts';
import { sampleRun } from './testing/sample-run.ts';
import { simulateReplicate, USERS } from './testing/simulated-arms.ts';
import { STALL_CASES, truthOf } from './testing/stall-truths.ts';

const EXPERIMENTS = 100;
/** 95 % less three standard errors of a share counted in so many experiments. */
const LEAST_HELD = 0.95 - 3 * Math.sqrt((0.95 * 0.05) / EXPERIMENTS);

/** An event loop that stands still for half of the time runs in step with its slices: marked, see below. */
const IN_STEP = 'pauses of 500 ms, just every 1 s';
const QUIET = STALL_CASES.filter(({ name }) => name.endsWith('quiet host'));

for (const stall of QUIET.filter(({ name }) => !name.startsWith(IN_STEP))) {
  test(`the interval holds the true ratio: ${stall.name}`, () => {
    const { holdsRatio } = coverageAt(replicateInterval, truthOf(stall), 6, EXPERIMENTS);
    assert.ok(holdsRatio >= LEAST_HELD, `${holdsRatio} of the intervals`);
  });
}

/** The trials of the replicates of a case, with what the audits of slices read. */
function trialsOf(name: string, replicates: number): CompletedTrial[] {
  const { baseline, candidate, host } = QUIET.find(stall => stall.name.startsWith(name))!;
  const samples = sampleRun({ replicates }).trials.filter(trial => trial.state === 'completed');
  const random = createRandom(5, name);
  const pairs = Map.groupBy(samples, ({ trial }) => trial.replicate);
  return [...pairs.values()].flatMap(pair => {
    const [before, after] = simulateReplicate([baseline, candidate], host, random);
    return pair.map(sample => {
      const slices = sample.trial.arm === 'short' ? before : after;
      const steadyMs = slices.reduce((sum, { windowMs }) => sum + windowMs, 0);
      const load = ClosedLoad.parse({ concurrency: USERS });
      return {
        ...sample,
        trial: { ...sample.trial, load },
        measurement: { ...sample.measurement, slices, steadyMs },
      };
    });
  });
}

test('pauses that run in step with the slices do not pass: what ended is not what the times say', () => {
  for (const trial of trialsOf(IN_STEP, 4).filter(({ trial: { arm } }) => arm === 'persistent')) {
    assert.equal(auditTrial(trial).find(({ rule }) => rule === 'littles-law')?.state, 'fail');
  }
});

const audited = [
  { name: 'A/A', states: ['pass', 'pass'] },
  { name: 'pauses of 150 ms, just every 1 s', states: ['pass', 'warn'] },
  { name: 'pauses of 150 ms, on average every 1 s', states: ['pass', 'warn'] },
  { name: 'both pause for 150 ms', states: ['pass', 'pass'] },
];
for (const { name, states } of audited) {
  test(`own-stalls of simulated arms: ${name}: ${states.join(', ')}`, () => {
    const found = auditCell(trialsOf(name, 6)).filter(({ rule }) => rule === 'own-stalls');
    assert.deepEqual(
      found.map(({ state }) => state),
      states,
    );
  });
}
