// Out: got with its timeouts for each phase, for conntax to measure; an error says which of them it was.
import http from 'node:http';
import https from 'node:https';
import got, { TimeoutError } from 'got';
import { defineClient } from '../../bench/index.ts';

/** What got calls the phase that was too long, and what conntax does. */
const OUTCOMES = {
  lookup: 'timeoutConnect',
  connect: 'timeoutConnect',
  secureConnect: 'timeoutConnect',
  response: 'timeoutHeaders',
  request: 'timeoutTotal',
} as const;

function outcomeOf({ event }: TimeoutError): (typeof OUTCOMES)[keyof typeof OUTCOMES] {
  return OUTCOMES[event as keyof typeof OUTCOMES] ?? 'timeoutTotal';
}

export default defineClient({
  honours: ['requestsPerConnection', 'pool.maxConnections', 'timeouts.connectMs', 'timeouts.headersMs'],

  refuse: ({ requestsPerConnection }) =>
    requestsPerConnection === 1 || requestsPerConnection === 'unlimited'
      ? undefined
      : 'an agent does not count the requests of a connection',

  open({ url, caPem, settings: { requestsPerConnection, pool, timeouts } }) {
    const agentOptions = {
      keepAlive: true,
      ...(typeof pool.maxConnections === 'number' ? { maxSockets: pool.maxConnections } : {}),
    };
    const agent = { http: new http.Agent(agentOptions), https: new https.Agent(agentOptions) };
    const client = got.extend({
      agent,
      headers: requestsPerConnection === 1 ? { connection: 'close' } : {},
      timeout: {
        ...(timeouts.connectMs === undefined
          ? {}
          : { connect: timeouts.connectMs, secureConnect: timeouts.connectMs }),
        ...(timeouts.headersMs === undefined ? {} : { response: timeouts.headersMs }),
      },
      ...(caPem === undefined ? {} : { https: { certificateAuthority: caPem } }),
      // A retry is a request that the harness has not sent: the target would count more than were asked for.
      retry: { limit: 0 },
      // So is what follows a redirect.
      followRedirect: false,
      throwHttpErrors: false,
    });
    return {
      async send({ signal }) {
        try {
          const { statusCode, rawBody } = await client.get(url, { signal, responseType: 'buffer' });
          return { status: statusCode, bytes: rawBody.byteLength };
        } catch (error) {
          throw error instanceof TimeoutError ? Object.assign(error, { outcome: outcomeOf(error) }) : error;
        }
      },
      close() {
        agent.http.destroy();
        agent.https.destroy();
      },
    };
  },
});
