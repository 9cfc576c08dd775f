// The external servers of a plan are looked up, judged and asked once, each of several too: never asked where one was refused.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, suite, test } from 'node:test';
import { MeasureError, UsageError } from '../../results/errors.ts';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { createCertificate } from '../../servers/app.ts';
import type { Scope } from '../../servers/testing/client.ts';
import { listenOnLoopback } from '../../servers/testing/servers.ts';
import { type Plan, planRun } from '../plan/plan.ts';
import { findServers, locateServers, requireAnswer } from './find-servers.ts';
import { makeScenario } from './testing/tiny-cell.ts';

describe('Before a run, a server that we did not start is looked up, judged and asked once: never asked where it was refused', () => {
  function planOf(...targets: NonNullable<ScenarioInput['target']>[]): Plan {
    const scenarios = targets.map((target, index) => ({
      ...makeScenario({ target }),
      name: `cell-${index}`,
    }));
    return planRun(scenarios, { seed: 1 });
  }

  /** A resolver for names that exist in the test only. */
  async function resolveAs(...addresses: string[]): Promise<readonly string[]> {
    return addresses;
  }

  suite('locateServers', () => {
    test('a plan of our own servers asks for nothing', async () => {
      const located = await locateServers(planOf({}), [], () => assert.fail('nothing is to be looked up'));
      assert.deepEqual(located, []);
    });

    test('a server of several cells is looked up once', async () => {
      const url = 'http://a.test/';
      const asked: string[] = [];
      const located = await locateServers(planOf({ url }, {}, { url }), [], host => {
        asked.push(host);
        return resolveAs('127.0.0.1');
      });
      assert.deepEqual(asked, ['a.test']);
      assert.deepEqual(
        located.map(({ servers, cells }) => [
          servers.map(({ url, addresses }) => [url, addresses]),
          cells.map(({ id }) => id),
        ]),
        [[[[url, ['127.0.0.1']]], ['cell-0', 'cell-2']]],
      );
    });

    test('every refusal is reported at once, as a usage error', async () => {
      const plan = planOf(
        { url: 'http://10.0.0.1/' },
        { url: 'http://b.test/' },
        { url: 'http://127.0.0.1/' },
      );
      const refused = locateServers(plan, [], host => resolveAs(host === 'b.test' ? '10.0.0.2' : host));
      await assert.rejects(refused, (error: unknown) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, /target\.url http:\/\/10\.0\.0\.1\/.*target\.url http:\/\/b\.test\//s);
        assert.doesNotMatch(error.message, /target\.url http:\/\/127/);
        return true;
      });
    });

    test('an address needs no name server, and a name of this machine is found', async () => {
      const located = await locateServers(
        planOf({ url: 'http://127.1.2.3/' }, { url: 'http://[::1]/' }, { url: 'http://localhost/' }),
        [],
      );
      const [four, six, name] = located.flatMap(({ servers }) => servers);
      assert.deepEqual([four?.addresses, six?.addresses], [['127.1.2.3'], ['::1']]);
      assert.ok(name!.addresses.includes('127.0.0.1') || name!.addresses.includes('::1'));
    });

    test('each of several servers is looked up, and each that load may not be sent to is named', async () => {
      const urls = ['http://127.0.0.1/a', { url: 'http://b.test/', weight: 2 }, 'http://c.test:81/'];
      const resolve = (host: string) =>
        resolveAs(host === 'b.test' ? '10.0.0.2' : host === 'c.test' ? '10.0.0.3' : host);
      await assert.rejects(locateServers(planOf({ urls }), [], resolve), (error: unknown) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, /target\.urls http:\/\/b\.test\/.*target\.urls http:\/\/c\.test:81\//s);
        assert.match(error.message, /expected: a server on this machine; or --allow-host c\.test/);
        assert.doesNotMatch(error.message, /urls http:\/\/127/);
        return true;
      });
      const [located] = await locateServers(planOf({ urls }), ['b.test', 'c.test'], resolve);
      assert.deepEqual(
        located!.servers.map(({ addresses, requests }) => [addresses, requests[0].path]),
        [
          [['127.0.0.1'], '/a'],
          [['10.0.0.2'], '/'],
          [['10.0.0.3'], '/'],
        ],
      );
    });

    test('two names of one server are refused', async () => {
      const urls = ['http://a.test:3000/', 'http://b.test:3001/', 'http://127.0.0.1:3000/'];
      await assert.rejects(
        locateServers(planOf({ urls }), [], () => resolveAs('127.0.0.1')),
        /target\.urls: http:\/\/127\.0\.0\.1:3000\/ is the same server as http:\/\/a\.test:3000\/: both are 127\.0\.0\.1 port 3000; expected: one URL per server/,
      );
    });

    test('an unknown host could not be measured', async () => {
      const located = locateServers(planOf({ url: 'http://a.test/' }), [], async () => {
        throw new Error('getaddrinfo ENOTFOUND a.test');
      });
      await assert.rejects(located, (error: unknown) => {
        assert.ok(error instanceof MeasureError && error.code === 'unreachable');
        assert.match(error.message, /http:\/\/a\.test\/: cannot resolve its host: .*ENOTFOUND/);
        return true;
      });
    });
  });

  suite('findServers', () => {
    /** What one request to the target tells. */
    async function find(target: NonNullable<ScenarioInput['target']>, addresses?: string[]) {
      const plan = planOf(target);
      const resolve = addresses === undefined ? undefined : () => resolveAs(...addresses);
      const found = (await findServers(await locateServers(plan, [], resolve))).get('cell-0');
      assert.ok(found !== undefined);
      const [first] = found.servers;
      return { ...found, facts: first.facts };
    }

    test('one request, at the path and query of the url, to the address that answers', async t => {
      const seen: string[] = [];
      let accepted = 0;
      const server = http.createServer((request, response) => {
        seen.push(`${request.headers.host} ${request.url} ${request.headers.connection}`);
        response.setHeader('Server', 'made-up/1').end('x'.repeat(100_000));
      });
      server.on('connection', () => accepted++);
      const port = await listenOnLoopback(t, server);
      const { facts, endpoint } = await find({ url: `http://a.test:${port}/path?a=b` }, [
        '127.9.9.9',
        '127.0.0.1',
      ]);
      assert.deepEqual(seen, [`a.test:${port} /path?a=b keep-alive`]);
      assert.equal(accepted, 1);
      assert.deepEqual(endpoint, {
        origin: `http://a.test:${port}`,
        path: '/path?a=b',
        address: '127.0.0.1',
      });
      assert.deepEqual(
        [facts.address, facts.isLoopback, facts.status, facts.httpVersion, facts.software, facts.alpn],
        ['127.0.0.1', true, 200, '1.1', 'made-up/1', null],
      );
      const { endpoint: byAddress } = await find({ url: `http://127.0.0.1:${port}` });
      assert.deepEqual(byAddress, { origin: `http://127.0.0.1:${port}`, path: '/' });
    });

    test('what each of several requests asked is said with its method and path', async t => {
      const port = await listenOnLoopback(
        t,
        http.createServer((request, response) =>
          response.writeHead(request.method === 'POST' ? 201 : 200).end(),
        ),
      );
      const origin = `http://127.0.0.1:${port}`;
      const scenario = makeScenario({
        target: { url: `${origin}/health` },
        requests: [
          { name: 'health', weight: 1 },
          { name: 'create', weight: 1, method: 'POST', path: '/orders?dry=1', body: 'pen' },
        ],
      });
      const plan = planRun([{ ...scenario, name: 'several' }], { seed: 1 });
      const found = (await findServers(await locateServers(plan, []))).get('several');
      assert.deepEqual(
        found?.servers[0].answers.map(({ name, asked, facts }) => [name, asked, facts.status]),
        [
          ['health', `${origin}/health`, 200],
          ['create', `POST ${origin}/orders?dry=1`, 201],
        ],
      );
      assert.deepEqual(found?.asked, { beforeRun: 2, betweenReplicates: 0 });
    });

    suite('several servers', () => {
      async function serve(t: Scope): Promise<{ port: number; server: http.Server; paths: string[] }> {
        const paths: string[] = [];
        const server = http.createServer((request, response) => {
          paths.push(request.url!);
          response.end('ok');
        });
        return { port: await listenOnLoopback(t, server), server, paths };
      }

      test('each is asked once at its own path, and all are origins of one endpoint', async t => {
        const [one, two] = [await serve(t), await serve(t)];
        const urls = [`http://a.test:${one.port}/one`, `http://b.test:${two.port}/two?x=1`];
        const { servers, endpoint } = await find({ urls }, ['127.0.0.1']);
        assert.deepEqual([one.paths, two.paths], [['/one'], ['/two?x=1']]);
        assert.deepEqual(
          servers.map(({ facts }) => [facts.url, facts.status]),
          urls.map(url => [url, 200]),
        );
        const origins = [
          { origin: `http://a.test:${one.port}`, path: '/one', address: '127.0.0.1' },
          { origin: `http://b.test:${two.port}`, path: '/two?x=1', address: '127.0.0.1' },
        ];
        assert.deepEqual(endpoint, { ...origins[0], origins });
      });

      test('servers by one name are asked at one address, to which generators bind the name', async t => {
        const [one, two] = [await serve(t), await serve(t)];
        const urls = [`http://a.test:${one.port}/`, `http://a.test:${two.port}/`];
        // Nothing listens at the first address.
        const { endpoint } = await find({ urls }, ['127.9.9.9', '127.0.0.1']);
        assert.deepEqual(
          endpoint.origins?.map(({ address }) => address),
          ['127.0.0.1', '127.0.0.1'],
        );
        const elsewhere = http.createServer((_request, response) => response.end());
        await once(elsewhere.listen(0, '127.9.9.9'), 'listening');
        t.after(() => elsewhere.close());
        const { port } = elsewhere.address() as AddressInfo;
        await assert.rejects(
          find({ urls: [urls[0]!, `http://a.test:${port}/`] }, ['127.0.0.1', '127.9.9.9']),
          /its host is bound to 127\.0\.0\.1, where http:\/\/a\.test:\d+\/ answers; addresses in target\.urls/,
        );
      });

      test('whichever of them does not answer, before the run or later, is named', async t => {
        const [one, two] = [await serve(t), await serve(t)];
        const urls = [one, two].map(({ port }) => `http://127.0.0.1:${port}/`);
        const found = await find({ urls });
        await requireAnswer(found);
        assert.deepEqual(found.asked, { beforeRun: 2, betweenReplicates: 2 });
        two.server.closeAllConnections();
        await new Promise(resolve => two.server.close(resolve));
        await assert.rejects(requireAnswer(found), {
          code: 'target-died',
          message: new RegExp(`^${urls[1]} no longer answers`),
        });
        await assert.rejects(find({ urls }), new RegExp(`^MeasureError: ${urls[1]} does not answer: `));
      });
    });

    test('a bad status is a fact, not an end', async t => {
      const server = http.createServer((_request, response) => response.writeHead(503).end());
      const { facts } = await find({ url: `http://127.0.0.1:${await listenOnLoopback(t, server)}/` });
      assert.equal(facts.status, 503);
    });

    test('a redirect is refused: following it would send load elsewhere', async t => {
      const location = 'http://example.test/\u0085elsewhere';
      const server = http.createServer((_request, response) => response.writeHead(302, { location }).end());
      await assert.rejects(
        find({ url: `http://127.0.0.1:${await listenOnLoopback(t, server)}/` }),
        /is a redirect \(302\) to http:\/\/example\.test\/ elsewhere: .*expected: the URL that answers/,
      );
    });

    test('of several requests, the one that is redirected is named as it was asked', async t => {
      const server = http.createServer(({ url }, response) =>
        response.writeHead(url === '/old' ? 301 : 200, { location: '/new' }).end(),
      );
      const port = await listenOnLoopback(t, server);
      const requests = [
        { name: 'home', path: '/home' },
        { name: 'old', path: '/old' },
      ];
      const plan = planRun([makeScenario({ target: { url: `http://127.0.0.1:${port}/` }, requests })], {
        seed: 1,
      });
      await assert.rejects(
        findServers(await locateServers(plan, [])),
        new RegExp(`^MeasureError: http://127.0.0.1:${port}/old, for old, is a redirect \\(301\\) to `),
      );
    });

    test('one that is expected is an answer, unless a module of the user may follow it', async t => {
      const server = http.createServer((_request, response) =>
        response.writeHead(302, { location: '/' }).end(),
      );
      const target = { url: `http://127.0.0.1:${await listenOnLoopback(t, server)}/`, expectStatus: [302] };
      assert.equal((await find(target)).facts.status, 302);
      const located = await locateServers(planOf(target), []);
      const withModule = located.map(one => ({
        ...one,
        cells: one.cells.map(cell => ({ ...cell, hasUserModules: true })),
      }));
      await assert.rejects(findServers(withModule), /is a redirect \(302\)/);
    });

    test('no server: a sentence that says what to do', async t => {
      const server = http.createServer();
      const port = await listenOnLoopback(t, server);
      await new Promise(resolve => server.close(resolve));
      await assert.rejects(find({ url: `http://127.0.0.1:${port}/` }), (error: unknown) => {
        assert.ok(error instanceof MeasureError && error.exitCode === 3);
        assert.match(error.message, /does not answer: connect ECONNREFUSED .*must already be running/);
        return true;
      });
    });

    test('a server that has gone is reported as gone', async t => {
      const server = http.createServer((_request, response) => response.end());
      const found = await find({ url: `http://127.0.0.1:${await listenOnLoopback(t, server)}/` });
      await requireAnswer(found);
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
      await assert.rejects(requireAnswer(found), {
        code: 'target-died',
        message: /no longer answers: /,
      });
    });

    test('over TLS: which authorities to trust, which version, and whether it offers HTTP/2', async t => {
      const { certPem, keyPem } = await createCertificate();
      const folder = await mkdtemp(join(tmpdir(), 'conntax-preflight-'));
      t.after(() => rm(folder, { recursive: true, force: true }));
      const caFile = join(folder, 'ca.pem');
      await writeFile(caFile, certPem);
      const handle: http.RequestListener = (_request, response) => response.end('ok');
      const server = https.createServer({ cert: certPem, key: keyPem, maxVersion: 'TLSv1.2' }, handle);
      const url = `https://127.0.0.1:${await listenOnLoopback(t, server)}/`;
      const { facts, endpoint } = await find({ url, caFile });
      assert.deepEqual([facts.tlsVersion, facts.alpn, facts.status], ['TLSv1.2', 'http/1.1', 200]);
      assert.equal(endpoint.caPem, certPem);
      await assert.rejects(
        find({ url }),
        /not signed by a trusted authority \(DEPTH_ZERO_SELF_SIGNED_CERT\); target\.caFile can name/,
      );
      await assert.rejects(
        find({ url, caFile, protocol: 'h2' }),
        /does not offer HTTP\/2, as target\.protocol states: of h2 and http\/1\.1 it chose http\/1\.1/,
      );
      const both = https.createServer(
        { cert: certPem, key: keyPem, ALPNProtocols: ['h2', 'http/1.1'] },
        handle,
      );
      const offered = await find({
        url: `https://127.0.0.1:${await listenOnLoopback(t, both)}/`,
        caFile,
        protocol: 'h2',
      });
      assert.deepEqual([offered.facts.tlsVersion, offered.facts.alpn], ['TLSv1.3', 'h2']);
    });
  });
});
