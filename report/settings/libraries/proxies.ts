// curl and libcurl, and nginx and Envoy as proxies.
import type { Client } from '../../../scenarios/model/client.ts';
import {
  asNumber,
  code,
  fixed,
  has,
  type Library,
  none,
  notesKernelTime,
  notesRounding,
  refuseUsual,
  unknown,
  type WritableLibrary,
  when,
  wholeSeconds,
} from '../library.ts';

const MAN = 'curl(1)';

export const curl: WritableLibrary = {
  title: 'curl (command)',
  version: '7.88.1',
  source: 'Debian package curl',
  comment: '#',
  write: writeCurl,
  refuse: refuseUsual,
  notes: { 'pool.tcpKeepAliveMs': notesRounding, 'timeouts.bodyMs': notesRounding },
  settings: {
    'pool.maxConnections': has(
      '`--parallel-max` with `--parallel`',
      '50',
      MAN,
      'Limits parallel transfers. Without `--parallel`, there is one at a time.',
    ),
    'pool.maxTotalConnections': none('only in libcurl'),
    'pool.maxIdleConnections': none('only in libcurl'),
    'pool.idleTimeoutMs': none('only in libcurl; connections live as long as the command'),
    'pool.idleTimeoutBufferMs': none(),
    'pool.maxLifetimeMs': none('only in libcurl'),
    requestsPerConnection: has(
      '`--header "Connection: close"` for one',
      'unlimited',
      MAN,
      'Only within one command: `curl URL URL` reuses, two commands do not.',
    ),
    protocol: has('`--http2`, `--http1.1`', 'on', MAN),
    'pool.maxConcurrentStreams': none('only in libcurl'),
    'pool.pipelining': none(),
    'pool.scheduling': unknown(),
    'pool.tcpKeepAliveMs': has('`--keepalive-time`', '60 s', MAN, 'Whole seconds.'),
    'pool.tlsSessions': has('`--no-sessionid`', 'resumed', MAN, 'Only within one command.'),
    'timeouts.connectMs': has(
      '`--connect-timeout`',
      '300 s',
      'CURLOPT_CONNECTTIMEOUT(3)',
      'Includes name resolution and the TLS handshake.',
    ),
    'timeouts.headersMs': none(),
    'timeouts.bodyMs': has(
      '`--speed-time` with `--speed-limit 1`',
      'none',
      MAN,
      'Whole seconds. Includes the wait for the header.',
    ),
    'timeouts.totalMs': has('`--max-time`', 'none', MAN),
  },
};

/** A file for `curl --config`. */
function writeCurl({ pool, timeouts, requestsPerConnection, protocol }: Client): string[] {
  return code`
    ${when(asNumber(pool.maxConnections), count => `parallel\nparallel-max = ${count}`)}
    ${protocol === 'h2' ? 'http2' : 'http1.1'}
    ${requestsPerConnection === 1 ? 'header = "Connection: close"' : ''}
    ${when(pool.tcpKeepAliveMs, ms => `keepalive-time = ${wholeSeconds(ms)}`)}
    ${pool.tlsSessions === 'none' ? 'no-sessionid' : ''}
    ${when(timeouts.connectMs, ms => `connect-timeout = ${ms / 1_000}`)}
    ${when(timeouts.bodyMs, ms => `speed-limit = 1\nspeed-time = ${wholeSeconds(ms)}`)}
    ${when(timeouts.totalMs, ms => `max-time = ${ms / 1_000}`)}
  `;
}

