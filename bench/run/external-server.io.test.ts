// Before a run, a server that we did not start is looked up, judged and asked once: never asked where it was refused.
import assert from 'node:assert/strict';
import dns from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { createServer, type LookupFunction, type Socket } from 'node:net';
import { after, before, describe, suite, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import type { ForeignServer } from '../../results/model/run.ts';
import { createCertificate } from '../../servers/app.ts';
import { listenOnLoopback } from '../../servers/testing/servers.ts';
import { openTestTarget } from '../../servers/testing/target.ts';
import { plainRequest } from '../clients/request.ts';
import { askServer, describeAnswerFailure, isAnswered } from './external-server.ts';
import { reachAsChecked, systemAuthorities } from './reach.ts';

describe('The first question to a server always ends, whatever it does: with what was found, or with a sentence that says what is wrong', () => {
  const NEVER_MS = 60_000;

  /** Does `answer` with the first piece of each connection. */
  async function serve(t: TestContext, answer: (socket: Socket) => void): Promise<string> {
    const server = createServer(socket => socket.once('data', () => answer(socket)));
    return `http://127.0.0.1:${await listenOnLoopback(t, server)}/`;
  }

  function ask(url: string, timeoutMs = NEVER_MS): Promise<ForeignServer> {
    return askServer({ url, address: '127.0.0.1', request: plainRequest(new URL(url).pathname), timeoutMs });
  }

  /** The sentence with which it ends. */
  async function failure(url: string, timeoutMs = NEVER_MS): Promise<string> {
    return ask(url, timeoutMs).then(
      facts => assert.fail(`it was answered: ${JSON.stringify(facts)}`),
      (error: unknown) => describeAnswerFailure(error, url),
    );
  }

  const BODY = 'Content-Length: 2\r\n\r\nok';

  suite('what does not end in an answer ends in a sentence', () => {
    const cases: [what: string, answer: (socket: Socket) => void, told: RegExp][] = [
      ['the end at once', s => s.end(), /^it closed the connection before its answer was complete/],
      ['a reset', s => s.resetAndDestroy(), /^it closed the connection before its answer was complete/],
      [
        'the end within the header',
        s => s.end('HTTP/1.1 200 OK\r\nServer'),
        /^it began its answer, but did not end the header before it closed the connection \(23 bytes so far\)$/,
      ],
      [
        'the end within the body',
        s => s.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx'),
        /^it answered with status 200, but sent only 1 of the 9 bytes of its body before it closed the connection$/,
      ],
      [
        'another protocol',
        s => void s.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
        /^it answers with status 101 \(switching protocols\)/,
      ],
      ['HTTP/0.9', s => s.end('<html>hello</html>'), /^its answer is not HTTP\/1\.1 \(Parse Error/],
      [
        'a header that is too long',
        s => s.end(`HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(20_000)}\r\n${BODY}`),
        /^it answered with a header of more than 16 KiB, .*NODE_OPTIONS=--max-http-header-size=65536 raises it/,
      ],
    ];
    for (const [what, answer, told] of cases) {
      test(what, async t => {
        assert.match(await failure(await serve(t, answer)), told);
      });
    }

    test('an interrupt ends it at once, with the reason of the signal', async t => {
      const interrupt = new AbortController();
      const url = await serve(t, () => interrupt.abort());
      const asked = askServer({
        url,
        address: '127.0.0.1',
        request: plainRequest(new URL(url).pathname),
        timeoutMs: NEVER_MS,
        signal: interrupt.signal,
      });
      await assert.rejects(asked, error => error === interrupt.signal.reason);
      const late = askServer({
        url,
        address: '127.0.0.1',
        request: plainRequest(new URL(url).pathname),
        timeoutMs: NEVER_MS,
        signal: interrupt.signal,
      });
      await assert.rejects(late, error => error === interrupt.signal.reason);
    });
  });

  suite('an answer that does not end in time is described by how far it came', { concurrency: true }, () => {
    const SHORT_MS = 1_000;
    const cases: [what: string, answer: (socket: Socket) => void, told: string][] = [
      ['nothing, ever', () => {}, 'it accepted the connection, but sent nothing within 1 s'],
      [
        'half a header',
        s => void s.write('HTTP/1.1 200 OK\r\nServer: x'),
        'it began its answer, but did not end the header within 1 s (26 bytes so far)',
      ],
      [
        'half a body of a known length',
        s => void s.write('HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\nx'),
        'it answered with status 200, but sent only 1 of the 9,000 bytes of its body within 1 s',
      ],
      [
        'chunks without a last one',
        s => void s.write('HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n'),
        'it answered with status 404, but its body did not end within 1 s (2 bytes so far)',
      ],
      [
        'an interim answer only',
        s => void s.write('HTTP/1.1 103 Early Hints\r\n\r\n'),
        'it answered with the interim status 103, but with no final status within 1 s',
      ],
      [
        'interim answers without end',
        s => void s.write('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n'.repeat(2)),
        'it answered with the interim status 102 (2 times) and 103 (2 times), but with no final status within 1 s',
      ],
    ];
    for (const [what, answer, told] of cases) {
      test(what, async t => {
        assert.equal(await failure(await serve(t, answer), SHORT_MS), told);
      });
    }

    test('a TLS handshake that is never answered', async t => {
      const url = (await serve(t, () => {})).replace('http:', 'https:');
      assert.equal(
        await failure(url, SHORT_MS),
        'it accepted the connection, but did not finish the TLS handshake within 1 s',
      );
    });

    test('of what began, the run says that it cannot be measured; of the rest, that it does not answer', async t => {
      for (const [answer, told] of [
        ['HTTP/1.1 103 Early Hints\r\n\r\n', /cannot be measured: it answered with the interim status 103/],
        ['', /does not answer: it accepted the connection, but sent nothing/],
      ] as const) {
        const url = await serve(t, socket => void socket.write(answer));
        const asked = askServer({
          url,
          address: '127.0.0.1',
          request: plainRequest('/'),
          timeoutMs: SHORT_MS,
        });
        await assert.rejects(asked, error => {
          assert.match(
            `${isAnswered(error) ? 'cannot be measured' : 'does not answer'}: ${(error as Error).message}`,
            told,
          );
          return true;
        });
      }
    });
  });

  suite('TLS or not', () => {
    test('plain HTTP to a port that speaks TLS', async t => {
      const { certPem, keyPem } = await createCertificate();
      const server = https.createServer({ cert: certPem, key: keyPem });
      const port = await listenOnLoopback(t, server);
      assert.equal(
        await failure(`http://127.0.0.1:${port}/path`),
        `this port speaks TLS; expected: https://127.0.0.1:${port}/path`,
      );
    });

    test('TLS to a port that speaks plain HTTP', async t => {
      const port = await listenOnLoopback(t, http.createServer());
      assert.equal(
        await failure(`https://127.0.0.1:${port}/`),
        `this port does not speak TLS; expected: http://127.0.0.1:${port}/, or the port of https`,
      );
    });

    test('a port that closes instead of a handshake', async t => {
      const url = await serve(t, socket => socket.end());
      assert.match(await failure(url.replace('http:', 'https:')), /closed the connection/);
    });

    test('a bad request is an answer where TLS is not spoken', async t => {
      const url = await serve(t, socket => socket.end(`HTTP/1.1 400 Bad Request\r\n${BODY}`));
      assert.equal((await ask(url)).status, 400);
    });

    test('a certificate for other names lists them', async t => {
      const { certPem, keyPem } = await createCertificate();
      const port = await listenOnLoopback(t, https.createServer({ cert: certPem, key: keyPem }));
      const url = `https://other.test:${port}/`;
      const asked = askServer({
        url,
        address: '127.0.0.1',
        reach: { caPem: certPem },
        request: plainRequest('/'),
        timeoutMs: NEVER_MS,
      });
      const error = await asked.then(
        () => assert.fail(),
        (reason: unknown) => reason,
      );
      assert.equal(
        describeAnswerFailure(error, url),
        'its certificate is for 127.0.0.1, and not for other.test: use one of these names in target.url, or a host name as target.serverName',
      );
    });

    for (const [cert, told] of [
      [
        { subjectaltname: 'DNS:a.test, DNS:*.b.test, IP Address:127.0.0.2' },
        /for a\.test, \*\.b\.test, 127\.0\.0\.2, and/,
      ],
      [{ subject: { CN: 'old\u001b[2J.test' } }, /no name but the common name old \[2J\.test, which/],
      [{ subject: {} }, /no name at all/],
      [undefined, /no name at all/],
    ] as const) {
      test(`names of ${JSON.stringify(cert)}`, () => {
        const error = Object.assign(new Error('x'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID', cert });
        assert.match(describeAnswerFailure(error, 'https://c.test/'), told);
      });
    }
  });

  suite('what an answer shows', () => {
    const cases: [what: string, answer: string, shown: Partial<ForeignServer>][] = [
      ['a length', `HTTP/1.1 200 OK\r\n${BODY}`, { framing: 'length', interimStatuses: [] }],
      [
        'chunks',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
        { framing: 'chunked' },
      ],
      [
        'the end of the connection',
        'HTTP/1.1 200 OK\r\n\r\nok',
        { framing: 'close', connectionHeader: null },
      ],
      ['no body', 'HTTP/1.1 204 No Content\r\n\r\n', { framing: 'none', status: 204 }],
      ['HTTP/1.0', `HTTP/1.0 200 OK\r\n${BODY}`, { httpVersion: '1.0', framing: 'length' }],
      [
        'interim answers, each once',
        `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(3)}HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n${BODY}`,
        { interimStatuses: [103, 102], status: 200 },
      ],
    ];
    for (const [what, answer, shown] of cases) {
      test(what, async t => {
        const facts: Partial<ForeignServer> = await ask(await serve(t, socket => socket.end(answer)));
        for (const [name, value] of Object.entries(shown)) {
          assert.deepEqual(facts[name as keyof ForeignServer], value, name);
        }
      });
    }
  });
});

describe('A process that was given the address of an endpoint connects there and nowhere else, whatever a name server says later', () => {
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
        'no name was looked up',
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

  test('the system trusts the authorities that Node trusts, and perhaps others, each once', () => {
    const authorities = systemAuthorities();
    assert.ok(
      authorities.length > 50 && authorities.every(pem => pem.startsWith('-----BEGIN CERTIFICATE-----')),
    );
    assert.equal(new Set(authorities).size, authorities.length);
  });
});
