// A request is prepared from its file and its environment, and says what is missing without saying what is secret.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Request, Requests } from '../../scenarios/model/request.ts';
import { prepareRequests, redact, secretsOf } from './request.ts';

suite('preparing a request', () => {
  test('nothing stated is a GET of the path', () => {
    const { method, path, headers, body } = prepareRequests({}, '/a?b', {})[0];
    assert.deepEqual([method, path, headers, body], ['GET', '/a?b', {}, undefined]);
  });

  test('secrets come from the environment, into headers and query, and are known as such', () => {
    const request = Request.parse({
      path: '/a?b=1',
      query: { key: { env: 'KEY' } },
      headers: { authorization: { env: 'TOKEN', prefix: 'Bearer ' } },
    });
    const { path, headers, secrets } = prepareRequests({ request }, '/', { KEY: 'a&b', TOKEN: 's3cret' })[0];
    assert.equal(path, '/a?b=1&key=a%26b');
    assert.deepEqual(headers, { authorization: 'Bearer s3cret' });
    assert.equal(
      redact('GET /a?key=a%26b with s3cret failed', secrets),
      'GET /a?key=[redacted] with [redacted] failed',
    );
  });

  const faults: [what: string, env: Record<string, string>, message: RegExp][] = [
    ['a variable that is not set', {}, /request\.headers\.authorization: .*TOKEN is not set/],
    ['an empty variable', { TOKEN: '' }, /TOKEN is set, but empty/],
    ['a variable with a line break', { TOKEN: 'abc\n' }, /TOKEN has characters/],
  ];
  for (const [what, env, message] of faults) {
    test(`${what} is refused by its name`, () => {
      const request = Request.parse({ headers: { authorization: { env: 'TOKEN' } } });
      assert.throws(() => prepareRequests({ request }, '/', env), { name: 'UsageError', message });
    });
  }

  test('several have names, weights and paths of their own, and the secrets of all are known', () => {
    const requests = Requests.parse([
      { name: 'list', path: '/list', weight: 3 },
      { method: 'POST', headers: { cookie: { env: 'COOKIE' } }, body: 'x' },
      { path: '/key', query: { key: { env: 'KEY' } } },
    ]);
    const prepared = prepareRequests({ requests }, '/stated?a', { COOKIE: 'c=1', KEY: 'k&1' });
    assert.deepEqual(
      prepared.map(({ name, weight, method, path }) => [name, weight, method, path]),
      [
        ['list', 3, 'GET', '/list'],
        ['POST', 1, 'POST', '/stated?a'],
        ['GET /key', 1, 'GET', '/key?key=k%261'],
      ],
    );
    assert.deepEqual(secretsOf(prepared).toSorted(), ['c%3D1', 'c=1', 'k%261', 'k&1']);
    assert.throws(() => prepareRequests({ requests }, '/', { KEY: 'k' }), {
      message: /^requests\.1\.headers\.cookie: .*COOKIE is not set/,
    });
  });

  test('bodies that are too long together are refused', () => {
    const requests = Requests.parse(
      [1, 2, 3].map(part => ({ path: `/${part}`, method: 'POST', bodyBytes: 30_000_000 })),
    );
    assert.throws(() => prepareRequests({ requests }, '/', {}), { message: /90000000 bytes together/ });
  });

  test('the body is that of the file, byte for byte; a file that is not there is refused', t => {
    const folder = mkdtempSync(join(tmpdir(), 'conntax-request-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const bodyFile = join(folder, 'body');
    writeFileSync(bodyFile, Buffer.from([0, 255, 10, 13]));
    const request = Request.parse({ method: 'POST', bodyFile });
    assert.deepEqual(prepareRequests({ request }, '/', {})[0].body, Buffer.from([0, 255, 10, 13]));
    const missing = Request.parse({ method: 'POST', bodyFile: join(folder, 'none') });
    assert.throws(() => prepareRequests({ request: missing }, '/', {}), {
      message: /request\.bodyFile: cannot be read/,
    });
  });

  test('a file without an end, or beyond the limit, is refused before it is read', t => {
    const folder = mkdtempSync(join(tmpdir(), 'conntax-request-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const large = join(folder, 'large');
    writeFileSync(large, '');
    truncateSync(large, 1024 ** 4);
    const files: [string, RegExp][] = [
      ['/dev/null', /request\.bodyFile: cannot be read: \/dev\/null is not a regular file/],
      [large, /request\.bodyFile: .*large has 1099511627776 bytes; expected: at most \d+$/],
    ];
    for (const [bodyFile, message] of files) {
      const request = Request.parse({ method: 'POST', bodyFile });
      assert.throws(() => prepareRequests({ request }, '/', {}), { name: 'UsageError', message });
    }
  });
});
