// In: a share, as the arm's option `slowerByRatio`. Out: undici's client, taking so much more CPU time per request: an injected regression.
import { Pool } from 'undici';
import { defineClient } from '../../define-client.ts';

/** Requests between two payments: often enough that none is felt, seldom enough that asking for CPU time costs nothing. */
const PAY_EVERY = 16;

/**
 * Burns that share of the CPU time that the process takes otherwise: of what it really takes, for processes of the same
 * code differ by a third.
 */
function createBurden(share: number): () => void {
  const startUs = cpuUs();
  let burntUs = 0;
  let requests = 0;
  return () => {
    if (++requests % PAY_EVERY !== 0) return;
    const beginUs = cpuUs();
    const owedUs = share * (beginUs - startUs - burntUs) - burntUs;
    for (const endMs = performance.now() + owedUs / 1_000; performance.now() < endMs; );
    burntUs += cpuUs() - beginUs;
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
    const pool = new Pool(origin, { connections, allowH2: false });
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
