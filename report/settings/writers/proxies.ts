// Clients of a scenario as a configuration of curl, and of nginx as a proxy.
import type { Client } from '../../../scenarios/model/client.ts';
import {
  asNumber,
  indent,
  notesKernelTime,
  notesRounding,
  refuseUsual,
  type Writer,
  when,
  wholeSeconds,
} from './writer.ts';

/** A file for `curl --config`. */
function writeCurl({ pool, timeouts, requestsPerConnection, protocol }: Client): string[] {
  return [
    ...when(asNumber(pool.maxConnections), count => `parallel\nparallel-max = ${count}`),
    protocol === 'h2' ? 'http2' : 'http1.1',
    ...(requestsPerConnection === 1 ? ['header = "Connection: close"'] : []),
    ...when(pool.tcpKeepAliveMs, ms => `keepalive-time = ${wholeSeconds(ms)}`),
    ...(pool.tlsSessions === 'none' ? ['no-sessionid'] : []),
    ...when(timeouts.connectMs, ms => `connect-timeout = ${ms / 1_000}`),
    ...when(timeouts.bodyMs, ms => `speed-limit = 1\nspeed-time = ${wholeSeconds(ms)}`),
    ...when(timeouts.totalMs, ms => `max-time = ${ms / 1_000}`),
  ];
}

/** The most requests that a connection of a scenario can have: nginx has no word for no limit. */
const MOST_REQUESTS = 1_000_000;

function writeNginx({ pool, timeouts, requestsPerConnection }: Client): string[] {
  const connections = asNumber(pool.maxConnections);
  const idle = pool.maxIdleConnections ?? connections;
  const isKept = requestsPerConnection !== 1 && idle !== 0;
  return [
    'upstream backend {',
    ...indent(
      [
        `server 127.0.0.1:8080${connections === undefined ? '' : ` max_conns=${connections}`};`,
        ...(isKept
          ? [
              ...when(idle, count => `keepalive ${count};`),
              ...(idle === undefined
                ? ['# The requests that are in flight at once, of each worker process.', 'keepalive 32;']
                : []),
              `keepalive_requests ${requestsPerConnection === 'unlimited' ? MOST_REQUESTS : requestsPerConnection};`,
              ...when(pool.idleTimeoutMs, ms => `keepalive_timeout ${ms}ms;`),
              ...when(pool.maxLifetimeMs, ms => `keepalive_time ${ms}ms;`),
            ]
          : []),
      ],
      '    ',
    ),
    '}',
    '',
    'server {',
    '    listen 127.0.0.1:8000;',
    '    location / {',
    ...indent(
      [
        'proxy_pass http://backend;',
        'proxy_http_version 1.1;',
        `proxy_set_header Connection "${isKept ? '' : 'close'}";`,
        ...(pool.tcpKeepAliveMs === undefined ? [] : ['proxy_socket_keepalive on;']),
        ...when(
          pool.tlsSessions,
          sessions => `proxy_ssl_session_reuse ${sessions === 'none' ? 'off' : 'on'};`,
        ),
        ...when(timeouts.connectMs, ms => `proxy_connect_timeout ${ms}ms;`),
        ...when(timeouts.headersMs, ms => `proxy_read_timeout ${ms}ms;`),
      ],
      '        ',
    ),
    '    }',
    '}',
  ];
}

export const proxyWriters = {
  curl: {
    library: 'curl',
    comment: '#',
    write: writeCurl,
    refuse: refuseUsual,
    notes: { 'pool.tcpKeepAliveMs': notesRounding, 'timeouts.bodyMs': notesRounding },
  },
  nginx: {
    library: 'nginx',
    comment: '#',
    write: writeNginx,
    refuse: (concept, value) =>
      concept === 'protocol' && value === 'h2' ? 'it speaks HTTP/1.1 to an upstream' : undefined,
    notes: { 'pool.tcpKeepAliveMs': notesKernelTime },
  },
} as const satisfies Record<string, Writer>;
