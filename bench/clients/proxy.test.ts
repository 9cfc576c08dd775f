// The URL of a proxy: what the proxy gets, what may be printed, and what must never be.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { proxyAt, proxyAuthorization, proxyOrigin, proxyPort, proxySecrets } from './proxy.ts';

const PLAIN = 'http://proxy.test:3128';
const GUARDED = 'http://me:p%40ss%20word@proxy.test';

suite('the URL of a proxy', () => {
  test('without a user, nothing is secret and the proxy gets nothing', () => {
    assert.deepEqual([proxyAuthorization(PLAIN), proxySecrets(PLAIN)], [undefined, []]);
    assert.deepEqual([proxyOrigin(PLAIN), proxyPort(PLAIN)], [PLAIN, 3128]);
    assert.deepEqual([proxySecrets(undefined), proxySecrets('nonsense')], [[], []]);
  });

  test('a password is decoded for the proxy, and hidden in every form', () => {
    const credentials = Buffer.from('me:p@ss word').toString('base64');
    assert.equal(proxyAuthorization(GUARDED), `Basic ${credentials}`);
    assert.deepEqual([proxyOrigin(GUARDED), proxyPort(GUARDED)], ['http://proxy.test', 80]);
    const secrets = proxySecrets(GUARDED);
    for (const secret of [GUARDED, 'p@ss word', 'p%40ss%20word', credentials])
      assert.ok(secrets.includes(secret), secret);
    assert.ok(!secrets.includes('me'));
  });

  test('a token as the user is the secret; what is not percent-encoded does not throw', () => {
    assert.ok(proxySecrets('http://t0ken@proxy.test').includes('t0ken'));
    assert.ok(proxySecrets('http://me:100%@proxy.test').includes('100%'));
  });

  const places: [address: string, url: string][] = [
    ['127.0.0.1', 'http://127.0.0.1:3128/'],
    ['::1', 'http://[::1]:3128/'],
  ];
  for (const [address, url] of places) {
    test(`at ${address} it keeps its port and its user`, () => {
      assert.equal(proxyAt(PLAIN, address), url);
      assert.equal(proxyAuthorization(proxyAt(GUARDED, address)), proxyAuthorization(GUARDED));
    });
  }
});