export const libcurl: Library = {
  title: 'libcurl',
  version: '7.88.1',
  source: 'Debian package libcurl4-doc',
  settings: {
    'pool.maxConnections': has(
      '`CURLMOPT_MAX_HOST_CONNECTIONS`',
      'unlimited',
      'CURLMOPT_MAX_HOST_CONNECTIONS(3)',
    ),
    'pool.maxTotalConnections': has(
      '`CURLMOPT_MAX_TOTAL_CONNECTIONS`',
      'unlimited',
      'CURLMOPT_MAX_TOTAL_CONNECTIONS(3)',
    ),
    'pool.maxIdleConnections': has(
      '`CURLMOPT_MAXCONNECTS`; `CURLOPT_MAXCONNECTS` of an easy handle',
      '4 for each transfer added; 5',
      'CURLMOPT_MAXCONNECTS(3), CURLOPT_MAXCONNECTS(3)',
      'Cleaning up an easy handle closes its connections.',
    ),
    'pool.idleTimeoutMs': has('`CURLOPT_MAXAGE_CONN`', '118 s', 'CURLOPT_MAXAGE_CONN(3)'),
    'pool.idleTimeoutBufferMs': unknown(),
    'pool.maxLifetimeMs': has(
      '`CURLOPT_MAXLIFETIME_CONN`',
      'none',
      'CURLOPT_MAXLIFETIME_CONN(3)',
      '24 h since 8.17.0.',
    ),
    requestsPerConnection: has('`CURLOPT_FORBID_REUSE` for one', 'unlimited', 'CURLOPT_FORBID_REUSE(3)'),
    protocol: has('`CURLOPT_HTTP_VERSION`', 'on', 'CURLOPT_HTTP_VERSION(3)', 'Off before 7.62.0.'),
    'pool.maxConcurrentStreams': has(
      '`CURLMOPT_MAX_CONCURRENT_STREAMS`',
      '100',
      'CURLMOPT_MAX_CONCURRENT_STREAMS(3)',
    ),
    'pool.pipelining': fixed('off', 'CURLMOPT_PIPELINING(3)', 'Removed in 7.62.0.'),
    'pool.scheduling': unknown(),
    'pool.tcpKeepAliveMs': has(
      '`CURLOPT_TCP_KEEPALIVE` and `CURLOPT_TCP_KEEPIDLE`',
      'off; 60 s when on',
      'CURLOPT_TCP_KEEPALIVE(3), CURLOPT_TCP_KEEPIDLE(3)',
      'Unlike the command.',
    ),
    'pool.tlsSessions': has('`CURLOPT_SSL_SESSIONID_CACHE`', 'resumed', 'CURLOPT_SSL_SESSIONID_CACHE(3)'),
    'timeouts.connectMs': has('`CURLOPT_CONNECTTIMEOUT_MS`', '300 s', 'CURLOPT_CONNECTTIMEOUT(3)'),
    'timeouts.headersMs': none(),
    'timeouts.bodyMs': has(
      '`CURLOPT_LOW_SPEED_TIME` with `CURLOPT_LOW_SPEED_LIMIT`',
      'none',
      'CURLOPT_LOW_SPEED_TIME(3)',
    ),
    'timeouts.totalMs': has(
      '`CURLOPT_TIMEOUT_MS`',
      'none',
      'CURLOPT_TIMEOUT(3)',
      'With a limit on connections, it includes the wait for one.',
    ),
  },
};

const UPSTREAM = 'ngx_http_upstream.c';
const KEEPALIVE = 'ngx_http_upstream_keepalive_module.c';
const PROXY = 'ngx_http_proxy_module.c';

export const nginx: WritableLibrary = {
  title: 'nginx upstream',
  version: '1.22.1',
  source: 'Debian source package nginx',
  comment: '#',
  write: writeNginx,
  refuse: (concept, value) =>
    concept === 'protocol' && value === 'h2' ? 'it speaks HTTP/1.1 to an upstream' : undefined,
  notes: { 'pool.tcpKeepAliveMs': notesKernelTime },
  settings: {
    'pool.maxConnections': has(
      '`max_conns` of `server`',
      'unlimited',
      UPSTREAM,
      'Of each worker process, unless the upstream has a `zone`.',
    ),
    'pool.maxTotalConnections': none('`worker_connections` (512) counts those from clients too'),
    'pool.maxIdleConnections': has(
      '`keepalive`',
      'none kept',
      KEEPALIVE,
      'Of each worker process. Also needs `proxy_http_version 1.1` and an empty `Connection` header. 1.29.7 keeps 32, without any of it.',
    ),
    'pool.idleTimeoutMs': has(
      '`keepalive_timeout` in `upstream`',
      '60 s',
      KEEPALIVE,
      'The directive of the same name in `http` applies to clients.',
    ),
    'pool.idleTimeoutBufferMs': fixed("ignores the server's announcement", UPSTREAM),
    'pool.maxLifetimeMs': has(
      '`keepalive_time`',
      '1 h',
      KEEPALIVE,
      'Checked after each request. New in 1.19.10.',
    ),
    requestsPerConnection: has(
      '`keepalive_requests` in `upstream`',
      'one without `keepalive`; 1000 with it',
      KEEPALIVE,
      '100 before 1.19.10.',
    ),
    protocol: has(
      '`proxy_http_version`',
      'off (HTTP/1.0)',
      PROXY,
      '1.0 or 1.1. 1.1 by default since 1.29.7.',
    ),
    'pool.maxConcurrentStreams': none('HTTP/1.1 only'),
    'pool.pipelining': none(),
    'pool.scheduling': fixed('lifo', KEEPALIVE),
    'pool.tcpKeepAliveMs': has(
      '`proxy_socket_keepalive`',
      'off',
      PROXY,
      'On or off; the kernel sets the idle time.',
    ),
    'pool.tlsSessions': has('`proxy_ssl_session_reuse`', 'resumed', PROXY),
    'timeouts.connectMs': has(
      '`proxy_connect_timeout`',
      '60 s',
      PROXY,
      'Does not include the TLS handshake.',
    ),
    'timeouts.headersMs': has(
      '`proxy_read_timeout`',
      '60 s',
      PROXY,
      'Limits silence between two reads, so it applies to the body too.',
    ),
    'timeouts.bodyMs': none('`proxy_read_timeout` covers it'),
    'timeouts.totalMs': none(),
  },
};

