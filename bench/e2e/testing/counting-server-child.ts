// Server of a test that counts what reaches it by where it comes from: it sends the counts to its parent when asked, and ends with it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Counts } from './counting-server.ts';

const BODY = 'x'.repeat(128);
const counts: Counts = {};

function countsOf(address: string | undefined): Counts[string] {
  counts[address ?? ''] ??= { connections: 0, requests: 0, authorization: null };
  return counts[address ?? '']!;
}

const server = createServer((request, response) => {
  const { remoteAddress } = request.socket;
  countsOf(remoteAddress).authorization = request.headers.authorization ?? null;
  response.once('finish', () => {
    countsOf(remoteAddress).requests++;
  });
  response.writeHead(200, { 'Content-Length': BODY.length }).end(BODY);
});
server.keepAliveTimeout = 0; // never closes by itself
server.on('connection', ({ remoteAddress }) => {
  countsOf(remoteAddress).connections++;
});
server.listen(0, '0.0.0.0', () => process.send!((server.address() as AddressInfo).port));
process.on('message', () => process.send!(counts));
process.on('disconnect', () => process.exit());
