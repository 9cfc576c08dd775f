// Damaged results folders and scenario files, a few of those that a campaign tries: nothing gets through, and the search would see it.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createRandom } from '../../results/random.ts';
import { visibleLine } from '../../results/visible.ts';
import { BAD_TEXT, fuzzScenarioFiles, fuzzStoredRuns, RAW_TEXT, textAround } from './fuzz-files.ts';
import { HOSTILE_TEXTS, mutatedValue, serialize } from './mutate-json.ts';

suite('what is damaged', () => {
  test('stored runs: refused or shown, without a stack, an escape, markup or a figure that is none', async () => {
    const { tried, shown, examples, ...faults } = await fuzzStoredRuns({ seed: 20_261_128, count: 60 });
    assert.deepEqual(faults, { stacks: 0, rawEscapes: 0, scripts: 0, badTexts: 0 }, examples.join('\n'));
    // Else the faults would all be such that nothing is ever shown, or nothing is ever wrong.
    assert.ok(shown > tried / 5 && shown < (tried * 4) / 5, `${shown} of ${tried} shown`);
  });

  test('scenario files: refused with place and hint, or planned', async () => {
    const { tried, valid, examples, ...faults } = await fuzzScenarioFiles({ seed: 20_261_128, count: 200 });
    assert.deepEqual(faults, { crashes: 0, vague: 0, rawEscapes: 0, badTexts: 0 }, examples.join('\n'));
    assert.ok(valid > tried / 10 && valid < (tried * 9) / 10, `${valid} of ${tried} valid`);
  });
});

suite('the search itself', () => {
  test('sees what it looks for', () => {
    for (const text of ['\u001b[31m', 'a\u009bb', 'x\u202ey', 'l\u2028l', 'a\rb', '\u007f']) {
      assert.notEqual(textAround(RAW_TEXT, text), undefined, JSON.stringify(text));
      assert.equal(textAround(RAW_TEXT, visibleLine(text)), undefined);
    }
    for (const text of ['NaN ms', 'p99 undefined', '(1 to Infinity)', '[object Object]', '≤ ∞']) {
      assert.notEqual(textAround(BAD_TEXT, text), undefined, text);
    }
    for (const text of ['Nancy', 'an undefinedness', 'null arm', '"NaN"']) {
      assert.equal(textAround(BAD_TEXT, text), undefined, text);
    }
  });

  test('changes something nearly always, the same for the same seed, and leaves what it was given', () => {
    const sound = { a: 1, b: ['x', 'y', { c: true }], d: null };
    const before = structuredClone(sound);
    const made = Array.from({ length: 200 }, (_, index) =>
      serialize(mutatedValue(sound, createRandom(1, index)) ?? null),
    );
    assert.deepEqual(sound, before);
    assert.ok(new Set(made).size > 80, String(new Set(made).size));
    assert.equal(made[7], serialize(mutatedValue(sound, createRandom(1, 7)) ?? null));
    assert.ok(HOSTILE_TEXTS.some(text => made.some(json => json.includes(JSON.stringify(text)))));
  });
});