/** The most requests that a connection of a scenario can have: nginx has no word for no limit. */
const MAX_REQUESTS = 1_000_000;

function writeNginx({ pool, timeouts, requestsPerConnection }: Client): string[] {
  const connections = asNumber(pool.maxConnections);
  const idle = pool.maxIdleConnections ?? connections;
  const isKept = requestsPerConnection !== 1 && idle !== 0;
  const kept = code`
    ${idle === undefined ? '# The requests that are in flight at once, of each worker process.' : ''}
    keepalive ${idle ?? 32};
    keepalive_requests ${requestsPerConnection === 'unlimited' ? MAX_REQUESTS : requestsPerConnection};
    ${when(pool.idleTimeoutMs, ms => `keepalive_timeout ${ms}ms;`)}
    ${when(pool.maxLifetimeMs, ms => `keepalive_time ${ms}ms;`)}
  `;
  return code`
    upstream backend {
        server 127.0.0.1:8080${when(connections, count => ` max_conns=${count}`)};
        ${isKept ? kept : ''}
    }

    server {
        listen 127.0.0.1:8000;
        location / {
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "${isKept ? '' : 'close'}";
            ${when(pool.tcpKeepAliveMs, () => 'proxy_socket_keepalive on;')}
            ${when(pool.tlsSessions, sessions => `proxy_ssl_session_reuse ${sessions === 'none' ? 'off' : 'on'};`)}
            ${when(timeouts.connectMs, ms => `proxy_connect_timeout ${ms}ms;`)}
            ${when(timeouts.headersMs, ms => `proxy_read_timeout ${ms}ms;`)}
        }
    }
  `;
}

const CLUSTER = 'envoy/config/cluster/v3/cluster.proto';
const BREAKERS = 'envoy/config/cluster/v3/circuit_breaker.proto';
const PROTOCOL = 'envoy/config/core/v3/protocol.proto';

export const envoy: Library = {
  title: 'Envoy',
  version: 'v3 API',
  source: 'envoyproxy.io and envoyproxy/envoy',
  settings: {
    'pool.maxConnections': has(
      '`circuit_breakers.per_host_thresholds.max_connections`',
      'unlimited',
      BREAKERS,
      'Overflows are counted in `upstream_cx_overflow`.',
    ),
    'pool.maxTotalConnections': has(
      '`circuit_breakers.thresholds.max_connections`',
      '1024',
      BREAKERS,
      'Of a cluster, over all worker threads.',
    ),
    'pool.maxIdleConnections': none(),
    'pool.idleTimeoutMs': {
      ...has(
        '`common_http_protocol_options.idle_timeout`',
        '1 h',
        'faq/configuration/timeouts',
        'Longer than most servers.',
      ),
      version: '1.39.0',
    },
    'pool.idleTimeoutBufferMs': unknown(),
    'pool.maxLifetimeMs': has('`common_http_protocol_options.max_connection_duration`', 'none', PROTOCOL),
    requestsPerConnection: unknown('`common_http_protocol_options.max_requests_per_connection`'),
    protocol: unknown('`explicit_http_config` or `auto_config`'),
    'pool.maxConcurrentStreams': {
      ...has(
        '`http2_protocol_options.max_concurrent_streams`',
        '1024',
        'release notes of 1.36.0',
        'Unlimited before 1.36.0.',
      ),
      version: '1.36.0',
    },
    'pool.pipelining': none(),
    'pool.scheduling': unknown(),
    'pool.tcpKeepAliveMs': has('`upstream_connection_options.tcp_keepalive`', 'off', CLUSTER),
    'pool.tlsSessions': has(
      '`max_session_keys` of `UpstreamTlsContext`',
      '1',
      'extensions/transport_sockets/tls/v3/tls.proto',
    ),
    'timeouts.connectMs': has('`connect_timeout`', '5 s', CLUSTER),
    'timeouts.headersMs': none(),
    'timeouts.bodyMs': none(),
    'timeouts.totalMs': has(
      '`timeout` of the route',
      '15 s',
      'envoy/config/route/v3/route_components.proto',
      'Includes all retries.',
    ),
  },
};
