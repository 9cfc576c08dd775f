// What of the environment reaches a child, and by when it has to answer.
import assert from 'node:assert/strict';
import { describe, suite, type TestContext, test } from 'node:test';
import { childEnvironment, patienceMs, TimeLimit } from './child.ts';

describe('No variable that names a proxy reaches a child; every other one does', () => {
  suite('the environment of children', () => {
    const removed = [
      ...['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY', 'FTP_PROXY', 'WS_PROXY', 'SOCKS_PROXY'],
      ...['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy', 'Http_Proxy', 'PROXY', 'proxy'],
      ...['npm_config_proxy', 'npm_config_https_proxy', 'npm_config_http_proxy', 'npm_config_noproxy'],
      ...['NPM_CONFIG_PROXY', 'npm_package_config_proxy', 'GLOBAL_AGENT_HTTP_PROXY', 'GLOBAL_AGENT_NO_PROXY'],
      ...['NODE_USE_ENV_PROXY', 'YARN_HTTPS_PROXY'],
    ];
    for (const name of removed) {
      test(`${name} is removed`, () =>
        assert.deepEqual(childEnvironment({ [name]: 'x', PATH: '/bin' }), { PATH: '/bin' }));
    }

    test('the switch that ends the verification of certificates is removed', () =>
      assert.deepEqual(childEnvironment({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }), {}));

    for (const name of [
      'PATH',
      'PROXY_TOKEN',
      'MY_REVERSE_PROXY',
      'npm_config_registry',
      'HTTP_PORT',
      'NOPROXYHERE',
    ]) {
      test(`${name} is kept`, () => assert.deepEqual(childEnvironment({ [name]: 'x' }), { [name]: 'x' }));
    }

    const options: [stated: string, kept: string][] = [
      ['--use-env-proxy', ''],
      [
        '--max-old-space-size=99 --use-env-proxy --enable-source-maps',
        '--max-old-space-size=99  --enable-source-maps',
      ],
      ['--no-use-env-proxy', ''],
      ['--use-env-proxy-of-mine', '--use-env-proxy-of-mine'],
    ];
    for (const [stated, kept] of options) {
      test(`of NODE_OPTIONS=${stated} remains "${kept}"`, () =>
        assert.deepEqual(childEnvironment({ NODE_OPTIONS: stated }), { NODE_OPTIONS: kept }));
    }
  });
});

for (const [slowness, expectedMs] of [
  [1, 20_000],
  [11.5, 230_000],
] as const) {
  test(`a child may take ${expectedMs} ms for what has a deadline of 20 s where everything takes ${slowness} times as long`, () =>
    assert.equal(patienceMs(20_000, slowness), expectedMs));
}

/** A clock that only `pass` moves. */
function fakeClock(t: TestContext): (ms: number) => void {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 1_000;
  t.mock.method(performance, 'now', () => nowMs);
  return ms => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
}

test('while it lasts, deadlines are as they are; afterwards, all end together', t => {
  const pass = fakeClock(t);
  const limit = new TimeLimit(10_000, 2_000);
  pass(9_999);
  assert.deepEqual([limit.isOver, limit.leftMs, limit.deadlineMs(20_000)], [false, 1, 20_000]);
  pass(1);
  assert.deepEqual([limit.isOver, limit.signal.aborted, limit.leftMs], [true, true, 0]);
  assert.deepEqual([limit.deadlineMs(20_000), limit.deadlineMs(50)], [2_000, 50]);
  pass(1_500);
  assert.equal(limit.deadlineMs(20_000), 500);
  pass(10_000);
  assert.equal(limit.deadlineMs(20_000), 0);
});

test('it can begin again before it is over, not after; closed, it never ends', t => {
  const pass = fakeClock(t);
  const limit = new TimeLimit(1_000, 0);
  pass(900);
  limit.restart(1_000);
  pass(900);
  assert.equal(limit.isOver, false);
  pass(100);
  assert.equal(limit.isOver, true);
  limit.restart(1_000);
  assert.equal(limit.isOver, true);
  const closed = new TimeLimit(1_000, 0);
  closed.close();
  pass(5_000);
  assert.equal(closed.isOver, false);
});
