// What a gate has found becomes an exit status, and advice names the folder that was meant.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { GateResult } from '../../results/gate.ts';
import { resultsArgument } from './ci.ts';
import { gateStatusOf } from './gate.ts';

suite('exit status of a gate', () => {
  const cases: [state: GateResult['state'], isStrict: boolean, status: number][] = [
    ['pass', false, 0],
    ['pass', true, 0],
    ['regression', false, 1],
    ['regression', true, 1],
    ['unsure', false, 0],
    ['unsure', true, 1],
    ['nothing', false, 3],
    ['nothing', true, 3],
  ];
  for (const [state, strict, status] of cases) {
    test(`${state}${strict ? ', strict' : ''}: ${status}`, () => {
      const result: GateResult = { lines: [], gaps: [], unknown: [], hasSameMachine: true, state };
      assert.equal(gateStatusOf(result, { results: 'results', strict }), status);
    });
  }
});

suite('advice repeats --results as it is typed', () => {
  const cases: [results: string, typed: string][] = [
    ['results', ''],
    ['elsewhere/of mine', " --results 'elsewhere/of mine'"],
    ['../other', ' --results ../other'],
    ["it's", String.raw` --results 'it'\''s'`],
  ];
  for (const [results, typed] of cases) test(results, () => assert.equal(resultsArgument(results), typed));
});
