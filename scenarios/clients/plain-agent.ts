// node:http with an agent as its options say, and nothing else: no header that closes connections.
import http from 'node:http';
import { defineClient } from '../../bench/index.ts';
import { readResponse } from './read-response.ts';

export default defineClient({
  open({ url, options }) {
    const agent = new http.Agent(options);
    return {
      send: ({ signal }) => readResponse(url, { agent, signal }),
      close: () => agent.destroy(),
    };
  },
});
