// A bisection asks for the version that halves what is open, and names one only where nothing else is possible.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { Expectation, type Judgement } from '../scenarios/model/scenario.ts';
import {
  type Bisection,
  type BisectionState,
  type BisectStep,
  halfwayLimit,
  type JudgedLimit,
  mostSteps,
  nextVersion,
  type StepState,
  stateOf,
  stateOfLimits,
  suspectsOf,
} from './bisect.ts';

type Versions = readonly [string, string, ...string[]];

function versionsOf(count: number): Versions {
  return Array.from({ length: count }, (_, index) => `1.${index}.0`) as unknown as Versions;
}

const step = (version: string, state: StepState): BisectStep => ({
  version,
  state,
  cell: 'mine',
  limits: [],
  replicates: 4,
  elapsedMs: 1_000,
  runId: null,
  cause: null,
});

/** Bisects by an oracle, from the end on. */
function bisect(versions: Versions, stateOfVersion: (version: string) => StepState): BisectStep[] {
  const steps = [step(versions.at(-1)!, 'worse')];
  while (steps.length < mostSteps(versions.length, 1)) {
    const version = nextVersion(versions, steps);
    if (version === undefined) break;
    steps.push(step(version, stateOfVersion(version)));
  }
  return steps;
}

const bisection = (versions: Versions, steps: BisectStep[], isInterrupted = false): Bisection => ({
  kind: 'versions',
  name: 'some',
  versions,
  titles: {},
  minEffect: 0.02,
  steps,
  mostSteps: mostSteps(versions.length, 1),
  startedAt: '2026-11-29T00:00:00.000Z',
  isInterrupted,
});

const range = fc
  .integer({ min: 2, max: 60 })
  .chain(count => fc.tuple(fc.constant(count), fc.integer({ min: 1, max: count - 1 })));

test('whichever version is the first worse one, it is named, by as few steps as halving takes', () => {
  fc.assert(
    fc.property(range, ([count, first]) => {
      const versions = versionsOf(count);
      const steps = bisect(versions, version => (versions.indexOf(version) < first ? 'fine' : 'worse'));
      assert.deepEqual(suspectsOf(versions, steps), {
        lastFine: versions[first - 1],
        suspects: [versions[first]],
      });
      assert.ok(steps.length <= 1 + Math.ceil(Math.log2(count - 1)), `${steps.length} steps`);
      assert.equal(stateOf(bisection(versions, steps)).kind, 'found');
    }),
  );
});

test('versions that are not decided or cannot be measured never make it name another one than the first worse', () => {
  const oracle = fc.tuple(range, fc.array(fc.constantFrom('fine', 'unsure', 'failed'), { maxLength: 60 }));
  fc.assert(
    fc.property(oracle, ([[count, first], troubles]) => {
      const versions = versionsOf(count);
      const steps = bisect(versions, version => {
        const index = versions.indexOf(version);
        const trouble = troubles[index] ?? 'fine';
        if (trouble !== 'fine') return trouble;
        return index < first ? 'fine' : 'worse';
      });
      const { suspects } = suspectsOf(versions, steps);
      assert.ok(suspects.includes(versions[first]!));
      assert.ok(steps.length <= mostSteps(count, 1));
      const expected = suspects.length === 1 ? 'found' : 'narrowed';
      assert.equal(stateOf(bisection(versions, steps)).kind, expected);
      assert.equal(new Set(steps.map(({ version }) => version)).size, steps.length, 'none is measured twice');
    }),
  );
});

test('a version that is not decided is passed over, for the nearest to the middle that is left', () => {
  const versions = versionsOf(6);
  const end = step('1.5.0', 'worse');
  assert.equal(nextVersion(versions, [end]), '1.2.0');
  assert.equal(nextVersion(versions, [end, step('1.2.0', 'unsure')]), '1.3.0');
  assert.equal(nextVersion(versions, [end, step('1.2.0', 'failed'), step('1.3.0', 'worse')]), '1.1.0');
});

suite('the limit for versions in between is half of the change between the ends', () => {
  const of = { of: 'after', over: 'before' };
  const rows: [why: string, limit: object, change: number, half: object][] = [
    ['slower', { metric: 'requestsPerSec', atLeast: 0.98 }, 0.25, { atLeast: 0.5 }],
    ['more CPU', { metric: 'cpuUsPerRequest', atMost: 1.02 }, 1.44, { atMost: 1.2 }],
    ['as little as is seen', { metric: 'cpuUsPerRequest', atMost: 1.02 }, 1.03, { atMost: 1.015 }],
  ];
  for (const [why, limit, value, half] of rows) {
    test(why, () => {
      const expectation = Expectation.parse({ ...of, ...limit });
      const { atLeast, atMost, ...rest } = halfwayLimit(expectation, { value, low: value, high: value });
      assert.deepEqual({ ...rest }, { ...of, metric: expectation.metric });
      assert.deepEqual(JSON.parse(JSON.stringify({ atLeast, atMost })), half);
    });
  }
});

suite('what the comparison of the ends says', () => {
  const versions = versionsOf(4);
  const end = '1.3.0';
  const rows: [why: string, steps: BisectStep[], isInterrupted: boolean, kind: BisectionState['kind']][] = [
    ['not worse', [step(end, 'fine')], false, 'none'],
    [
      'not worse in one scenario, open in the other',
      [step(end, 'fine'), step(end, 'unsure')],
      false,
      'ends-unsure',
    ],
    ['not worse in both', [step(end, 'fine'), step(end, 'fine')], false, 'none'],
    ['open in one, worse in the other', [step(end, 'unsure'), step(end, 'worse')], false, 'narrowed'],
    ['not measured', [step(end, 'failed')], false, 'ends-failed'],
    ['interrupted before', [], true, 'interrupted'],
    ['interrupted between two scenarios', [step(end, 'fine')], true, 'interrupted'],
    ['interrupted after', [step(end, 'worse'), step('1.1.0', 'fine')], true, 'narrowed'],
    ['interrupted when it was found', [step(end, 'worse'), step('1.2.0', 'fine')], true, 'found'],
  ];
  for (const [why, steps, isInterrupted, kind] of rows) {
    test(`${why}: ${kind}`, () =>
      assert.equal(stateOf(bisection(versions, steps, isInterrupted)).kind, kind));
  }
});

test('one limit that fails makes a version worse, and all have to pass for it to be fine', () => {
  const limit = (state: Judgement['state']): JudgedLimit => {
    const expectation = Expectation.parse({ metric: 'meanUs', of: 'after', over: 'before', atMost: 1 });
    const first = { state, interval: null, replicates: 4 };
    return { result: { expectation, state, first, confirmation: null, together: null }, sureness: null };
  };
  const stateOfAll = (...states: Judgement['state'][]) => stateOfLimits(states.map(limit));
  assert.equal(stateOfAll('pass', 'unsure', 'fail'), 'worse');
  assert.equal(stateOfAll('pass', 'pass'), 'fine');
  assert.equal(stateOfAll('pass', 'unsure'), 'unsure');
  assert.equal(stateOfAll(), 'unsure');
});
