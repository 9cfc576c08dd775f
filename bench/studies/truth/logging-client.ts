// Out: a client that writes down when each of its exchanges began and ended, on Node's http alone, for independent reading.
// options.log: the folder of its logs; options.pauseMs, options.everyMs: it blocks its event loop by itself.
import { writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { defineClient } from '../../define-client.ts';
import type { Seen } from './protocol.ts';

const now = (): number => performance.timeOrigin + performance.now();

export default defineClient({
  honours: ['pool.maxConnections'],
  open({ url, settings: { pool }, options }) {
    const agent = new Agent({ keepAlive: true, maxSockets: Number(pool.maxConnections) });
    const log: Seen[] = [];
    const pauseMs = Number(options['pauseMs'] ?? 0);
    const pausing =
      pauseMs === 0
        ? undefined
        : setInterval(() => {
            for (const endMs = performance.now() + pauseMs; performance.now() < endMs; );
          }, Number(options['everyMs']));
    return {
      send: ({ signal }) =>
        new Promise((resolve, reject) => {
          const seen: Seen = { startMs: now(), tookMs: 0, connection: 0, status: 0 };
          log.push(seen);
          const request = get(url, { agent, signal }, response => {
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
        writeFileSync(join(String(options['log']), `${process.pid}.json`), JSON.stringify(log));
      },
    };
  },
});
