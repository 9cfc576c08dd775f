// Interceptors that could not do what their settings say are refused, at their place.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../../scenarios/model/client.ts';
import { Request } from '../../scenarios/model/request.ts';
import { Target } from '../../scenarios/model/target.ts';
import { interceptorRefusals, retriedStatus } from './undici-interceptors.ts';

const NAMED = { url: 'http://localhost:3000/' };

for (const [why, client, target, requests, expected] of [
  ['a retry of a GET', { retry: {} }, {}, [{}], []],
  [
    'a retry of a POST',
    { retry: {} },
    {},
    [{ method: 'POST' }],
    [/^interceptors.retry: .* POST is not one of them/],
  ],
  [
    'a retry of a body in chunks',
    { retry: {} },
    {},
    [{ method: 'PUT', bodyBytes: 3, framing: 'chunked' }],
    [/in chunks/],
  ],
  ['a cache of a GET beside a POST', { cache: {} }, {}, [{}, { method: 'POST' }], []],
  ['a cache of POSTs only', { cache: {} }, {}, [{ method: 'POST' }], [/^interceptors.cache: .* GET only/]],
  ['the name of a server', { dns: {} }, NAMED, [{}], []],
  ["conntax's own server, which has an address", { dns: {} }, {}, [{}], [/^interceptors.dns: .*no name/]],
  [
    'the name of one of several servers',
    { dns: {} },
    { urls: ['http://127.0.0.1/', 'http://a.test/'] },
    [{}],
    [],
  ],
  ['an IPv6 address', { dns: {} }, { url: 'http://[::1]:3000/' }, [{}], [/no name/]],
  ['the names of several servers', { dns: {} }, { urls: ['http://a.test/', 'http://b.test/'] }, [{}], []],
  ['a Unix socket', { dns: {} }, { ...NAMED, socketPath: '/tmp/s' }, [{}], [/Unix socket/]],
  [
    'a proxy',
    { dns: {}, retry: {} },
    { ...NAMED, proxy: 'http://127.0.0.1:3128' },
    [{}],
    [/^interceptors.retry: .*ProxyAgent/, /^interceptors.dns: .*ProxyAgent/],
  ],
] as [string, object, object, object[], RegExp[]][]) {
  test(why, () => {
    const refusals = interceptorRefusals(
      Client.parse({ interceptors: client }),
      Target.parse(target),
      requests.map(request => Request.parse(request)),
    ).map(({ path, message }) => `${path}: ${message}`);
    assert.equal(refusals.length, expected.length, refusals.join('\n'));
    for (const [index, pattern] of expected.entries()) assert.match(refusals[index]!, pattern);
  });
}

test('only a status that was repeated is taken from an error of the retry', () => {
  for (const [error, status] of [
    [{ code: 'UND_ERR_REQ_RETRY', statusCode: 503 }, 503],
    // The body could not be resumed: the attempt failed, whatever its status.
    [{ code: 'UND_ERR_REQ_RETRY', statusCode: 200 }, undefined],
    [{ code: 'ECONNRESET', statusCode: 503 }, undefined],
    [new TypeError('fetch failed', { cause: { code: 'UND_ERR_REQ_RETRY', statusCode: 429 } }), 429],
    [undefined, undefined],
  ] as const) {
    assert.equal(retriedStatus(error), status);
  }
});
