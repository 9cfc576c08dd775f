// Text from outside can't steer what shows it, and stays the text that it was.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyText } from '../scenarios/testing/any-text.ts';
import { visibleColours, visibleLine, visibleLines } from './visible.ts';

for (const [why, text, line, lines] of [
  ['plain text in any script', 'p99 µs – 中文 🙂', 'p99 µs – 中文 🙂', 'p99 µs – 中文 🙂'],
  ['an escape', 'a\u001b[2Jb', 'a\\u001b[2Jb', 'a\\u001b[2Jb'],
  ['of C1, and DEL', '\u009b1m\u007f', '\\u009b1m\\u007f', '\\u009b1m\\u007f'],
  ['what turns text about', 'x\u202egnp\u2066', 'x\\u202egnp\\u2066', 'x\\u202egnp\\u2066'],
  [
    'separators of lines and paragraphs',
    '\u2028\u2029\u0085',
    '\\u2028\\u2029\\u0085',
    '\\u2028\\u2029\\u0085',
  ],
  ['half a character', '\ud800x', '\\ud800x', '\\ud800x'],
  ['one above the first plane', '\u{e0041}', '\\udb40\\udc41', '\\udb40\\udc41'],
  ['lines and tabs', 'a\r\n\tb', 'a b', 'a\\u000d\n\tb'],
] as const) {
  test(why, () => assert.deepEqual([visibleLine(text), visibleLines(text)], [line, lines]));
}

test('our own colours stay, and nothing else of the kind', () => {
  assert.equal(visibleColours('\u001b[31mred\u001b[39m \u001b[2J'), '\u001b[31mred\u001b[39m \\u001b[2J');
});

test('JSON stays the same JSON', () => {
  fc.assert(
    fc.property(anyText, text => {
      const json = visibleLines(JSON.stringify({ text }));
      assert.deepEqual(JSON.parse(json), { text });
      assert.doesNotMatch(json, /[\p{Cc}\p{Cf}\p{Cs}]/u);
    }),
  );
});
