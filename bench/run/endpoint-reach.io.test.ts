// A process that was told where an endpoint is reaches it there and nowhere else, whatever a name server says by then.
import assert from 'node:assert/strict';
import dns from 'node:dns';
import http from 'node:http';
import type { LookupFunction } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';
import { openTestTarget } from '../../servers/testing/target.ts';
import { reachAsChecked, systemAuthorities } from './endpoint-reach.ts';

suite('reachAsChecked', () => {
  const real = dns.lookup;
  const asked: string[] = [];

  before(() => {
    const spy = (host: string, ...rest: unknown[]) => {
      asked.push(host);
      (rest.at(-1) as Parameters<LookupFunction>[2])(null, '127.0.0.9', 4);
    };
    dns.lookup = Object.assign(spy, { __promisify__: real.__promisify__ }) as typeof real;
  });
  after(() => {
    dns.lookup = real;
  });

  test('every client that dials through node:net finds the checked address; other names are looked up', async t => {
    const { endpoint } = await openTestTarget(t);
    const { port } = new URL(endpoint.origin);
    const origin = `http://checked.test:${port}`;
    reachAsChecked({ origin, path: '/', address: '127.0.0.1' });
    assert.equal((await fetch(origin)).status, 200);
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const agent = new http.Agent();
    t.after(() => agent.destroy());
    http.get(origin, { agent }, resolve).once('error', reject);
    const response = await promise;
    await response.toArray();
    assert.equal(response.statusCode, 200);
    assert.deepEqual(
      asked.filter(host => host === 'checked.test'),
      [],
      'nobody was asked where it is',
    );
    const lookup = promisify<string, object, string>(dns.lookup as never);
    assert.equal(await lookup('checked.test', {}), '127.0.0.1');
    assert.equal(await lookup('other.test', {}), '127.0.0.9');
    assert.deepEqual(
      asked.filter(host => host.endsWith('.test')),
      ['other.test'],
    );
  });

  test('an address of IPv6 is one', async () => {
    reachAsChecked({ origin: 'http://six.test', path: '/', address: '::1' });
    const all = promisify<string, object, unknown>(dns.lookup as never);
    assert.deepEqual(await all('six.test', { all: true }), [{ address: '::1', family: 6 }]);
  });
});

test('the system trusts whom Node trusts, and perhaps others, each once', () => {
  const authorities = systemAuthorities();
  assert.ok(
    authorities.length > 50 && authorities.every(pem => pem.startsWith('-----BEGIN CERTIFICATE-----')),
  );
  assert.equal(new Set(authorities).size, authorities.length);
});
