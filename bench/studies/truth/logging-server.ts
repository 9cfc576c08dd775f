// In: how to answer, as the first argument. Out: an HTTP server by itself that writes down every request, and tells on 'read'.
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { randomLogNormal } from 'd3-random';
import { createRandom } from '../../core/random.ts';
import type { Seen, ServerMessage, ServerOrder } from './protocol.ts';

const order = JSON.parse(process.argv[2]!) as ServerOrder;
const { status, meanMs, sigma, slowPerMille, slowMs, silentPerMille, stopMs, everyMs } = order;
const random = createRandom(1, 'truth');
const usual = randomLogNormal.source(random)(Math.log(meanMs) - sigma ** 2 / 2, sigma);
const body = Buffer.alloc(256, 'x');
const requests: Seen[] = [];
const connections = new Map<Socket, number>();
const now = (): number => performance.timeOrigin + performance.now();
const tell = (message: ServerMessage): void => void process.send?.(message);

const server = createServer((request, response) => {
  const seen: Seen = { startMs: now(), tookMs: 0, connection: connections.get(request.socket)!, status: 0 };
  requests.push(seen);
  request.resume();
  const dice = random() * 1_000;
  if (dice < silentPerMille) return;
  const isSlow = dice < silentPerMille + slowPerMille;
  const serviceMs = isSlow ? slowMs : sigma === 0 ? meanMs : usual();
  // A timer ends early or late by up to 1 ms; what it took is written down.
  setTimeout(() => {
    seen.status = status;
    response.writeHead(status, { 'content-length': body.byteLength }).end(body);
    seen.tookMs = now() - seen.startMs;
  }, serviceMs);
});
server.on('connection', socket => connections.set(socket, connections.size));
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () =>
  tell({ type: 'listening', port: (server.address() as AddressInfo).port }),
);
if (everyMs > 0) {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  setInterval(() => Atomics.wait(cell, 0, 0, stopMs), everyMs);
}
process.on('message', () => tell({ type: 'log', requests, accepted: connections.size }));
process.on('disconnect', () => process.exit());
