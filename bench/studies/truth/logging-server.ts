// A server that shares no code with conntax's own target, writes down every request and connection, and reports them on request.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { randomLogNormal } from 'd3-random';
import { createRandom } from '../../../results/random.ts';
import { createCertificate } from '../../../servers/app.ts';
import { PROTOCOL_VERSION } from '../../../servers/protocol.ts';
import type { Seen, ServerCommand, ServerReply } from './witnesses.ts';

const [{ order }] = (await once(process, 'message')) as [Extract<ServerCommand, { type: 'start' }>];
const random = createRandom(1, 'truth');
const usual = randomLogNormal.source(random)(Math.log(order.meanMs) - order.sigma ** 2 / 2, order.sigma);
const body = Buffer.alloc(256, 'x');
const requests: Seen[] = [];
/** Of TLS, the socket within the encrypted one: the two have nothing in common but their ports. */
const numbers = new Map<number, number>();
let accepted = 0;
let tokens = order.limitBurst;
let refilledMs = performance.now();
const now = (): number => performance.timeOrigin + performance.now();
const report = (message: ServerReply): void => void process.send?.(message);

function isWithinLimit(): boolean {
  const nowMs = performance.now();
  tokens = Math.min(order.limitBurst, tokens + ((nowMs - refilledMs) / 1_000) * order.limitPerSec);
  refilledMs = nowMs;
  if (tokens < 1) return false;
  tokens--;
  return true;
}

/** What becomes of one request: the status of its answer (0: none) and how long it takes. */
function draw(query: string): { status: number; serviceMs: number } {
  const { slowPerMille, slowMs, silentPerMille, badPerMille, isOddOnly, sigma, meanMs, limitPerSec } = order;
  const any = order.isRegular ? (requests.length * slowPerMille) % 1_000 : random() * 1_000;
  const drawn = isOddOnly && !query.includes('odd') ? 1_000 : any;
  const usualMs = sigma === 0 ? meanMs : usual();
  if (limitPerSec > 0 && !isWithinLimit()) return { status: 429, serviceMs: usualMs };
  if (drawn < silentPerMille) return { status: 0, serviceMs: 0 };
  if (drawn < silentPerMille + badPerMille) return { status: 503, serviceMs: usualMs };
  const isSlow = drawn < silentPerMille + badPerMille + slowPerMille;
  return { status: order.status, serviceMs: isSlow ? slowMs : usualMs };
}

/** Of HTTP/1.1 and HTTP/2. */
interface Request {
  resume(): unknown;
  url?: string | undefined;
  socket: { remotePort?: number | undefined };
}
interface Response {
  writeHead(status: number, headers: Record<string, number>): unknown;
  end(body: Buffer): unknown;
}

function answer(request: Request, response: Response): void {
  const [, query = ''] = request.url!.split('?');
  const connection = numbers.get(request.socket.remotePort!)!;
  const seen: Seen = { startMs: now(), tookMs: 0, connection, status: 0, query };
  requests.push(seen);
  request.resume();
  const { status, serviceMs } = draw(query);
  if (status === 0) return;
  // A timer ends early or late by up to 1 ms; what it took is written down.
  setTimeout(() => {
    seen.status = status;
    response.writeHead(status, { 'content-length': body.byteLength });
    response.end(body);
    seen.tookMs = now() - seen.startMs;
  }, serviceMs);
}

const certificate = order.isTls ? await createCertificate() : undefined;
const server =
  certificate === undefined
    ? createServer({ keepAliveTimeout: 60_000 }, answer)
    : createSecureServer({ key: certificate.keyPem, cert: certificate.certPem, allowHTTP1: true }, answer);
server.on('connection', (socket: Socket) => {
  numbers.set(socket.remotePort!, accepted++);
  if (accepted === 1) return;
  if (order.breaks === 'reset') socket.resetAndDestroy();
  if (order.breaks === 'garbage') socket.end('not HTTP\r\n\r\n');
});
server.listen(0, '127.0.0.1', () =>
  report({
    type: 'listening',
    protocol: PROTOCOL_VERSION,
    port: (server.address() as AddressInfo).port,
    certPem: certificate?.certPem,
  }),
);
if (order.everyMs > 0) {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  setInterval(() => Atomics.wait(cell, 0, 0, order.stopMs), order.everyMs);
}
process.on('message', () => report({ type: 'log', requests, accepted }));
process.on('disconnect', () => process.exit());
