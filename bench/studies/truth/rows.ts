// In: nothing. Out: the rows of `npm run bench:truth`.
import { byLog, byOrder, byServer, failures, manually, pool, type Row, stalls } from './measures.ts';

export const ROWS: readonly Row[] = [
  byServer('undici', { pool }),
  byServer('undici, short', { requestsPerConnection: 1 }),
  byServer('node-http', { transport: 'node-http', pool: { maxConnections: 20 } }),
  byServer('fetch', { transport: 'fetch', pool: {} }),
  byServer('autocannon', { transport: 'autocannon' }),
  byServer('wrk', { transport: 'wrk' }, 2_000),
  byServer('hey', { transport: 'hey' }, 2_000),
  byLog('closed, log, constant', {}),
  byLog('closed, 5 ms and 2 in 1,000 take 300 ms', { meanMs: 5, slowPerMille: 2, slowMs: 300 }),
  byLog('closed, 5 ms and 2 in 1,000 take 1 s', { meanMs: 5, slowPerMille: 2, slowMs: 1_000 }),
  byLog('closed, server stops 300 ms every 2 s', { meanMs: 5, stopMs: 300, everyMs: 2_000 }),
  byLog('closed, lognormal 1', { meanMs: 20, sigma: 1 }),
  byLog('closed, lognormal 1.5', { meanMs: 20, sigma: 1.5 }),
  byLog(
    'open, 5 ms and 2 in 1,000 take 300 ms',
    { meanMs: 5, slowPerMille: 2, slowMs: 300 },
    { model: 'open', ratePerSec: 500 },
    500,
  ),
  byLog('open, constant', {}, { model: 'open', ratePerSec: 200 }, 200),
  byLog('burst', {}, { model: 'burst', size: 20, everyMs: 200, maxInFlight: 500 }, 100),
  byOrder('TLS', 200, { target: { tls: '1.3', behaviour: { name: 'delay', meanMs: 200 } } }, { pool }),
  byOrder(
    'HTTP/2',
    200,
    { target: { tls: '1.3', protocol: 'h2', behaviour: { name: 'delay', meanMs: 200 } } },
    { protocol: 'h2', pool: { maxConnections: 1, idleTimeoutMs: 60_000 } },
  ),
  byOrder(
    'link',
    240,
    { target: { behaviour: { name: 'delay', meanMs: 200 } }, link: { roundTripMs: 40 } },
    { pool },
  ),
  manually('hey'),
  manually('wrk'),
  failures(
    'never answers 10 in 1,000',
    { meanMs: 20, silentPerMille: 10 },
    log => log.filter(({ status }) => status === 0).length / log.length,
    { pool },
  ),
  failures('all 503', { status: 503, meanMs: 20 }, () => 1, { pool }),
  stalls,
];
