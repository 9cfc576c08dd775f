// A URL leads to one host, however it is written.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { hostOf } from './facts.ts';

suite('hostOf', () => {
  const cases: [url: string, host: string][] = [
    ['http://127.0.0.1:8080/a?b', '127.0.0.1'],
    ['http://[::1]:8080/', '::1'],
    ['http://[::ffff:127.0.0.1]/', '::ffff:7f00:1'],
    ['http://2130706433/', '127.0.0.1'],
    ['http://0x7f000001/', '127.0.0.1'],
    ['http://0x7f.1/', '127.0.0.1'],
    ['http://0177.0.0.1/', '127.0.0.1'],
    ['http://167772161/', '10.0.0.1'],
    ['http://0xa.1/', '10.0.0.1'],
    ['http://0/', '0.0.0.0'],
    ['http://127.1/', '127.0.0.1'],
    ['http://LOCALHOST/', 'localhost'],
    ['http://127.0.0.1@example.test/', 'example.test'],
    ['http://127.0.0.1:80@example.test/', 'example.test'],
    ['http://127.0.0.1.example.test/', '127.0.0.1.example.test'],
    ['http://127.0.0.1%2f@example.test/', 'example.test'],
  ];
  for (const [url, host] of cases) test(`${url}: ${host}`, () => assert.equal(hostOf(url), host));
});
