// The committed page of settings is the one that the table makes, and its defaults of Node's libraries are those installed.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { test } from 'node:test';
import axios from 'axios';
import got from 'got';
import { Client } from 'undici';
import { libraries } from './libraries/index.ts';
import { CONCEPTS, UNKNOWN } from './library.ts';
import { PAGE_FILE, settingsPage } from './write-page.ts';

const page = settingsPage();

test('docs/settings.md is in step (npm run schema:write)', () => {
  assert.equal(readFileSync(PAGE_FILE, 'utf8'), page);
});

test('every concept has a row for every library, with a source for every default that is stated', () => {
  const rows = page.split('\n').filter(line => line.startsWith('| ') && !line.startsWith('| library'));
  assert.equal(rows.length, Object.keys(CONCEPTS).length * Object.keys(libraries).length);
  for (const row of rows) {
    const [, library, called, byDefault, version, source, remark] = row.split(/ ?(?<!\\)\| ?/);
    assert.ok(library !== '' && called !== '' && byDefault !== '', row);
    const isStated = byDefault !== '–' && byDefault !== `**${UNKNOWN}**`;
    assert.equal(version !== '' && source !== '', isStated, row);
    assert.doesNotMatch(remark!, /undefined|\bTODO\b/);
  }
});

/** Of an installed package. */
function installedVersion(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

test('versions are those installed: after an upgrade, read the defaults again', () => {
  for (const name of ['undici', 'axios', 'got'] as const)
    assert.equal(libraries[name].version, installedVersion(name), name);
  assert.equal(libraries['node-http'].version, `Node ${installedVersion('node')}`);
});

/** What the types do not tell. */
type AgentInside = http.Agent & {
  options: http.AgentOptions;
  keepAlive: boolean;
  keepAliveMsecs: number;
  scheduling: string;
  agentKeepAliveTimeoutBuffer: number;
};

test('defaults of node:http are those of its agents', () => {
  const agent = new http.Agent() as AgentInside;
  const { keepAlive, keepAliveMsecs, scheduling, agentKeepAliveTimeoutBuffer } = agent;
  assert.deepEqual(
    [agent.maxSockets, agent.maxTotalSockets, agent.maxFreeSockets, agent.options.timeout],
    [Infinity, Infinity, 256, undefined],
  );
  assert.deepEqual(
    [keepAlive, keepAliveMsecs, scheduling, agentKeepAliveTimeoutBuffer],
    [false, 1_000, 'lifo', 1_000],
  );
  assert.equal((new https.Agent() as https.Agent & { maxCachedSessions: number }).maxCachedSessions, 100);
  const { keepAlive: isGlobalKept, options } = http.globalAgent as AgentInside;
  assert.deepEqual([isGlobalKept, options.timeout], [true, 5_000]);
  assert.equal(new http.Agent({ maxFreeSockets: 0 }).maxFreeSockets, 256);
});

test('defaults of axios and got are theirs', () => {
  assert.deepEqual([axios.defaults.timeout, axios.defaults.httpAgent], [0, undefined]);
  const { timeout, http2, agent, retry } = got.defaults.options;
  assert.deepEqual([http2, agent.http, retry.limit], [false, undefined, 2]);
  for (const phase of ['connect', 'secureConnect', 'response', 'socket', 'request'] as const)
    assert.equal(timeout[phase], undefined, phase);
});

test('defaults of undici are those of its Client', async t => {
  const client = new Client('http://127.0.0.1:1');
  t.after(() => client.destroy());
  const byName = new Map(
    Object.getOwnPropertySymbols(client).map(symbol => [
      symbol.description,
      (client as unknown as Record<symbol, unknown>)[symbol],
    ]),
  );
  for (const [name, value] of [
    ['default keep alive timeout', 4_000],
    ['max keep alive timeout', 600_000],
    ['keep alive timeout threshold', 2_000],
    ['headers timeout', 300_000],
    ['body timeout', 300_000],
    ['pipelining', 1],
  ] as const)
    assert.equal(byName.get(name), value, `${name}: ${[...byName.keys()].join(', ')}`);
});
