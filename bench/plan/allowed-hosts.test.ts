// Load stays on this machine unless the user has named the host: whatever a URL looks like, the address decides.
import assert from 'node:assert/strict';
import { isIPv4 } from 'node:net';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { isLoopback, parseHost, refusalBehindProxy, refusalOf } from './allowed-hosts.ts';

suite('isLoopback', () => {
  const cases: [address: string, isOn: boolean, why: string][] = [
    ['127.0.0.1', true, 'the usual one'],
    ['127.1.2.3', true, 'all of 127.0.0.0/8'],
    ['127.255.255.255', true, 'its last'],
    ['126.255.255.255', false, 'just below'],
    ['128.0.0.0', false, 'just above'],
    ['::1', true, 'IPv6'],
    ['0:0:0:0:0:0:0:1', true, 'the same, written out'],
    ['::2', false, 'one above'],
    ['::', false, 'unspecified: any address of this machine'],
    ['0.0.0.0', false, 'unspecified: any address of this machine'],
    ['10.0.0.1', false, 'private, and elsewhere'],
    ['192.168.1.1', false, 'private, and elsewhere'],
    ['169.254.169.254', false, 'link-local: the metadata service of a cloud'],
    ['fe80::1', false, 'link-local'],
    ['::ffff:127.0.0.1', true, 'IPv4 within IPv6'],
    ['::ffff:7f00:1', true, 'the same in hexadecimal'],
    ['::ffff:10.0.0.1', false, 'IPv4 within IPv6, elsewhere'],
    ['::127.0.0.1', false, 'the old form without ffff is no IPv4'],
    ['localhost', false, 'a name is no address'],
    ['', false, 'nothing'],
  ];
  for (const [address, isOn, why] of cases) {
    test(`"${address}": ${isOn} (${why})`, () => assert.equal(isLoopback(address), isOn));
  }

  test('of IPv4, exactly those that begin with 127', () => {
    fc.assert(
      fc.property(fc.ipV4(), address => {
        assert.ok(isIPv4(address));
        assert.equal(isLoopback(address), address.startsWith('127.'));
      }),
    );
  });
});

suite('parseHost', () => {
  const cases: [text: string, host: string | undefined][] = [
    ['staging.example.test', 'staging.example.test'],
    ['Staging.Example.Test', 'staging.example.test'],
    ['10.0.0.1', '10.0.0.1'],
    ['0xa.1', '10.0.0.1'],
    ['::1', '::1'],
    ['[::1]', '::1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['example.test:80', undefined],
    ['http://example.test', undefined],
    ['example.test/', undefined],
    ['user@example.test', undefined],
    ['*.example.test', '*.example.test'],
    ['a b', undefined],
    ['[x]', undefined],
    ['', undefined],
  ];
  for (const [text, host] of cases) test(`"${text}": ${host}`, () => assert.equal(parseHost(text), host));
});

suite('refusalOf', () => {
  const cases: [
    why: string,
    url: string,
    addresses: string[],
    allowed: string[],
    told: RegExp | undefined,
  ][] = [
    ['loopback', 'http://127.0.0.1/', ['127.0.0.1'], [], undefined],
    ['a name that is loopback only', 'http://localhost/', ['::1', '127.0.0.1'], [], undefined],
    [
      'elsewhere',
      'http://10.0.0.1/',
      ['10.0.0.1'],
      [],
      /10\.0\.0\.1 is not on loopback.*--allow-host 10\.0\.0\.1/s,
    ],
    ['unspecified', 'http://0.0.0.0/', ['0.0.0.0'], [], /0\.0\.0\.0 is not on loopback/],
    [
      'a name that is both',
      'http://both.test/',
      ['127.0.0.1', '10.0.0.1', '::1'],
      [],
      /both\.test resolves to 10\.0\.0\.1, which is not/,
    ],
    [
      'a name that says loopback and is not',
      'http://127.0.0.1.test/',
      ['10.9.9.9'],
      [],
      /resolves to 10\.9\.9\.9/,
    ],
    ['the host is allowed', 'http://10.0.0.1/', ['10.0.0.1'], ['10.0.0.1'], undefined],
    ['another host is allowed', 'http://10.0.0.1/', ['10.0.0.1'], ['10.0.0.2'], /--allow-host 10\.0\.0\.1/],
    ['a name is allowed, not its address', 'http://10.0.0.1/', ['10.0.0.1'], ['a.test'], /not on loopback/],
    ['a name is allowed whatever it stands for', 'http://a.test/', ['10.0.0.1'], ['a.test'], undefined],
    ['a name above it is not it', 'http://a.b.test/', ['10.0.0.1'], ['b.test'], /not on loopback/],
    ['no pattern is known', 'http://a.b.test/', ['10.0.0.1'], ['*.b.test'], /not on loopback/],
    ['IPv6 elsewhere', 'http://[2001:db8::1]/', ['2001:db8::1'], [], /--allow-host 2001:db8::1/],
  ];
  for (const [why, url, addresses, allowed, told] of cases) {
    test(why, () => {
      const refusal = refusalOf({ url, addresses }, allowed);
      if (told === undefined) assert.equal(refusal, undefined);
      else assert.match(refusal ?? '', told);
    });
  }

  test('it says why, not only that', () => {
    assert.match(
      refusalOf({ url: 'http://10.0.0.1/', addresses: ['10.0.0.1'] }, []) ?? '',
      /that is an attack/,
    );
  });
});

suite('refusalBehindProxy', () => {
  const cases: [why: string, url: string, allowed: string[], told: RegExp | undefined][] = [
    ['an address on loopback', 'http://127.0.0.1:3000/', [], undefined],
    ['IPv6 on loopback', 'https://[::1]/', [], undefined],
    ['the name of loopback', 'http://localhost:3000/', [], undefined],
    ['an address elsewhere', 'http://10.0.0.1/', [], /10\.0\.0\.1 is not on loopback/],
    [
      'a name, which only the proxy resolves',
      'http://api.test/',
      [],
      /the proxy resolves api\.test.*--allow-host api\.test/s,
    ],
    ['a name that looks like loopback', 'http://localhost.test/', [], /the proxy resolves localhost\.test/],
    ['a name that is allowed', 'http://api.test/', ['api.test'], undefined],
    ['an address that is allowed', 'http://10.0.0.1/', ['10.0.0.1'], undefined],
    ['the proxy is allowed, not the server', 'http://api.test/', ['proxy.test'], /--allow-host api\.test/],
  ];
  for (const [why, url, allowed, told] of cases) {
    test(why, () => {
      const refusal = refusalBehindProxy(url, allowed);
      if (told === undefined) assert.equal(refusal, undefined);
      else assert.match(refusal ?? '', told);
    });
  }
});
