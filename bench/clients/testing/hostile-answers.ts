// Malformed and hostile responses of a server, with the outcome that every client must count, and the code that sends them.
import type { Socket } from 'node:net';
import { Client } from '../../../scenarios/model/client.ts';
import { type Exchange, newExchange, type Transport, type TransportModule } from '../../contracts.ts';
import { plainRequest } from '../request.ts';
import { answerWith, openMisbehavingServer } from './misbehaving-server.ts';

/**
 * ok: a good answer, of `bytes`. error: a failure of some kind. either: clients differ, and both can be defended. never: no
 * end comes by itself, so that a deadline of the load has to end it.
 */
type Verdict = 'ok' | 'error' | 'either' | 'never';

interface HostileAnswer {
  name: string;
  /** What is written, in one piece; or what is done with the connection instead. */
  answer: string | Buffer | ((socket: Socket) => void);
  /** Whether the connection is ended after what is written. */
  isEnded: boolean;
  expected: Verdict;
  /** Body of a good answer, where it is clear. */
  bytes?: number;
  /** Of the few that are tried in every test run. */
  isQuick: boolean;
}

interface Options {
  bytes?: number;
  isEnded?: boolean;
  isQuick?: boolean;
}

function entry(
  name: string,
  answer: HostileAnswer['answer'],
  expected: Verdict,
  { bytes, isEnded = true, isQuick = false }: Options = {},
): HostileAnswer {
  return { name, answer, isEnded, expected, isQuick, ...(bytes === undefined ? {} : { bytes }) };
}

const OK = 'HTTP/1.1 200 OK\r\n';
const GOOD = `${OK}Content-Length: 2\r\n\r\nok`;
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const quick = { isQuick: true };
const held = { isEnded: false };

/** Writes the pieces in turns of their own. */
function inPieces(...pieces: string[]): (socket: Socket) => void {
  return socket => {
    const [first, ...others] = pieces;
    if (first === undefined || socket.destroyed) return;
    socket.write(first, () => setImmediate(inPieces(...others), socket));
  };
}

