// Answers that no server should give: each client counts each as it has to, and the next request is none the worse for it.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fetch from './fetch.ts';
import nodeHttp from './node-http.ts';
import { type HostileClient, hostileAnswers, tryHostileAnswers } from './testing/hostile-answers.ts';
import undici from './undici.ts';
import wire from './wire.ts';

const CLIENTS: readonly HostileClient[] = [
  { name: 'undici', module: undici },
  { name: 'node-http', module: nodeHttp },
  { name: 'fetch', module: fetch },
  { name: 'wire', module: wire },
];

suite('hostile answers', () => {
  for (const answer of hostileAnswers.filter(({ isQuick }) => isQuick)) {
    test(`${answer.name}: ${answer.expected}`, async () => {
      assert.deepEqual(await tryHostileAnswers(CLIENTS, [answer]), []);
    });
  }

  test('each has a name of its own, and there are at least 60', () => {
    const names = new Set(hostileAnswers.map(({ name }) => name));
    assert.equal(names.size, hostileAnswers.length);
    assert.ok(names.size >= 60);
  });
});
