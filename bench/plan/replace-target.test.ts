// replace-target.test.ts
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withTarget } from './replace-target.ts';

const target = { command: 'npm start' };
const rows: [why: string, content: unknown, path: string | undefined, expected: unknown][] = [
  ['a scenario without a target gets one', { name: 'a' }, undefined, { name: 'a', target }],
  [
    'what it says of its own server goes',
    { target: { tls: '1.3', keepAliveTimeoutMs: 5 } },
    undefined,
    { target },
  ],
  [
    'which statuses are good stays',
    { target: { tls: '1.3', expectStatus: [404] } },
    undefined,
    { target: { ...target, expectStatus: [404] } },
  ],
  [
    'so does the path of a url',
    { target: { url: 'http://127.0.0.1:1/a?b=c' } },
    undefined,
    { target, request: { path: '/a?b=c' } },
  ],
  [
    'the path of the request goes before it',
    { target: { url: 'http://127.0.0.1:1/a' }, request: { path: '/b', method: 'POST' } },
    undefined,
    { target, request: { path: '/b', method: 'POST' } },
  ],
  ['and the given one before both', { request: { path: '/b' } }, '/c', { target, request: { path: '/c' } }],
  [
    'and the path of several urls, if they have one',
    { target: { urls: ['http://127.0.0.1:1/a', { url: 'http://127.0.0.1:2/a', weight: 3 }] } },
    undefined,
    { target, request: { path: '/a' } },
  ],
  ['what is no scenario stays as it is', [1], '/c', [1]],
];

describe('another server in the place of a scenario’s own', () => {
  for (const [why, content, path, expected] of rows) {
    test(why, () => {
      const replaced = { target, ...(path === undefined ? {} : { path }) };
      assert.deepEqual(withTarget(content, replaced), expected);
    });
  }

  test('of several urls with different paths none is chosen unasked', () => {
    const content = { target: { urls: ['http://127.0.0.1:1/a', 'http://127.0.0.1:2/b'] } };
    assert.throws(() => withTarget(content, { target }), /paths differ \(\/a, \/b\); expected: --path/);
    assert.deepEqual(withTarget(content, { target, path: '/c' }), { target, request: { path: '/c' } });
  });
});
