// The line of the user's own code, not one of Node's or of a package.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { errorPlace } from './error-place.ts';

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
