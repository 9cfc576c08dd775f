// Requests spread over origins: each origin gets its share, and is named by its place or its host.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { createDraw } from '../../results/random.ts';
import { Request, Requests } from '../../scenarios/model/request.ts';
import { Target } from '../../scenarios/model/target.ts';
import type { PreparedRequests } from '../contracts.ts';
import { requestsTo } from './request.ts';
import { findOrigin } from './sockets.ts';

const places = [4001, 4002, 4003].map(port => ({ origin: `http://127.0.0.1:${port}`, path: '/' }));
const endpoint = { path: '/', origins: places };
const own = Target.parse({ origins: 3 });

const readAndWrite = (read: number, write: number) =>
  Requests.parse([
    { name: 'read', weight: read },
    { name: 'write', weight: write, path: '/write' },
  ]);

function namesOf(requests: PreparedRequests): string[] {
  return requests.map(({ name }) => name);
}

suite('requestsTo', () => {
  test('one origin leaves the requests as they are', () => {
    const [only, ...others] = requestsTo({ path: '/path' }, { target: Target.parse({}) }, {});
    assert.deepEqual([others, only.path, only.origin], [[], '/path', undefined]);
  });

  test("conntax's own origins are named by their places, because their ports differ from run to run", () => {
    const requests = requestsTo(endpoint, { target: own }, {});
    assert.deepEqual(
      requests.map(({ name, origin }) => [name, origin]),
      places.map(({ origin }, index) => [`origin ${index + 1}`, origin]),
    );
    assert.deepEqual(
      namesOf(requestsTo(endpoint, { target: own, requests: readAndWrite(1, 1) }, {})),
      [1, 2, 3].flatMap(place => ['read', 'write'].map(name => `${name}, origin ${place}`)),
    );
  });

  test('external ones by their hosts; each has the path of its own URL, unless a request states one', () => {
    const urls = ['http://a.test/one?x=1', { url: 'http://b.test:81/two', weight: 3 }];
    const target = Target.parse({ urls });
    const origins = [
      { origin: 'http://a.test', path: '/one?x=1' },
      { origin: 'http://b.test:81', path: '/two' },
    ];
    const asked = { target, request: Request.parse({ query: { token: { env: 'TOKEN' } } }) };
    const plain = requestsTo({ path: '/one?x=1', origins }, asked, { TOKEN: 'secret' });
    assert.deepEqual(
      plain.map(({ name, origin, path, weight, secrets }) => [
        name,
        origin,
        path,
        weight,
        secrets.length > 0,
      ]),
      [
        ['a.test', 'http://a.test', '/one?x=1&token=secret', 0.25, true],
        ['b.test:81', 'http://b.test:81', '/two?token=secret', 0.75, true],
      ],
    );
    const named = requestsTo({ path: '/one?x=1', origins }, { target, requests: readAndWrite(1, 1) }, {});
    assert.deepEqual(
      named.map(({ name, path }) => [name, path]),
      [
        ['read, a.test', '/one?x=1'],
        ['write, a.test', '/write'],
        ['read, b.test:81', '/two'],
        ['write, b.test:81', '/write'],
      ],
    );
  });

  test('a body is held once, however many origins get it', () => {
    const request = Request.parse({ method: 'POST', bodyBytes: 1_000 });
    const bodies = requestsTo(endpoint, { target: own, request }, {}).map(({ body }) => body);
    assert.equal(bodies[0]!.length, 1_000);
    assert.equal(new Set(bodies).size, 1);
  });

  test('a file of a body is read once, however many origins get it', t => {
    const read = t.mock.method(fs, 'readFileSync', () => Buffer.from('content'));
    syncBuiltinESMExports();
    t.after(() => {
      read.mock.restore();
      syncBuiltinESMExports();
    });
    const request = Request.parse({ method: 'POST', bodyFile: import.meta.filename });
    const requests = requestsTo(endpoint, { target: own, request }, {});
    assert.deepEqual(
      requests.map(({ body }) => String(body)),
      ['content', 'content', 'content'],
    );
    assert.equal(read.mock.callCount(), 1);
  });

  test('whatever the shares, requests keep their weights, and origins are drawn by their shares', () => {
    const share = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(fc.array(share, { minLength: 3, maxLength: 3 }), share, share, (shares, read, write) => {
        const target = Target.parse({ origins: shares });
        const spread = requestsTo(endpoint, { target, requests: readAndWrite(read, write) }, {});
        const reads = spread.filter(({ name }) => name.startsWith('read'));
        const weight = reads.reduce((sum, each) => sum + each.weight, 0);
        assert.ok(Math.abs(weight - read) < 1e-9);
        const total = shares.reduce((sum, one) => sum + one, 0);
        const draw = createDraw(spread)!;
        draw.restart(1);
        const counts = [0, 0, 0];
        for (let i = 0; i < 3_000; i++) {
          const { origin } = spread[draw.next()]!;
          counts[places.findIndex(place => place.origin === origin)]!++;
        }
        for (const [index, count] of counts.entries()) {
          const expected = (3_000 * shares[index]!) / total;
          assert.ok(Math.abs(count - expected) < 200, `${counts} by ${shares}`);
        }
      }),
      { numRuns: 20 },
    );
  });
});

test('a connection is assigned by its host and port, a number or a text; without origins it is not', () => {
  const origins = ['http://127.0.0.1:4001', 'http://127.0.0.2:4001', 'http://[::1]:4001', 'http://a.test'];
  const named = { origin: 'http://b.test:4001', path: '/', address: '127.0.0.3' };
  const originOf = findOrigin({ origins: [...origins.map(origin => ({ origin, path: '/' })), named] });
  assert.deepEqual(
    [
      originOf('127.0.0.1', 4001),
      originOf('127.0.0.2', '4001'),
      originOf('::1', 4001),
      originOf('a.test', 80),
      originOf('b.test', 4001),
      originOf('127.0.0.3', 4001),
      originOf('b.test', 80),
      originOf('127.0.0.1', undefined),
    ],
    [0, 1, 2, 3, 4, 4, undefined, undefined],
  );
  assert.equal(findOrigin({})('127.0.0.1', 4001), undefined);
});