const statusLines = [
  entry('no status line', 'hello\r\n\r\n', 'error', quick),
  entry('HTTP/0.9: a body alone', '<html>hello</html>', 'error'),
  entry('a version that does not exist', 'HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\nok', 'error'),
  entry('HTTP/2.0 in a status line', 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok', 'either'),
  entry('another protocol by name', 'RTSP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok', 'either'),
  entry('a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok', 'error'),
  entry('a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok', 'error'),
  entry('a status of letters', 'HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok', 'error', quick),
  entry('status 0', 'HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\nok', 'error'),
  entry('status 999', 'HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok', 'error'),
  entry('a negative status', 'HTTP/1.1 -200 OK\r\nContent-Length: 2\r\n\r\nok', 'error'),
  entry('no reason', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok', 'ok', { bytes: 2 }),
  entry(
    'a reason of a megabyte',
    `HTTP/1.1 200 ${'x'.repeat(2 ** 20)}\r\nContent-Length: 2\r\n\r\nok`,
    'either',
  ),
  entry('line feeds alone', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', 'either'),
  entry('empty lines before it', `\r\n\r\n${GOOD}`, 'either'),
  entry('NULs before it', `\0\0\0${GOOD}`, 'error'),
];

const headers = [
  entry('a header without end', `${OK}X: `, 'error', quick),
  entry('a header that goes on for ever', `${OK}X: ${'x'.repeat(2 ** 20)}`, 'error'),
  entry('thousands of headers', `${OK}${'A: b\r\n'.repeat(20_000)}Content-Length: 2\r\n\r\nok`, 'either'),
  entry('a NUL in a header', `${OK}X: a\0b\r\nContent-Length: 2\r\n\r\nok`, 'error'),
  entry('a header without a colon', `${OK}what\r\nContent-Length: 2\r\n\r\nok`, 'error'),
  entry('a space before the colon', `${OK}Content-Length : 2\r\n\r\nok`, 'error'),
  entry('a folded header', `${OK}X: a\r\n b\r\nContent-Length: 2\r\n\r\nok`, 'either'),
  entry('an empty name', `${OK}: x\r\nContent-Length: 2\r\n\r\nok`, 'error'),
  entry(
    'bytes above 127',
    Buffer.from(`${OK}X: \xff\xfe\r\nContent-Length: 2\r\n\r\nok`, 'latin1'),
    'either',
  ),
];

const lengths = [
  entry('two different lengths', `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok`, 'error', quick),
  entry('the same length twice', `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`, 'either'),
  entry('a negative length', `${OK}Content-Length: -2\r\n\r\nok`, 'error', quick),
  entry('a length of letters', `${OK}Content-Length: two\r\n\r\nok`, 'error'),
  entry('a fractional length', `${OK}Content-Length: 2.5\r\n\r\nok`, 'error'),
  entry('an empty length', `${OK}Content-Length: \r\n\r\nok`, 'either'),
  entry('a length beyond all numbers', `${OK}Content-Length: ${'9'.repeat(40)}\r\n\r\nok`, 'error'),
  entry('a huge length, and the end', `${OK}Content-Length: 9007199254740991\r\n\r\nok`, 'error'),
  entry('a length, and less', `${OK}Content-Length: 3\r\n\r\nok`, 'error', quick),
  entry('a length, and silence', `${OK}Content-Length: 3\r\n\r\nok`, 'never', { ...held, ...quick }),
  entry(
    'a length and chunks',
    `${OK}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    'either',
  ),
  entry('the end of the connection ends it', `${OK}\r\nwords`, 'ok', { bytes: 5, ...quick }),
  entry('no length, and the connection is held', `${OK}\r\nwords`, 'never', held),
  entry('204 with a body', 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok', 'either'),
  entry('304 with a body', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok', 'error'),
];

const chunks = [
  entry('chunks', `${CHUNKED}2\r\nok\r\n0\r\n\r\n`, 'ok', { bytes: 2 }),
  entry('a chunk size of letters', `${CHUNKED}zz\r\nok\r\n0\r\n\r\n`, 'error', quick),
  entry('a negative chunk size', `${CHUNKED}-2\r\nok\r\n0\r\n\r\n`, 'error'),
  entry('a chunk size beyond all numbers', `${CHUNKED}${'f'.repeat(40)}\r\nok`, 'error'),
  entry('a chunk longer than its size', `${CHUNKED}2\r\noktoo\r\n0\r\n\r\n`, 'error'),
  entry('a chunk shorter than its size, and the end', `${CHUNKED}9\r\nok\r\n`, 'error'),
  entry('no last chunk, and the end', `${CHUNKED}2\r\nok\r\n`, 'error', quick),
  entry('no last chunk, and silence', `${CHUNKED}2\r\nok\r\n`, 'never', held),
  entry('chunk extensions', `${CHUNKED}2;a=b\r\nok\r\n0\r\n\r\n`, 'either'),
  entry('trailers', `${CHUNKED}2\r\nok\r\n0\r\nX: y\r\n\r\n`, 'ok', { bytes: 2 }),
  entry('chunked twice', `${OK}Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, 'either'),
  entry('an unknown encoding', `${OK}Transfer-Encoding: gzip\r\n\r\nok`, 'either'),
];

const interim = [
  entry('103 before the answer', `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${GOOD}`, 'ok', {
    bytes: 2,
    ...quick,
  }),
  entry('a hundred 103 before it', `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100)}${GOOD}`, 'ok', {
    bytes: 2,
  }),
  entry('unsolicited 100 Continue', `HTTP/1.1 100 Continue\r\n\r\n${GOOD}`, 'either'),
  entry('102 Processing before it', `HTTP/1.1 102 Processing\r\n\r\n${GOOD}`, 'ok', { bytes: 2 }),
  entry('103 with a length', `HTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\n\r\n${GOOD}`, 'either'),
  entry('103, and the end', 'HTTP/1.1 103 Early Hints\r\n\r\n', 'error'),
  entry('103, and silence', 'HTTP/1.1 103 Early Hints\r\n\r\n', 'never', held),
  entry(
    'unsolicited 101',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    'error',
    { ...held, ...quick },
  ),
  entry('101 without a header', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'error'),
];

const connections = [
  entry('the end at once', socket => socket.end(), 'error', quick),
  entry('a reset at once', socket => socket.resetAndDestroy(), 'error', quick),
  entry(
    'a reset within the header',
    socket => void socket.write(OK, () => socket.resetAndDestroy()),
    'error',
  ),
  entry(
    'a reset within the body',
    socket => void socket.write(`${OK}Content-Length: 9\r\n\r\nok`, () => socket.resetAndDestroy()),
    'error',
  ),
  entry('silence', () => {}, 'never', held),
  entry('one byte at a time', inPieces(...GOOD), 'ok', { bytes: 2, ...held }),
  entry('the end within the status line', 'HTTP/1.', 'error'),
  entry('an answer twice', GOOD + GOOD, 'ok', { bytes: 2, ...held, ...quick }),
  entry('an answer and NULs', `${GOOD}\0\0\0\0`, 'either', { bytes: 2, ...held }),
  entry('an answer and half of another', `${GOOD}${OK}Content-`, 'ok', { bytes: 2, ...held }),
  entry('an answer, and the end of the connection that it keeps', GOOD, 'ok', { bytes: 2 }),
];

const protocols = [
  entry('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'error', quick),
  entry('settings of HTTP/2', Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]), 'error'),
  entry('an alert of TLS', Buffer.from([0x15, 3, 1, 0, 2, 2, 40]), 'error', quick),
  entry('the banner of SSH', 'SSH-2.0-OpenSSH_9.2\r\n', 'error'),
  entry('a request', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', 'error'),
  entry('NULs', Buffer.alloc(1_000), 'error'),
  entry('gzip that is none', `${OK}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok`, 'either', quick),
  entry(
    'an unknown content encoding',
    `${OK}Content-Encoding: x-odd\r\nContent-Length: 2\r\n\r\nok`,
    'either',
  ),
];

export const hostileAnswers: readonly HostileAnswer[] = [
  ...statusLines,
  ...headers,
  ...lengths,
  ...chunks,
  ...interim,
  ...connections,
  ...protocols,
];

export interface HostileClient {
  name: string;
  module: TransportModule;
  settings?: { api?: string };
}

/** How long an exchange that never ends is waited for. */
const NEVER_MS = 200;
/** How long any other is, however busy the machine. */
const END_MS = 20_000;
const GOOD_BODY = 'ok';

/** Sends each answer to each client, each over a client and a server of its own. @returns a sentence for each fault */
export async function tryHostileAnswers(
  clients: readonly HostileClient[],
  answers: readonly HostileAnswer[],
): Promise<string[]> {
  const faults: string[] = [];
  for (const answer of answers) {
    const found = await Promise.all(clients.map(client => tryOne(client, answer)));
    faults.push(...found.flat());
  }
  return faults;
}

async function tryOne(client: HostileClient, hostile: HostileAnswer): Promise<string[]> {
  await using scope = new AsyncDisposableStack();
  const server = await openMisbehavingServer(
    { after: close => void scope.defer(async () => void (await close())) },
    ({ socket, ofAll }) => {
      if (ofAll > 1) socket.write(answerWith(GOOD_BODY));
      else give(hostile, socket);
    },
  );
  const transport = client.module.open({
    client: Client.parse({ ...client.settings, transport: client.name.split(',')[0], pool: {} }),
    endpoint: server.endpoint,
    requests: [plainRequest(server.endpoint.path)],
    onConnection: () => {},
  });
  scope.defer(() => transport.close());
  const where = `${client.name}: ${hostile.name}:`;
  const first = await ask(transport, hostile.expected === 'never' ? NEVER_MS : END_MS);
  const verdict = verdictOf(first);
  const faults: string[] = [];
  const isRight = hostile.expected === 'either' ? verdict !== 'never' : verdict === hostile.expected;
  if (!isRight)
    faults.push(`${where} ${verdict} instead of ${hostile.expected} (${first?.error ?? first?.status})`);
  if (verdict === 'ok' && hostile.bytes !== undefined && first!.bodyBytes !== hostile.bytes) {
    faults.push(`${where} ${first!.bodyBytes} bytes instead of ${hostile.bytes}`);
  }
  const next = await ask(transport, END_MS);
  if (next === undefined) faults.push(`${where} the next request never ends`);
  else if (verdictOf(next) === 'ok' && next.bodyBytes !== GOOD_BODY.length) {
    faults.push(`${where} the next request was given ${next.bodyBytes} bytes, and not those that answer it`);
  }
  return faults;
}

function give({ answer, isEnded }: HostileAnswer, socket: Socket): void {
  if (typeof answer === 'function') answer(socket);
  else if (isEnded) socket.end(answer);
  else socket.write(answer);
}

/** One exchange; undefined where it had to be given up. */
function ask(transport: Transport, deadlineMs: number): Promise<Exchange | undefined> {
  const exchange = newExchange();
  exchange.startedAtMs = performance.now();
  exchange.intendedAtMs = exchange.startedAtMs;
  const { promise, resolve } = Promise.withResolvers<Exchange | undefined>();
  const timer = setTimeout(() => {
    exchange.abandon?.();
    resolve(undefined);
  }, deadlineMs);
  transport.send(exchange, resolve);
  return promise.finally(() => clearTimeout(timer));
}

/** A whole answer of an odd status is a failure where 2xx is expected. */
function verdictOf(exchange: Exchange | undefined): Verdict {
  if (exchange === undefined) return 'never';
  const { outcome, status } = exchange;
  return outcome === 'ok' && status >= 200 && status < 300 ? 'ok' : 'error';
}
