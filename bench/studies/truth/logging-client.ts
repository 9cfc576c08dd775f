// A client that writes down when each of its exchanges began and ended, on Node's http and https alone, for independent reading.
// options.log: the folder of its logs; options.arm: names its log; options.query: of its requests; options.pauseMs and
// options.everyMs: it blocks its event loop by itself; options.throws: it sends nothing.
import { writeFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { join } from 'node:path';
import { defineClient } from '../../index.ts';
import type { Seen } from './witnesses.ts';

const now = (): number => performance.timeOrigin + performance.now();

export default defineClient({
  honours: ['pool.maxConnections', 'requestsPerConnection'],
  refuse: ({ requestsPerConnection }) =>
    typeof requestsPerConnection === 'number' && requestsPerConnection > 1
      ? 'it closes a connection after one request, or keeps it'
      : undefined,
  open({ url, caPem, settings: { pool, requestsPerConnection }, options }) {
    const { log: logDir, arm = 'arm', query, pauseMs = 0, everyMs, throws = false } = options;
    const { Agent, get } = url.startsWith('https:') ? https : http;
    const isShort = requestsPerConnection === 1;
    const agent = new Agent({
      keepAlive: !isShort,
      maxSockets: isShort ? Number.POSITIVE_INFINITY : Number(pool.maxConnections),
      ...(caPem === undefined ? {} : { ca: caPem, ...(isShort ? { maxCachedSessions: 0 } : {}) }),
    });
    const log: Seen[] = [];
    // By its process the server tells the replicates apart.
    const target = query === undefined ? url : `${url}?${query}&pid=${process.pid}`;
    const pausing =
      pauseMs === 0
        ? undefined
        : setInterval(() => {
            for (const endMs = performance.now() + Number(pauseMs); performance.now() < endMs; );
          }, Number(everyMs));
    return {
      send: ({ signal }) =>
        new Promise((resolve, reject) => {
          if (throws) throw new Error('this client never sends');
          const seen: Seen = { startMs: now(), tookMs: 0, connection: 0, status: 0, query: '' };
          log.push(seen);
          const request = get(target, { agent, signal }, response => {
            let bytes = 0;
            response.on('data', (chunk: Buffer) => {
              bytes += chunk.byteLength;
            });
            response.on('end', () => {
              seen.status = response.statusCode!;
              seen.tookMs = now() - seen.startMs;
              resolve({ status: seen.status, bytes });
            });
            response.on('error', reject);
          });
          request.on('error', reject);
        }),
      close() {
        clearInterval(pausing);
        agent.destroy();
        writeFileSync(join(String(logDir), `${arm}.${process.pid}.json`), JSON.stringify(log));
      },
    };
  },
});
