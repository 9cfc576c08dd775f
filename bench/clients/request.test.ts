// A request is prepared from its file and its environment, and says what is missing without saying what is secret.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Request } from '../../scenarios/model/request.ts';
import { prepareRequest, redact } from './request.ts';

suite('preparing a request', () => {
  test('nothing stated is a GET of the path', () => {
    const { method, path, headers, body } = prepareRequest(undefined, '/a?b', {});
    assert.deepEqual([method, path, headers, body], ['GET', '/a?b', {}, undefined]);
  });

  test('secrets come from the environment, into headers and query, and are known as such', () => {
    const request = Request.parse({
      path: '/a?b=1',
      query: { key: { env: 'KEY' } },
      headers: { authorization: { env: 'TOKEN', prefix: 'Bearer ' } },
    });
    const { path, headers, secrets } = prepareRequest(request, '/', { KEY: 'a&b', TOKEN: 's3cret' });
    assert.equal(path, '/a?b=1&key=a%26b');
    assert.deepEqual(headers, { authorization: 'Bearer s3cret' });
    assert.equal(
      redact('GET /a?key=a%26b with s3cret failed', secrets),
      'GET /a?key=[redacted] with [redacted] failed',
    );
  });

  const faults: [what: string, env: Record<string, string>, message: RegExp][] = [
    ['a variable that is not set', {}, /request\.headers\.authorization: .*TOKEN is not set/],
    ['an empty variable', { TOKEN: '' }, /TOKEN is not set/],
    ['a variable with a line break', { TOKEN: 'abc\n' }, /TOKEN has characters/],
  ];
  for (const [what, env, message] of faults) {
    test(`${what} is refused by its name`, () => {
      const request = Request.parse({ headers: { authorization: { env: 'TOKEN' } } });
      assert.throws(() => prepareRequest(request, '/', env), { name: 'UsageError', message });
    });
  }

  test('the body is that of the file, byte for byte; a file that is not there is refused', t => {
    const folder = mkdtempSync(join(tmpdir(), 'conntax-request-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const bodyFile = join(folder, 'body');
    writeFileSync(bodyFile, Buffer.from([0, 255, 10, 13]));
    const request = Request.parse({ method: 'POST', bodyFile });
    assert.deepEqual(prepareRequest(request, '/', {}).body, Buffer.from([0, 255, 10, 13]));
    const missing = Request.parse({ method: 'POST', bodyFile: join(folder, 'none') });
    assert.throws(() => prepareRequest(missing, '/', {}), { message: /request\.bodyFile: cannot be read/ });
  });
});
