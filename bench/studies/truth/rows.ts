// The rows of `npm run bench:truth`.
import { blindGate, nothingGood, unanswered } from './failures.ts';
import {
  behindLink,
  byCycles,
  byLog,
  byServiceTime,
  capacity,
  connectionsOnly,
  loggingClient,
  manually,
  POOL,
  type Row,
} from './measures.ts';
import { pauses, slowTail, unlikeErrors } from './ratios.ts';

const FAST_WITH_TAIL = { meanMs: 5, slowPerMille: 2, slowMs: 300 };
const SLOW_TAIL = { meanMs: 50, slowPerMille: 20, slowMs: 300 };
const STOPPING = { stopMs: 300, everyMs: 2_000 };
/** Of an open load in one window, so that what is late at an edge is a small part. */
const ONE_SLICE = { sliceMs: 8_000 };
const AT_200 = {
  load: { model: 'open', ratePerSec: 200, arrivals: 'constant' },
  perSec: 200,
  isScheduled: true,
} as const;

export const ROWS: readonly Row[] = [
  byCycles('undici', { pool: POOL }),
  byCycles('node-http', { transport: 'node-http', pool: { maxConnections: 20 } }),
  byServiceTime('fetch', { transport: 'fetch', pool: {} }),
  byCycles('autocannon', { transport: 'autocannon' }),
  byCycles('wrk', { transport: 'wrk' }, { sliceMs: 2_000 }),
  byCycles('hey', { transport: 'hey' }, { sliceMs: 2_000 }),
  byCycles('undici over TLS', { pool: POOL }, { order: { isTls: true } }),
  byLog('closed, short', SLOW_TAIL, { isShort: true }),
  byLog('closed, short, over TLS', { ...SLOW_TAIL, isTls: true }, { isShort: true }),
  connectionsOnly('undici, short', { requestsPerConnection: 1 }),
  connectionsOnly('undici, short, over TLS', { requestsPerConnection: 1 }, { isTls: true }),
  connectionsOnly('wire, short', { transport: 'wire', requestsPerConnection: 1 }),
  byCycles('wire', { transport: 'wire', pool: { maxConnections: 20, idleTimeoutMs: 60_000 } }),
  byServiceTime(
    'undici over HTTP/2',
    { protocol: 'h2', pool: { maxConnections: 1, idleTimeoutMs: 60_000 } },
    { isTls: true },
  ),
  behindLink(40, 200),
  byLog('closed, log, constant', {}),
  byLog('closed, 5 ms and 2 in 1,000 take 300 ms', FAST_WITH_TAIL),
  byLog('closed, 5 ms and 10 in 1,000 take 300 ms', { ...FAST_WITH_TAIL, slowPerMille: 10 }),
  byLog('closed, 5 ms and 2 in 1,000 take 1 s', { ...FAST_WITH_TAIL, slowMs: 1_000 }),
  byLog('closed, 5 ms and 2 in 1,000 take 5 s', { ...FAST_WITH_TAIL, slowMs: 5_000 }),
  byLog('closed, server stops 300 ms every 2 s', { meanMs: 5, ...STOPPING }),
  byLog('closed, lognormal 1', { meanMs: 20, sigma: 1 }),
  byLog('closed, lognormal 1.5', { meanMs: 20, sigma: 1.5 }),
  byLog('open, 5 ms and 2 in 1,000 take 300 ms', FAST_WITH_TAIL, {
    load: { model: 'open', ratePerSec: 500 },
    perSec: 500,
  }),
  byLog('open, constant', {}, { ...AT_200, timing: ONE_SLICE }),
  byLog(
    'open, constant, server stops 300 ms every 2 s',
    // The witness knows the schedule to half a millisecond.
    { meanMs: 50, ...STOPPING },
    { ...AT_200, timing: ONE_SLICE },
  ),
  byLog(
    'open, constant, client stops 150 ms every 1 s',
    {},
    {
      ...AT_200,
      client: { pauseMs: 150, everyMs: 1_000 },
      timing: ONE_SLICE,
    },
  ),
  byLog('burst', {}, { load: { model: 'burst', size: 20, everyMs: 200, maxInFlight: 500 }, perSec: 100 }),
  capacity,
  manually('hey'),
  manually('wrk'),
  unanswered(2),
  unanswered(10),
  nothingGood('503', { status: 503 }),
  nothingGood('reset at accept', { breaks: 'reset' }),
  nothingGood('garbage', { breaks: 'garbage' }),
  nothingGood('a module that throws', {}, log => loggingClient({ log, throws: true })),
  blindGate,
  unlikeErrors,
  slowTail,
  pauses,
];
