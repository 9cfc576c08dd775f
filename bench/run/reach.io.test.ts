// What a target says of the way to its server: files that cannot be used are refused with what, where and what was expected, and servers are found by it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, ListenOptions } from 'node:net';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { MeasureError, UsageError } from '../../results/errors.ts';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { Target } from '../../scenarios/model/target.ts';
import { createAuthority } from '../../servers/testing/certificates.ts';
import { openTestProxy } from '../../servers/testing/servers.ts';
import nodeFetch from '../clients/fetch.ts';
import nodeHttp from '../clients/node-http.ts';
import { openSubject } from '../clients/testing/subject.ts';
import undici from '../clients/undici.ts';
import wire from '../clients/wire.ts';
import { planRun } from '../plan/plan.ts';
import { findServers, locateServers } from './find-servers.ts';
import { reachAsChecked, readReach } from './reach.ts';
import { openForeignTarget } from './targets.ts';
import { makeScenario } from './testing/tiny-cell.ts';

type TargetInput = NonNullable<ScenarioInput['target']>;

async function find(target: TargetInput, addresses?: readonly string[]) {
  const plan = planRun([makeScenario({ target })], { seed: 1 });
  const resolve = addresses === undefined ? undefined : async () => addresses;
  const servers = await findServers(await locateServers(plan, [], resolve));
  const found = servers.values().next().value!;
  return { ...found, facts: found.servers[0].facts };
}

async function failure(target: TargetInput): Promise<MeasureError> {
  return find(target).then(
    () => assert.fail('it was found'),
    (error: unknown) => {
      assert.ok(error instanceof MeasureError, String(error));
      return error;
    },
  );
}

