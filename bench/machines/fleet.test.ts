// What has to be on another machine for a generator: the files of clients and bodies, and the names of secrets.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesOf, secretNamesOf } from './fleet.ts';
import { tinyScenarioOf } from './testing/tiny-scenario.ts';

const requests = [
  {
    path: '/a',
    bodyFile: '/data/a.json',
    method: 'POST',
    headers: { authorization: { env: 'TOKEN' }, accept: 'text/plain' },
  },
  { path: '/b', query: { key: { env: 'KEY' }, other: { env: 'TOKEN' } } },
];

test('files are those of bodies and of client modules', () => {
  const scenario = tinyScenarioOf({ requests });
  const clients = {
    ...scenario.clients,
    ours: { ...scenario.clients['a']!, modulePath: '/clients/ours.ts' },
  };
  assert.deepEqual(filesOf({ ...scenario, clients }), ['/clients/ours.ts', '/data/a.json']);
  assert.deepEqual(filesOf(tinyScenarioOf({})), []);
});

test('secrets are named once each', () => {
  assert.deepEqual(secretNamesOf(tinyScenarioOf({ requests })), ['TOKEN', 'KEY']);
  assert.deepEqual(secretNamesOf(tinyScenarioOf({ request: { headers: { a: { env: 'ONE' } } } })), ['ONE']);
});
