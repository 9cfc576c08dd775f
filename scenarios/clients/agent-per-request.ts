// node:http with a new agent for each request, as where a function makes its own client: closed afterwards, or forgotten.
import http from 'node:http';
import { defineClient } from '../../bench/index.ts';
import { readResponse } from './read-response.ts';

export default defineClient({
  open({ url, options: { isForgotten = false } }) {
    return {
      async send({ signal }) {
        const agent = new http.Agent({ keepAlive: true });
        try {
          return await readResponse(url, { agent, signal });
        } finally {
          if (!isForgotten) agent.destroy();
        }
      },
      // conntax closes the connections that are left open.
      close: () => {},
    };
  },
});
