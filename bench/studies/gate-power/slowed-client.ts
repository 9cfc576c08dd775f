// undici's client with more CPU time per request, by the arm's option `slowerByRatio`: an injected regression.
import { Pool } from 'undici';
import { defineClient } from '../../index.ts';
import { createBurden } from './burden.ts';

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
