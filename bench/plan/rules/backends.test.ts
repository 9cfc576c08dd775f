// Settings of backends that cannot be measured are refused, with what would be right.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scenario, type ScenarioInput } from '../../../scenarios/model/scenario.ts';
import { withRules } from '../rules.ts';

const growing = { from: 2, to: 4, afterMs: 1_000 };

function problemsOf(stated: Partial<ScenarioInput>): string[] {
  const raw = {
    name: 'mine',
    question: 'Why?',
    clients: { pool: { pool: { maxConnections: 4 } } },
    baseline: 'pool',
    ...stated,
  };
  const context = { raw, armNames: ['pool'], transports: {}, faults: {}, behaviours: {} };
  const { error } = withRules(Scenario, context).safeParse(raw);
  return (error?.issues ?? []).filter(({ path }) => path[0] !== 'clients').map(({ path }) => path.join('.'));
}

const whole = { slicing: 'whole', measureMs: 5_000 } as const;
const rows: [why: string, stated: Partial<ScenarioInput>, problems: string[]][] = [
  ['eight', { target: { backends: 8 } }, []],
  ['two that become four', { target: { backends: growing }, timing: whole }, []],
  ['none', { target: { backends: 0 } }, ['target.backends']],
  [
    'fewer than there were',
    { target: { backends: { ...growing, to: 2 } }, timing: whole },
    ['target.backends.to'],
  ],
  ['added in slices that are parts', { target: { backends: growing } }, ['target.backends']],
  [
    'added at the end of the window',
    { target: { backends: { ...growing, afterMs: 3_001 } }, timing: whole },
    ['target.backends.afterMs'],
  ],
  ['behind an external server', { target: { url: 'http://127.0.0.1:9/', backends: 2 } }, ['target.backends']],
  [
    'a limit on their shares where there is only one',
    { expect: [{ metric: 'busiestBackendRatio', of: 'pool', atMost: 2 }] },
    ['expect.0.metric'],
  ],
];
for (const [why, stated, problems] of rows) {
  test(`${why}: ${problems.length === 0 ? 'fine' : `refused at ${problems.join()}`}`, () => {
    const found = problemsOf(stated);
    assert.deepEqual(found.length === 0 ? [] : [found.at(-1)], problems);
  });
}