async function listen(
  t: TestContext,
  where: ListenOptions,
  tls?: https.ServerOptions,
): Promise<{ port: number; requests: http.IncomingMessage[] }> {
  const server = tls === undefined ? http.createServer() : https.createServer(tls);
  const requests: http.IncomingMessage[] = [];
  server.on('request', (request, response) => {
    requests.push(request);
    response.end('ok');
  });
  await once(server.listen(where), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

const LOOPBACK: ListenOptions = { host: '127.0.0.1', port: 0 };

suite('files', () => {
  test('of a certificate and its key are read; an encrypted key is decrypted once', async t => {
    const authority = await createAuthority(t);
    const mine = await authority.sign('mine');
    const target = (more: Partial<Target>) =>
      Target.parse({ url: 'https://127.0.0.1/', certFile: mine.certFile, keyFile: mine.keyFile, ...more });
    const plain = readReach(target({ caFile: authority.caFile }), {});
    assert.equal(plain.caPem, authority.caPem);
    assert.equal(plain.identity?.certPem, mine.certPem);
    const keyFile = authority.encrypt(mine, 'open sesame');
    const encrypted = target({ keyFile, passphrase: { env: 'PHRASE' } });
    assert.deepEqual(readReach(encrypted, { PHRASE: 'open sesame' }).identity, plain.identity);
    const both = join(authority.folder, 'both.pem');
    writeFileSync(both, `${mine.certPem}\n${mine.keyPem}`);
    const { keyFile: _, ...inOne } = target({ certFile: both });
    assert.equal(readReach(inOne, {}).identity?.keyPem, plain.identity?.keyPem);
  });

  test('that cannot be used are refused', async t => {
    const authority = await createAuthority(t);
    const mine = await authority.sign('mine');
    const other = await authority.sign('other');
    const old = await authority.sign('old', { isExpired: true });
    const encrypted = authority.encrypt(mine, 'open sesame');
    const { certFile, keyFile } = mine;
    const passphrase = { env: 'PHRASE' };
    const cases: [target: Partial<Target>, env: Record<string, string>, told: RegExp][] = [
      [{ caFile: '/dev/null' }, {}, /^target\.caFile: cannot be read: \/dev\/null is not a regular file/],
      [{ caFile: '/none.pem' }, {}, /^target\.caFile: cannot be read: ENOENT.*\/none\.pem.*expected: a PEM/],
      [
        { caFile: keyFile },
        {},
        /^target\.caFile: .*mine\.key does not contain a certificate; expected: a PEM/,
      ],
      [{ certFile: '/none.pem', keyFile }, {}, /^target\.certFile: cannot be read: ENOENT/],
      [{ certFile: keyFile }, {}, /^target\.certFile: .*mine\.key does not contain a certificate/],
      [{ certFile, keyFile: '/none.key' }, {}, /^target\.keyFile: cannot be read: ENOENT/],
      [{ certFile }, {}, /^target\.certFile: .*does not contain a private key; expected: .*target\.keyFile/],
      [{ certFile, keyFile: authority.caFile }, {}, /^target\.keyFile: .*does not contain a private key/],
      [
        { certFile, keyFile: other.keyFile },
        {},
        /^target\.keyFile: .*other\.key is not the key of .*mine\.pem; expected: /,
      ],
      [
        { certFile: old.certFile, keyFile: old.keyFile },
        {},
        /^target\.certFile: the certificate in .*old\.pem expired on 2021-01-01.*expected: one that is valid now/,
      ],
      [
        { certFile, keyFile: encrypted },
        {},
        /^target\.keyFile: .*is encrypted; expected: passphrase: \{ env/,
      ],
      [{ certFile, keyFile: encrypted, passphrase }, {}, /^target\.passphrase: .*PHRASE is not set/],
      [
        { certFile, keyFile: encrypted, passphrase },
        { PHRASE: 'wrong' },
        /^target\.keyFile: .*cannot be decrypted; expected: its own passphrase/,
      ],
      [{ proxy: { env: 'PROXY' } }, {}, /^target\.proxy: .*PROXY is not set/],
      [
        { proxy: { env: 'PROXY' } },
        { PROXY: 'wrong' },
        /^target\.proxy: .*PROXY does not hold a URL; expected: /,
      ],
      [{ proxy: { env: 'PROXY' } }, { PROXY: 'https://wrong@a.test' }, /another scheme than http/],
      [{ proxy: { env: 'PROXY' } }, { PROXY: 'http://wrong@a.test/b' }, /more than a host and a port/],
      [{ proxy: { env: 'PROXY' } }, { PROXY: 'http://me:wrong%@a.test' }, /not percent-encoded/],
    ];
    for (const [stated, env, told] of cases) {
      const target = Target.parse({ url: 'https://127.0.0.1/', ...stated });
      assert.throws(
        () => readReach(target, env),
        (error: unknown) => {
          assert.ok(error instanceof UsageError, String(error));
          assert.match(error.message, told);
          assert.doesNotMatch(error.message, /wrong|sesame/);
          return true;
        },
      );
    }
  });
});

suite('over TLS', () => {
  test('by another name than that of the url, which is where load goes', async t => {
    const authority = await createAuthority(t);
    const { certPem, keyPem } = await authority.sign('server', { dnsName: 'api.internal' });
    const { port, requests } = await listen(t, LOOPBACK, { cert: certPem, key: keyPem });
    const { caFile } = authority;
    const url = `https://127.0.0.1:${port}/a?b=c`;
    const { facts, endpoint } = await find({ url, caFile, serverName: 'api.internal' });
    assert.deepEqual(
      [endpoint.origin, endpoint.path, endpoint.address, facts.address, requests[0]?.headers.host],
      [`https://api.internal:${port}`, '/a?b=c', '127.0.0.1', '127.0.0.1', `api.internal:${port}`],
    );
    const { message } = await failure({ url, caFile });
    assert.match(message, /its certificate is for api\.internal, and not for 127\.0\.0\.1: .*serverName/);
    const other = await failure({ url, caFile, serverName: 'other.internal' });
    assert.match(other.message, /and not for other\.internal/);
  });

  test('with a certificate that has expired, or none may verify: only where insecure says so', async t => {
    const authority = await createAuthority(t);
    const { certPem, keyPem } = await authority.sign('old', { address: '127.0.0.1', isExpired: true });
    const { port } = await listen(t, LOOPBACK, { cert: certPem, key: keyPem });
    const url = `https://127.0.0.1:${port}/`;
    const { message, exitCode } = await failure({ url, caFile: authority.caFile });
    assert.match(message, /cannot be measured: its certificate is not valid now.*expected: a new one/);
    assert.equal(exitCode, 3);
    const { facts, endpoint } = await find({ url, insecure: true });
    assert.deepEqual([facts.isUnverified, endpoint.isUnverified], [true, true]);
  });

  test('without verification every client library connects, and with it none does', async t => {
    const authority = await createAuthority(t);
    const { certPem, keyPem } = await authority.sign('old', { dnsName: 'other.test', isExpired: true });
    const { port } = await listen(t, LOOPBACK, { cert: certPem, key: keyPem });
    const endpoint = { origin: `https://127.0.0.1:${port}`, path: '/' };
    const outcomes = async (): Promise<(string | number)[]> => {
      const asked: (string | number)[] = [];
      for (const module of [undici, nodeHttp, wire, nodeFetch]) {
        const subject = { name: '', module, settings: {} };
        const { status } = await openSubject(t, subject, endpoint, { requestsPerConnection: 1 }).ask();
        asked.push(status);
      }
      return asked;
    };
    t.after(() => {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    });
    assert.deepEqual(await outcomes(), [0, 0, 0, 0]);
    reachAsChecked({ ...endpoint, isUnverified: true });
    assert.deepEqual(await outcomes(), [200, 200, 200, 200]);
  });

  test('that asks for a certificate: with one it is found, without or with a foreign one it says what is missing', async t => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const authority = await createAuthority(t);
      const { certPem, keyPem } = await authority.sign('server', { address: '127.0.0.1' });
      const mine = await authority.sign('mine');
      const foreign = await (await createAuthority(t)).sign('foreign');
      const asks = { requestCert: true, rejectUnauthorized: true, maxVersion };
      const { port, requests } = await listen(t, LOOPBACK, {
        cert: certPem,
        key: keyPem,
        ca: authority.caPem,
        ...asks,
      });
      const server = { url: `https://127.0.0.1:${port}/`, caFile: authority.caFile };
      const { endpoint } = await find({ ...server, certFile: mine.certFile, keyFile: mine.keyFile });
      assert.equal(endpoint.identity?.certPem, mine.certPem);
      assert.match((await failure(server)).message, /target\.certFile and keyFile/);
      const shown = { ...server, certFile: foreign.certFile, keyFile: foreign.keyFile };
      assert.match((await failure(shown)).message, /refused the certificate in target\.certFile/);
      assert.equal(requests.length, 1);
    }
  });
});

suite('names and IPv6', () => {
  const cases: [listensOn: string, addresses: readonly string[], found: string][] = [
    ['::1', ['::1'], '::1'],
    ['::1', ['127.0.0.1', '::1'], '::1'],
    ['127.0.0.1', ['::1', '127.0.0.1'], '127.0.0.1'],
    ['::', ['::1', '127.0.0.1'], '::1'],
    ['::', ['127.0.0.1', '::1'], '127.0.0.1'],
  ];
  for (const [host, addresses, expected] of cases) {
    test(`a server on ${host}, by a name that is ${addresses.join(' and ')}`, async t => {
      const { port, requests } = await listen(t, { host, port: 0 });
      const { facts, endpoint } = await find({ url: `http://localhost:${port}/` }, addresses);
      assert.deepEqual(
        [facts.address, facts.isLoopback, endpoint.address, requests[0]?.headers.host],
        [expected, true, expected, `localhost:${port}`],
      );
    });
  }
});

test('a Unix socket is asked by its path, and the kernel counts nothing there', async t => {
  const { folder } = await createAuthority(t);
  const socketPath = join(folder, 'app.sock');
  const { requests } = await listen(t, { path: socketPath });
  const found = await find({ url: 'http://app.example/health', socketPath });
  assert.deepEqual(
    [found.facts.address, found.facts.isLoopback, found.endpoint],
    [socketPath, true, { origin: 'http://app.example', path: '/health', socketPath }],
  );
  assert.deepEqual([requests[0]?.url, requests[0]?.headers.host], ['/health', 'app.example']);
  const target = openForeignTarget(found);
  assert.deepEqual(await target.read(), { countedBy: 'kernel', accepted: null });
  const missing = await failure({ url: 'http://localhost/', socketPath: join(folder, 'none.sock') });
  assert.match(missing.message, /ENOENT.*none\.sock.*this socket does not exist/);
});

suite('through a proxy', () => {
  for (const [scheme, name] of [
    ['http', 'localhost'],
    ['https', 'localhost'],
    ['https', '127.0.0.1'],
  ] as const) {
    test(`${scheme}://${name}: the server is asked through it, and what is counted is the proxy's`, async t => {
      const authority = await createAuthority(t);
      const { certPem: cert, keyPem: key } = await authority.sign('server', {
        ...(name === 'localhost' ? { dnsName: name } : { address: name }),
      });
      const { port, requests } = await listen(t, LOOPBACK, scheme === 'https' ? { cert, key } : undefined);
      const proxy = await openTestProxy(t);
      const url = `${scheme}://${name}:${port}/health`;
      const found = await find(
        {
          url,
          proxy: proxy.url.replace('127.0.0.1', 'proxy.test'),
          ...(scheme === 'https' ? { caFile: authority.caFile } : {}),
        },
        ['127.0.0.1'],
      );
      const { facts, endpoint } = found;
      assert.deepEqual(
        [facts.address, facts.proxy, facts.isLoopback, facts.status],
        ['127.0.0.1', proxy.url.replace('127.0.0.1', 'proxy.test'), true, 200],
      );
      assert.equal(facts.tlsVersion === null, scheme === 'http');
      assert.deepEqual([endpoint.proxyUrl, endpoint.address], [`${proxy.url}/`, undefined]);
      assert.deepEqual(
        requests.map(request => request.url),
        ['/health'],
      );
      // One more finds out what the server speaks.
      if (scheme === 'https') assert.deepEqual(proxy.tunnels, Array(2).fill(`${name}:${port}`));
      else assert.deepEqual(proxy.passedOn, [url]);
      assert.deepEqual(await openForeignTarget(found).read(), { countedBy: 'kernel', accepted: null });
    });

    const refusals: [options: Parameters<typeof openTestProxy>[1], told: RegExp][] = [
      [{ refuses: 407 }, /answered 407 .*expected: target\.proxy: \{ env: 'PROXY_URL' \}/],
      [{ refuses: 403 }, /answered 403 .*expected: a proxy that lets this machine/],
      [{ refuses: 502 }, /answered 502 .*expected: a server that the proxy can reach/],
    ];
    for (const [options, told] of refusals) {
      test(`${scheme}: a proxy that answers ${options?.refuses} is named before any load`, async t => {
        const { port, requests } = await listen(t, LOOPBACK);
        const proxy = await openTestProxy(t, options);
        const { message, code } = await failure({ url: `${scheme}://127.0.0.1:${port}/`, proxy: proxy.url });
        assert.equal(code, 'unreachable');
        assert.ok(message.includes(`the proxy ${proxy.url}`), message);
        assert.match(message, told);
        assert.equal(requests.length, 0);
      });
    }

    test(`${scheme}: a proxy that does not run, a wrong password, and a server that is no proxy`, async t => {
      const { port, requests } = await listen(t, LOOPBACK);
      const url = `${scheme}://127.0.0.1:${port}/`;
      const refused = await failure({ url, proxy: 'http://127.0.0.1:1' });
      assert.match(
        refused.message,
        /the proxy http:\/\/127\.0\.0\.1:1 cannot be reached.*ECONNREFUSED.*expected: /,
      );
      const proxy = await openTestProxy(t, { credentials: 'me:right' });
      process.env['CONNTAX_TEST_PROXY'] = proxy.url.replace('//', '//me:wr0ng@');
      t.after(() => delete process.env['CONNTAX_TEST_PROXY']);
      const wrong = await failure({ url, proxy: { env: 'CONNTAX_TEST_PROXY' } });
      assert.match(wrong.message, /answered 407 .*expected: another user or password/);
      assert.doesNotMatch(wrong.message, /wr0ng/);
      if (scheme === 'http') return;
      const { port: plain } = await listen(t, LOOPBACK);
      const none = await failure({ url, proxy: `http://127.0.0.1:${plain}` });
      assert.match(
        none.message,
        /the proxy .* closed the connection without an answer; expected: the URL of an HTTP proxy/,
      );
      assert.equal(requests.length, 0);
    });
  }

  test('neither the proxy nor a server behind it may be elsewhere without permission', async () => {
    const refusal = (target: TargetInput) =>
      find(target, ['10.0.0.9']).then(
        () => assert.fail('it was allowed'),
        (error: unknown) => (error instanceof UsageError ? error.message : assert.fail(String(error))),
      );
    const both = await refusal({ url: 'http://api.test/', proxy: 'http://proxy.test:3128' });
    assert.match(both, /target\.proxy http:\/\/proxy\.test:3128: proxy\.test resolves to 10\.0\.0\.9/);
    assert.match(both, /target\.url http:\/\/api\.test\/: the proxy resolves api\.test/);
  });
});
