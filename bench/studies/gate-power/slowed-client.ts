// undici's client with an injected regression: more CPU time per request (option `slowerByRatio`), or connections that it does not
// keep (`requestsPerConnection`).
import { Pool } from 'undici';
import { defineClient } from '../../index.ts';

/** Requests after which the cost of the next ones is determined again. */
const PRICE_EVERY = 64;

/**
 * Burns that share of the CPU time that the process takes otherwise: of what it really takes, for processes of the same
 * code differ by a third. A little with each request: a longer pause now and then would let answers come in larger batches,
 * which saves as much as it costs.
 */
export function createBurden(share: number): () => void {
  if (share === 0) return () => {};
  const startUs = cpuUs();
  let requests = 0;
  let burntMs = 0;
  let priceMs = 0;
  return () => {
    const beginMs = performance.now();
    const endMs = beginMs + priceMs;
    let nowMs = beginMs;
    while (nowMs < endMs) nowMs = performance.now();
    burntMs += nowMs - beginMs;
    if (++requests % PRICE_EVERY !== 0) return;
    const dueMs = share * ((cpuUs() - startUs) / 1_000 - burntMs);
    // What a request costs on average, and over the next ones half of what is still owed.
    priceMs = Math.max(0, dueMs / requests + (dueMs - burntMs) / 2 / PRICE_EVERY);
  };
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

export default defineClient({
  honours: ['pool.maxConnections'],
  open({ origin, path, settings, options }) {
    const { maxConnections } = settings.pool;
    const connections = typeof maxConnections === 'number' ? maxConnections : null;
    const { requestsPerConnection } = options;
    const pool = new Pool(origin, {
      connections,
      allowH2: false,
      ...(typeof requestsPerConnection === 'number' ? { maxRequestsPerClient: requestsPerConnection } : {}),
    });
    const pay = createBurden(Number(options['slowerByRatio']));
    return {
      async send({ signal }) {
        pay();
        const { statusCode, body } = await pool.request({ path, method: 'GET', signal });
        const { byteLength } = await body.arrayBuffer();
        return { status: statusCode, bytes: byteLength };
      },
      close: () => pool.close(),
    };
  },
});
