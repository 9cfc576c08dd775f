// Errors of foreign code: what can be read from them, and where they were thrown.
import assert from 'node:assert/strict';
import { describe, suite, test } from 'node:test';
import fc from 'fast-check';
import { anyText } from '../scenarios/testing/any-text.ts';
import { causesOf, describeForeign, errorPlace, foreignStack, memberOfForeign, shorten } from './errors.ts';
import { hostileValues } from './testing/hostile-values.ts';

describe("The line of the user's own code, not one of Node's or of a package", () => {
  const NODE = '    at async ModuleJob.run (node:internal/modules/esm/module_job:561:5)';

  suite('where an error is', () => {
    const cases: [what: string, stack: unknown, place: string | undefined][] = [
      ['syntax', 'file:///a/b.ts:2\nexport {{\n  ^\n\nSyntaxError: no', '/a/b.ts:2'],
      [
        'a throw',
        `Error: boom\n    at f (file:///a/b.ts:3:9)\n    at file:///a/b.ts:4:1\n${NODE}`,
        '/a/b.ts:3',
      ],
      ['at the top level', `Error: boom\n    at file:///a/b.ts:4:1\n${NODE}`, '/a/b.ts:4'],
      ['in a package', 'E: x\n    at g (/a/node_modules/p/i.js:1:2)\n    at f (/a/b.js:7:2)', '/a/b.js:7'],
      ["in Node's reading", `SyntaxError: x\n${NODE}\n    at async f (file:///conntax/c.ts:1:1)`, undefined],
      ['no stack', undefined, undefined],
      ['no text', 7, undefined],
    ];
    for (const [what, stack, place] of cases) {
      test(what, () => assert.equal(errorPlace({ stack }), place));
    }
  });
});

describe('Whatever is thrown can be read without a throw, and its text has an end', () => {
  const MAX_CHARS = 501;

  suite('hostile values', () => {
    for (const [what, value] of hostileValues()) {
      test(what, () => {
        for (const text of [describeForeign(value), foreignStack(value, 300)]) {
          assert.ok(text.length <= MAX_CHARS && text !== '', `${text.length} characters`);
        }
        assert.doesNotMatch(describeForeign(value), /\p{Cc}/u);
        assert.ok(causesOf(value).length <= 30);
        for (const name of ['code', 'message', 'then', 'cause']) memberOfForeign(value, name);
      });
    }
  });

  test('any value', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true }), value => {
        assert.ok(describeForeign(value).length <= MAX_CHARS);
        assert.equal(causesOf(value).at(-1), value);
      }),
    );
  });

  test('a text is cut to its length, in one line and without control characters', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 1, max: 50 }), (text, most) => {
        const cut = shorten(text, most);
        assert.ok(cut.length <= most + 1);
        assert.doesNotMatch(cut, /\p{Cc}/u);
        assert.ok(cut.isWellFormed());
      }),
    );
    assert.equal(shorten('one\n\ttwo\u001b[31m'), 'one two [31m');
    assert.equal(shorten('abc', 2), 'ab…');
    assert.equal(describeForeign(new Error(' ')), 'Error:');
  });

  test('a stack keeps its lines', () => {
    const error = new Error('it failed');
    error.stack = 'Error: it failed\n    at a\u001b[31m (file:1:2)\n    at b';
    assert.equal(foreignStack(error, 100), 'Error: it failed\n    at a [31m (file:1:2)\n    at b');
    assert.equal(foreignStack(error, 16), 'Error: it failed');
    assert.equal(foreignStack('words', 100), 'words');
  });

  test('causes come deepest first, each once, those of an AggregateError too', () => {
    const [first, second] = [new Error('first'), new Error('second')];
    const both = new AggregateError([first, second], 'both');
    const outer = new Error('outer', { cause: both });
    first.cause = outer;
    assert.deepEqual(
      causesOf(outer).map(cause => (cause as Error).message),
      ['first', 'second', 'both', 'outer'],
    );
  });
});
