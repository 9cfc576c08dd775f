// What a load tool can't do in a scenario is said at its place, with the reason; what may be left out, is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineModule } from '../contracts.ts';
import { Scenario } from '../../scenarios/model/scenario.ts';
import { leaveOutMissing } from './leave-out.ts';
import { planRun } from './plan.ts';
import { plugins } from './testing/plugins.ts';
import { createValidator } from './validate.ts';

function createEngine(stated: Partial<EngineModule> = {}): EngineModule {
  return {
    kind: 'engine',
    countsConnections: false,
    honours: ['requestsPerConnection', 'body'],
    refusals: () => [],
    open: () => {
      throw new Error('planning opens no tool');
    },
    ...stated,
  };
}

const absent = { message: 'the program is not installed', hint: 'apt-get install it' };
const transports = {
  ...plugins.transports,
  quick: createEngine(),
  slow: createEngine({ leastSliceMs: 1_000 }),
  absent: createEngine({ missing: () => absent }),
  small: createEngine({
    refusesLoad: (_client, { concurrency }) =>
      concurrency > 50 ? { message: 'it keeps no more than 50', hint: 'at most 50 users' } : undefined,
  }),
};
const validate = createValidator({ ...plugins, transports });

function scenarioWith(arm: Record<string, unknown>, others: Record<string, unknown> = {}) {
  return {
    name: 'tools',
    question: 'q',
    clients: { tool: arm, library: {} },
    baseline: 'library',
    ...others,
  };
}

function problemsOf(raw: unknown): string[] {
  const validation = validate(raw, 'x.ts');
  return validation.isValid
    ? []
    : validation.problems.map(({ path, message, hint }) => `${path}: ${message}; ${hint}`);
}

const closed = { model: 'closed', concurrency: 100 };
const rows: { why: string; raw: unknown; problem: RegExp | null }[] = [
  { why: 'a tool in short slices', raw: scenarioWith({ transport: 'quick' }), problem: null },
  {
    why: 'a deadline that the harness would keep',
    raw: scenarioWith({ transport: 'quick', timeouts: { totalMs: 100 } }),
    problem: /^clients\.tool\.timeouts\.totalMs: the transport quick cannot honour.*transport: /,
  },
  {
    why: 'an open load',
    raw: scenarioWith({ transport: 'quick' }, { load: { model: 'open', ratePerSec: 10 } }),
    problem: /^load\.model: the arm tool is quick, which brings its own loop/,
  },
  {
    why: 'users that think',
    raw: scenarioWith({ transport: 'quick' }, { load: { ...closed, thinkMs: 5 } }),
    problem: /^load\.thinkMs: the arm tool is quick, whose users do not think; 0 /,
  },
  {
    why: 'slices shorter than its start is worth',
    raw: scenarioWith({ transport: 'slow' }),
    problem: /^timing\.sliceMs: the arm tool is slow.* of 100 ms .*; at least 1000$/,
  },
  {
    why: 'long slices',
    raw: scenarioWith({ transport: 'slow' }, { timing: { sliceMs: 1_000 } }),
    problem: null,
  },
  {
    why: 'a whole slice that is too short',
    raw: scenarioWith({ transport: 'slow' }, { timing: { slicing: 'whole', measureMs: 500 } }),
    problem: /^timing\.measureMs: .*; at least 1000$/,
  },
  {
    why: 'a whole slice, whatever sliceMs is',
    raw: scenarioWith({ transport: 'slow' }, { timing: { slicing: 'whole' } }),
    problem: null,
  },
  {
    why: 'more users than it can',
    raw: scenarioWith({ transport: 'small' }, { load: closed }),
    problem: /^load\.concurrency: it keeps no more than 50; at most 50 users$/,
  },
  {
    why: 'a program that is missing',
    raw: scenarioWith({ transport: 'absent' }),
    problem: /^clients\.tool\.transport: the program is not installed; apt-get install it$/,
  },
  {
    why: 'one that may be',
    raw: scenarioWith({ transport: 'absent', ifInstalled: true }),
    problem: null,
  },
  {
    why: 'a baseline that might be left out',
    raw: scenarioWith({ transport: 'quick', ifInstalled: true }, { baseline: 'tool' }),
    problem: /^clients\.tool\.ifInstalled: .* cannot be left out; false, or another baseline$/,
  },
];

for (const { why, raw, problem } of rows) {
  test(`${problem === null ? 'fine' : 'refused'}: ${why}`, () => {
    const problems = problemsOf(raw);
    if (problem === null) assert.deepEqual(problems, []);
    else {
      assert.equal(problems.length, 1, problems.join('\n'));
      assert.match(problems[0]!, problem);
    }
  });
}

test('only what may be left out and is missing is left out', () => {
  const scenario = Scenario.parse({
    ...scenarioWith({ transport: 'absent', ifInstalled: true }),
    clients: {
      tool: { transport: 'absent', ifInstalled: true },
      there: { transport: 'quick', ifInstalled: true },
      library: { ifInstalled: true },
      own: { transport: './own.ts', ifInstalled: true },
    },
  });
  const [fitted] = leaveOutMissing([scenario], transports);
  assert.deepEqual(fitted?.leftOut, [{ arm: 'tool', ...absent }]);
  assert.deepEqual(Object.keys(fitted?.clients ?? {}), ['there', 'library', 'own']);
  assert.equal(fitted?.clients['there'], scenario.clients['there']);
  assert.deepEqual(leaveOutMissing([scenario], plugins.transports), [scenario]);
});

test('what is left out is told by the plan, and what is left is what is planned', () => {
  const scenario = Scenario.parse(scenarioWith({ transport: 'absent', ifInstalled: true }));
  const [cell] = planRun(leaveOutMissing([scenario], transports), { seed: 1 }).cells;
  assert.deepEqual([cell?.arms, cell?.leftOut], [['library'], [{ arm: 'tool', ...absent }]]);
});
