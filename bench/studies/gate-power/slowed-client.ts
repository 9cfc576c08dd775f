// undici's client with an injected regression: more CPU time per request (option `slowerByRatio`), or connections that it does not
// keep (`requestsPerConnection`).
import { Pool } from 'undici';
import { defineClient } from '../../index.ts';
import { createBurden } from './burden.ts';

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
