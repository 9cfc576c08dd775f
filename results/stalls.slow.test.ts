// The interval of the ratio of clients that stall holds the truth.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditCell } from './audits/index.ts';
import type { CompletedTrial } from './model/trial.ts';
import { createRandom } from './random.ts';
import { coverageOfRuns, simulatedTrials } from './testing/simulated-runs.ts';
import { STALL_CASES } from './testing/stall-truths.ts';

/** Enough for their mean to be off by less than a tenth of an interval's width. */
const RUNS = { pool: 500, runs: 200 };

/** A share less three of its standard errors, counted in this number of runs. */
function leastHeld(share: number): number {
  return share - 3 * Math.sqrt((share * (1 - share)) / RUNS.runs);
}

const QUIET = STALL_CASES.filter(({ name }) => name.endsWith('quiet host'));

for (const stall of QUIET) {
  test(`the interval holds the true ratio: ${stall.name}`, () => {
    const { holdsRatio } = coverageOfRuns(stall, { ...RUNS, least: 6, most: 6 });
    assert.ok(holdsRatio >= leastHeld(0.95), `${holdsRatio} of the intervals`);
  });
}

/** The trials of the replicates of a case, with what is read of slices. */
function trialsOf(name: string, replicates: number): CompletedTrial[] {
  const stall = STALL_CASES.find(candidate => candidate.name.startsWith(name))!;
  return simulatedTrials(stall, replicates, createRandom(5, name));
}

const audited = [
  { name: 'A/A', states: ['pass', 'pass'] },
  { name: 'pauses of 150 ms, just every 1 s', states: ['pass', 'warn'] },
  { name: 'pauses of 150 ms, on average every 1 s', states: ['pass', 'warn'] },
  { name: 'both pause for 150 ms', states: ['pass', 'pass'] },
];
for (const { name, states } of audited) {
  test(`own-stalls of simulated arms: ${name}: ${states.join(', ')}`, () => {
    const found = auditCell(trialsOf(name, 12), { expect: [], baseline: '' }).filter(
      ({ rule }) => rule === 'own-stalls',
    );
    assert.deepEqual(
      found.map(({ state }) => state),
      states,
    );
  });
}

const STOPPED = [20, 150, 500].map(lengthMs => `pauses of ${lengthMs} ms`);
for (const stall of QUIET.filter(({ name }) => STOPPED.some(start => name.startsWith(start)))) {
  test(`the interval holds the true ratio when a run stops as soon as it is narrow: ${stall.name}`, () => {
    const { holdsRatio } = coverageOfRuns(stall, RUNS);
    assert.ok(holdsRatio >= leastHeld(0.95), `${holdsRatio} of the intervals`);
  });
}

test('a run of arms that do not pause is no longer for it', () => {
  const aa = QUIET.find(({ name }) => name.startsWith('A/A'))!;
  assert.ok(coverageOfRuns(aa, RUNS).replicates < 4.5);
});
