// got with a timeout per phase, for conntax to measure; an error reports which phase timed out.
import http from 'node:http';
import https from 'node:https';
import got, { TimeoutError } from 'got';
import { defineClient } from '../../bench/index.ts';

/** got's names of the phase that timed out, and conntax's. */
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

  sendsRequest: true,

  open({ settings: { requestsPerConnection, pool, timeouts } }) {
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
      // A retry would add a request that conntax did not ask for, and the target's count would not match.
      retry: { limit: 0 },
      // So would following a redirect.
      followRedirect: false,
      throwHttpErrors: false,
    });
    return {
      async send({ method, url, headers, body, signal }) {
        try {
          const { statusCode, rawBody } = await client(url, {
            method,
            headers,
            ...(body === undefined ? {} : { body }),
            allowGetBody: true,
            signal,
            responseType: 'buffer',
          });
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
