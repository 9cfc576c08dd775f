// What `conntax try` says to do next.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FOUND_SERVER } from '../../results/testing/found-server.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { TRY_DEFAULTS } from './option-defaults.ts';
import { conclude, requireGoodStatus } from './try.ts';

const options = { ...TRY_DEFAULTS, results: 'results', allowHost: [], concurrency: 20 };

test('of a server that keeps connections, its idle timeout is spoken of', () => {
  const said = conclude({ run: sampleRun().run, servers: [FOUND_SERVER] }, options).join(' ');
  assert.match(said, /announces no idle timeout/);
  assert.doesNotMatch(said, /no setting of a pool helps/);
});

test('of a server that closes each connection, no setting is advised', () => {
  const servers = [{ ...FOUND_SERVER, httpVersion: '1.0' }];
  const said = conclude({ run: sampleRun().run, servers }, options).join(' ');
  assert.match(said, /answers over HTTP\/1\.0 without Connection: keep-alive, so no setting of a pool helps/);
  assert.doesNotMatch(said, /idle timeout|not known yet|Set /);
});

const url = 'http://127.0.0.1:3000/secret';
const refused: [status: number, expected: RegExp][] = [
  [401, /status 401 \(Unauthorized\).*no load was sent.*-H 'authorization: .*--expect-status 401/],
  [404, /another path, or --expect-status 404/],
  [405, /another method, by -X/],
  [503, /a server that works/],
];
for (const [status, expected] of refused) {
  test(`a server that answers ${status} is refused with what to add, unless that status is expected`, () => {
    assert.throws(() => requireGoodStatus({ url, status }, {}), { exitCode: 2, message: expected });
    requireGoodStatus({ url, status }, { expectStatus: ['2xx', status] });
  });
}

test('a good status is refused where another is expected', () => {
  requireGoodStatus({ url, status: 204 }, {});
  assert.throws(() => requireGoodStatus({ url, status: 200 }, { expectStatus: ['4xx'] }), { exitCode: 2 });
});
