// axios as a service would configure it, for conntax to measure: one agent, one instance, bodies as bytes.
import http from 'node:http';
import https from 'node:https';
import axios from 'axios';
import { defineClient } from '../../bench/index.ts';

export default defineClient({
  honours: ['requestsPerConnection', 'pool.maxConnections', 'pool.maxIdleConnections'],

  refuse: ({ requestsPerConnection }) =>
    requestsPerConnection === 1 || requestsPerConnection === 'unlimited'
      ? undefined
      : 'an agent does not count the requests of a connection',

  open({ url, settings: { requestsPerConnection, pool } }) {
    const agentOptions = {
      keepAlive: true,
      ...(typeof pool.maxConnections === 'number' ? { maxSockets: pool.maxConnections } : {}),
      ...(pool.maxIdleConnections === undefined ? {} : { maxFreeSockets: pool.maxIdleConnections }),
    };
    const httpAgent = new http.Agent(agentOptions);
    const httpsAgent = new https.Agent(agentOptions);
    const client = axios.create({
      httpAgent,
      httpsAgent,
      // With `keepAlive: false` an agent with a limit would still reuse connections while requests queue for them.
      headers: requestsPerConnection === 1 ? { connection: 'close' } : {},
      responseType: 'arraybuffer',
      proxy: false,
      // A redirect is an answer: following it would add a request that conntax did not ask for.
      maxRedirects: 0,
      validateStatus: status => status < 400,
    });
    return {
      async send({ signal }) {
        const { status, data } = await client.get<ArrayBuffer>(url, { signal });
        return { status, bytes: data.byteLength };
      },
      close() {
        httpAgent.destroy();
        httpsAgent.destroy();
      },
    };
  },
});
