// A target that answers in chunks over time, with chunked transfer encoding.
import { z } from 'zod';
import type { BehaviourModule } from '../behaviour.ts';
import { MAX_BODY_BYTES, makeText } from './fixed.ts';

const options = z.strictObject({
  name: z.literal('stream').describe('Every request is answered in chunks over time'),
  chunks: z
    .int()
    .min(1)
    .max(100_000)
    .default(10)
    .describe('Number of chunks of a response; the first is sent at once'),
  chunkBytes: z.int().min(1).max(MAX_BODY_BYTES).default(1024).describe('Length of a chunk'),
  intervalMs: z.int().min(0).max(60_000).default(10).describe('Time from one chunk to the next'),
});

const headers = { 'Content-Type': 'application/octet-stream' };

export default {
  options,
  createResponder({ chunks, chunkBytes, intervalMs }) {
    const chunk = Buffer.from(makeText(chunkBytes), 'latin1');
    return response => {
      const startedAtMs = performance.now();
      let sent = 0;
      let timer: NodeJS.Timeout | undefined;

      // Times are counted from the start, so that one late timer does not delay all later chunks.
      const sendDue = () => {
        while (true) {
          const dueInMs = startedAtMs + sent * intervalMs - performance.now();
          if (dueInMs > 0) {
            timer = setTimeout(sendDue, Math.ceil(dueInMs));
            return;
          }
          sent++;
          if (sent === chunks) {
            response.end(chunk);
            return;
          }
          if (!response.write(chunk)) {
            response.once('drain', sendDue);
            return;
          }
        }
      };

      response.once('close', () => clearTimeout(timer));
      response.writeHead(200, headers);
      sendDue();
    };
  },
  meanServiceMs: ({ chunks, intervalMs }) => (chunks - 1) * intervalMs,
} satisfies BehaviourModule<z.output<typeof options>>;
