// Clients from a factory, one per service, with interceptors, as applications often wrap axios.
import http from 'node:http';
import https from 'node:https';
import axios, { type AxiosInstance, isAxiosError } from 'axios';
import { defineClient } from '../../bench/index.ts';

interface ServiceOptions {
  origin: string;
  token: string;
  maxConnections: number;
}

/** The only error type that callers of a service need to handle. */
class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly service: string;
  readonly status: number | undefined;
  constructor(service: string, cause: unknown) {
    super(`${service}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.service = service;
    this.status = isAxiosError(cause) ? cause.response?.status : undefined;
  }
}

interface ServiceClient {
  http: AxiosInstance;
  close(): void;
}

function createServiceClient(service: string, options: ServiceOptions): ServiceClient {
  const { origin, token, maxConnections } = options;
  const agent = origin.startsWith('https:')
    ? new https.Agent({ keepAlive: true, maxSockets: maxConnections })
    : new http.Agent({ keepAlive: true, maxSockets: maxConnections });
  const client = axios.create({
    baseURL: origin,
    httpAgent: agent,
    httpsAgent: agent,
    responseType: 'arraybuffer',
    proxy: false,
    maxRedirects: 0,
    validateStatus: status => status < 400,
  });
  client.interceptors.request.use(request => {
    request.headers.set('authorization', `Bearer ${token}`);
    return request;
  });
  client.interceptors.response.use(undefined, cause => {
    throw new ServiceError(service, cause);
  });
  return { http: client, close: () => agent.destroy() };
}

/** One client per service, so that all callers share its pool. */
function createRegistry() {
  const clients = new Map<string, ServiceClient>();
  return {
    of(service: string, options: ServiceOptions): ServiceClient {
      const known = clients.get(service);
      if (known !== undefined) return known;
      const client = createServiceClient(service, options);
      clients.set(service, client);
      return client;
    },
    close() {
      for (const client of clients.values()) client.close();
      clients.clear();
    },
  };
}

export default defineClient({
  honours: ['pool.maxConnections'],

  open({ origin, path, settings: { pool }, options }) {
    const { service = 'orders', lifetime = 'shared' } = options;
    const serviceOptions: ServiceOptions = {
      origin,
      token: 'a-token',
      maxConnections: typeof pool.maxConnections === 'number' ? pool.maxConnections : Infinity,
    };
    const registry = createRegistry();

    async function get(client: ServiceClient, signal: AbortSignal) {
      const { status, data } = await client.http.get<ArrayBuffer>(path, { signal });
      return { status, bytes: data.byteLength };
    }

    return {
      async send({ signal }) {
        if (lifetime === 'shared') return get(registry.of(String(service), serviceOptions), signal);
        const client = createServiceClient(String(service), serviceOptions);
        try {
          return await get(client, signal);
        } finally {
          client.close();
        }
      },
      close: registry.close,
    };
  },
});
