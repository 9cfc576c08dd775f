// The schema of undici's interceptors, which stand between a request and its connection: each is a setting of a client.
import { z } from 'zod';

const ms = (about: string) => z.int().min(1).max(3_600_000).optional().describe(about);
const count = (most: number, about: string) => z.int().min(1).max(most).optional().describe(about);

const MOST_BYTES = 1_000_000_000;

/** Each with the library's own default where a member is absent. */
export const Interceptors = z
  .strictObject({
    retry: z
      .strictObject({
        maxRetries: count(100, 'Most repetitions of a request; default of undici: 5'),
        minDelayMs: ms('Delay before the first repetition; default of undici: 500'),
        maxDelayMs: ms('Longest delay before a repetition; default of undici: 30000'),
        delayFactor: z
          .number()
          .min(1)
          .max(100)
          .optional()
          .describe('How many times as long each further delay is; default of undici: 2'),
        statuses: z
          .array(z.int().min(300).max(599))
          .min(1)
          .optional()
          .describe('Statuses that are repeated; default of undici: 500, 502, 503, 504 and 429'),
      })
      .optional()
      .describe('Repeats requests that failed: the user sees one request, and the server each attempt'),
    dns: z
      .strictObject({ maxTtlMs: ms('How long an address is kept; default of undici: 10000') })
      .optional()
      .describe(
        'Resolves the name of the server once for many connections, and keeps its addresses; for a target.url with a host name',
      ),
    cache: z
      .strictObject({
        maxBytes: count(MOST_BYTES, 'Most bytes of all stored bodies; default of undici: 100 MiB'),
        maxEntries: count(1_000_000, 'Most stored responses; default of undici: 1024'),
        maxEntryBytes: count(MOST_BYTES, 'Longest body that is stored; default of undici: 5 MiB'),
        freshMs: ms(
          'How long a response is used that does not say how long it may be stored; default: not stored at all',
        ),
      })
      .optional()
      .describe(
        'Answers GET requests from memory where the response of an earlier one may be used again: no request is then sent',
      ),
  })
  .refine(one => Object.values(one).some(member => member !== undefined), 'needs one of retry, dns, cache')
  .describe(
    "undici's own interceptors. A request meets the cache first, then retry, then dns. conntax counts the attempts below them",
  );
export type Interceptors = z.infer<typeof Interceptors>;
