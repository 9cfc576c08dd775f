// The first question to a server always ends, whatever it does: with what was found, or with a sentence that says what is wrong.
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import { createServer, type Socket } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { listenOnLoopback } from '../../servers/testing/listen.ts';
import { createCertificate } from '../../servers/tls.ts';
import type { ForeignServer } from '../core/foreign-server.ts';
import { answerFailureText } from './answer-failure.ts';
import { askServer } from './ask-server.ts';

const NEVER_MS = 60_000;

/** Does `answer` with the first piece of each connection. */
async function serve(t: TestContext, answer: (socket: Socket) => void): Promise<string> {
  const server = createServer(socket => socket.once('data', () => answer(socket)));
  return `http://127.0.0.1:${await listenOnLoopback(t, server)}/`;
}

function ask(url: string, timeoutMs = NEVER_MS): Promise<ForeignServer> {
  return askServer({ url, address: '127.0.0.1', timeoutMs });
}

/** The sentence with which it ends. */
async function failure(url: string, timeoutMs = NEVER_MS): Promise<string> {
  return ask(url, timeoutMs).then(
    facts => assert.fail(`it was answered: ${JSON.stringify(facts)}`),
    (error: unknown) => answerFailureText(error, url),
  );
}

const BODY = 'Content-Length: 2\r\n\r\nok';

suite('what does not end in an answer ends in a sentence', () => {
  const cases: [what: string, answer: (socket: Socket) => void, told: RegExp, timeoutMs?: number][] = [
    ['nothing, ever', () => {}, /^no whole answer within 0.2 s$/, 200],
    [
      'half a header',
      s => void s.write('HTTP/1.1 200 OK\r\nServer: x'),
      /^no whole answer within 0.2 s$/,
      200,
    ],
    [
      'half a body',
      s => void s.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx'),
      /^no whole answer/,
      200,
    ],
    ['interim answers only', s => void s.write('HTTP/1.1 103 Early Hints\r\n\r\n'), /^no whole answer/, 200],
    ['the end at once', s => s.end(), /^it closed the connection before its answer was complete/],
    ['a reset', s => s.resetAndDestroy(), /^it closed the connection before its answer was complete/],
    [
      'the end within the header',
      s => s.end('HTTP/1.1 200 OK\r\nServer'),
      /^it closed the connection before its answer was complete/,
    ],
    [
      'the end within the body',
      s => s.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx'),
      /^it closed the connection before its answer was complete/,
    ],
    [
      'another protocol',
      s => void s.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
      /^it answers with status 101, which changes to another protocol/,
    ],
    ['HTTP/0.9', s => s.end('<html>hello</html>'), /^what it answers is not HTTP\/1\.1 \(Parse Error/],
    [
      'a header that is too long',
      s => s.end(`HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(20_000)}\r\n${BODY}`),
      /^it answered with a header of more than 16 KiB, .*NODE_OPTIONS=--max-http-header-size=65536 raises it/,
    ],
  ];
  for (const [what, answer, told, timeoutMs] of cases) {
    test(what, async t => {
      assert.match(await failure(await serve(t, answer), timeoutMs), told);
    });
  }

  test('an interrupt ends it at once, with the reason of the signal', async t => {
    const interrupt = new AbortController();
    const url = await serve(t, () => interrupt.abort());
    const asked = askServer({ url, address: '127.0.0.1', timeoutMs: NEVER_MS, signal: interrupt.signal });
    await assert.rejects(asked, error => error === interrupt.signal.reason);
    const late = askServer({ url, address: '127.0.0.1', timeoutMs: NEVER_MS, signal: interrupt.signal });
    await assert.rejects(late, error => error === interrupt.signal.reason);
  });
});

suite('TLS or not', () => {
  test('plain HTTP to a port that speaks TLS', async t => {
    const { certPem, keyPem } = await createCertificate();
    const server = https.createServer({ cert: certPem, key: keyPem });
    const port = await listenOnLoopback(t, server);
    assert.equal(
      await failure(`http://127.0.0.1:${port}/path`),
      `this port speaks TLS. Expected: https://127.0.0.1:${port}/path`,
    );
  });

  test('TLS to a port that speaks plain HTTP', async t => {
    const port = await listenOnLoopback(t, http.createServer());
    assert.equal(
      await failure(`https://127.0.0.1:${port}/`),
      `this port does not speak TLS. Expected: http://127.0.0.1:${port}/, or the port of https`,
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
    const asked = askServer({ url, address: '127.0.0.1', caPem: certPem, timeoutMs: NEVER_MS });
    const error = await asked.then(
      () => assert.fail(),
      (reason: unknown) => reason,
    );
    assert.equal(
      answerFailureText(error, url),
      'its certificate is for 127.0.0.1, and not for other.test: give one of these names in target.url',
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
      assert.match(answerFailureText(error, 'https://c.test/'), told);
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
    ['the end of the connection', 'HTTP/1.1 200 OK\r\n\r\nok', { framing: 'close', connectionHeader: null }],
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
