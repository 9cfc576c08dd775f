// Libraries of Python: requests and httpx.
import type { Client } from '../../../scenarios/model/client.ts';
import {
  asNumber,
  code,
  fixed,
  has,
  none,
  notesRounding,
  refuseUsual,
  type WritableLibrary,
  when,
  wholeSeconds,
} from '../library.ts';

export const pythonRequests: WritableLibrary = {
  title: 'Python requests (urllib3)',
  version: 'requests 2.34.2, urllib3 2.7.0',
  source: 'installed packages',
  comment: '#',
  write: writeRequests,
  refuse: refuseUsual,
  notes: { 'pool.tcpKeepAliveMs': notesRounding },
  settings: {
    'pool.maxConnections': has(
      '`pool_maxsize` and `pool_block=True` of `HTTPAdapter`',
      'unlimited (`pool_block=False`)',
      'requests/adapters.py',
      'Without `pool_block`, more connections than `pool_maxsize` are opened, used once and discarded.',
    ),
    'pool.maxTotalConnections': none(
      '`pool_connections` (10) is the number of hosts whose connections are kept',
    ),
    'pool.maxIdleConnections': has(
      '`pool_maxsize` of `HTTPAdapter`',
      '10 for each host',
      'requests/adapters.py',
    ),
    'pool.idleTimeoutMs': fixed(
      'none',
      'urllib3/connectionpool.py',
      'Kept until the server closes; the pool notices a closed connection when it is used next.',
    ),
    'pool.idleTimeoutBufferMs': fixed("ignores the server's announcement", 'urllib3/connectionpool.py'),
    'pool.maxLifetimeMs': none(),
    requestsPerConnection: has(
      'the header `Connection: close` for one',
      'unlimited',
      'requests/sessions.py',
      '`requests.get()` creates a `Session`, and so a connection, for each call.',
    ),
    protocol: fixed('off', '', 'HTTP/1.1 only'),
    'pool.maxConcurrentStreams': none('HTTP/1.1 only'),
    'pool.pipelining': none(),
    'pool.scheduling': fixed('lifo', 'urllib3/connectionpool.py'),
    'pool.tcpKeepAliveMs': has(
      '`socket_options` of the `PoolManager`, by a subclass of `HTTPAdapter`',
      'off',
      'urllib3/connection.py',
    ),
    'pool.tlsSessions': fixed('none resumed', 'urllib3/util/ssl_.py'),
    'timeouts.connectMs': has(
      '`timeout=(connect, read)` of each request',
      'none',
      'requests/sessions.py',
      'It cannot be set for a whole `Session`.',
    ),
    'timeouts.headersMs': has(
      '`timeout=(connect, read)` of each request',
      'none',
      'requests/sessions.py',
      'Limits silence on the socket, so it applies to the body too.',
    ),
    'timeouts.bodyMs': none('the read timeout covers it'),
    'timeouts.totalMs': none(),
  },
};

function writeRequests({ pool, timeouts, requestsPerConnection }: Client): string[] {
  const { tcpKeepAliveMs } = pool;
  const connections = asNumber(pool.maxConnections);
  const size = connections ?? pool.maxIdleConnections;
  const options = [
    ...when(size, count => `pool_maxsize=${count}`),
    ...when(connections, () => 'pool_block=True'),
  ].join(', ');
  const hasTimeout = timeouts.connectMs !== undefined || timeouts.headersMs !== undefined;
  const isShared = connections !== undefined && (pool.maxIdleConnections ?? connections) !== connections;
  const isDefault = size === undefined && requestsPerConnection !== 1;
  return code`
    ${when(tcpKeepAliveMs, () => 'import socket\n')}
    import requests
    from requests.adapters import HTTPAdapter
    ${when(tcpKeepAliveMs, () => 'from urllib3.connection import HTTPConnection')}

    ${when(tcpKeepAliveMs, pythonAdapter)}
    session = requests.Session()
    ${isDefault ? '# Set pool_maxsize to the requests that are in flight at once: the default is 10.' : ''}
    ${isShared ? `# pool_maxsize is both limits: ${connections} may be idle too.` : ''}
    adapter = ${tcpKeepAliveMs === undefined ? 'HTTPAdapter' : 'KeepAliveAdapter'}(${options})
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    ${requestsPerConnection === 1 ? 'session.headers["Connection"] = "close"' : ''}
    ${hasTimeout ? pythonTimeout(timeouts) : ''}
  `;
}

function pythonAdapter(tcpKeepAliveMs: number): string[] {
  return code`

    class KeepAliveAdapter(HTTPAdapter):
        def init_poolmanager(self, *args, **kwargs):
            kwargs["socket_options"] = HTTPConnection.default_socket_options + [
                ${pythonKeepAlive(tcpKeepAliveMs)}
            ]
            super().init_poolmanager(*args, **kwargs)


  `;
}

function pythonTimeout({ connectMs, headersMs }: Client['timeouts']): string[] {
  const seconds = (ms: number | undefined): string => (ms === undefined ? 'None' : String(ms / 1_000));
  return code`

    # For each request: session.get(url, timeout=TIMEOUT)
    TIMEOUT = (${seconds(connectMs)}, ${seconds(headersMs)})
  `;
}

/** The options of a socket that probe an idle connection. */
function pythonKeepAlive(ms: number): string[] {
  return code`
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, ${wholeSeconds(ms)}),  # on Linux
  `;
}

export const httpx: WritableLibrary = {
  title: 'Python httpx',
  version: 'httpx 0.23.3, httpcore 0.16.3',
  source: 'Debian packages python3-httpx and python3-httpcore',
  comment: '#',
  write: writeHttpx,
  refuse: refuseUsual,
  notes: { 'pool.tcpKeepAliveMs': notesRounding },
  settings: {
    'pool.maxConnections': has(
      '`max_connections` of `Limits`',
      '100',
      'httpx/_config.py',
      'Limits all hosts together. A request that waits for a connection fails after the pool timeout of 5 s.',
    ),
    'pool.maxTotalConnections': has('`max_connections` of `Limits`', '100', 'httpx/_config.py'),
    'pool.maxIdleConnections': has(
      '`max_keepalive_connections` of `Limits`',
      '20',
      'httpx/_config.py',
      'A fifth of the maximum number of connections: bursts of more than 20 requests close connections.',
    ),
    'pool.idleTimeoutMs': has('`keepalive_expiry` of `Limits`', '5 s', 'httpx/_config.py'),
    'pool.idleTimeoutBufferMs': fixed("ignores the server's announcement", 'httpcore/_sync/http11.py'),
    'pool.maxLifetimeMs': none(),
    requestsPerConnection: has(
      'the header `Connection: close` for one',
      'unlimited',
      'httpcore/_sync/http11.py',
      '`httpx.get()` creates a client, and so a connection, for each call.',
    ),
    protocol: has('`http2=True`', 'off', 'httpx/_client.py', 'Needs the extra `httpx[http2]`.'),
    'pool.maxConcurrentStreams': none(),
    'pool.pipelining': none(),
    'pool.scheduling': fixed('the first in its list that is free', 'httpcore/_sync/connection_pool.py'),
    'pool.tcpKeepAliveMs': {
      ...has(
        '`socket_options` of `HTTPTransport`',
        'off',
        'httpx/_transports/default.py',
        'New in 2023; not in 0.23.3.',
      ),
      version: 'master, commit 00412cf',
    },
    'pool.tlsSessions': fixed('none resumed', 'httpcore/backends/sync.py'),
    'timeouts.connectMs': has('`connect` of `Timeout`', '5 s', 'httpx/_config.py'),
    'timeouts.headersMs': has(
      '`read` of `Timeout`',
      '5 s',
      'httpx/_config.py',
      'Limits silence on the socket, so it applies to the body too.',
    ),
    'timeouts.bodyMs': none('`read` covers it'),
    'timeouts.totalMs': none(),
  },
};

/** httpx's defaults: `Limits` takes what is left out as no limit at all. */
const HTTPX_CONNECTIONS = 100;

function writeHttpx({ pool, timeouts, requestsPerConnection, protocol }: Client): string[] {
  const limits = [pool.maxConnections, pool.maxTotalConnections].filter(limit => limit !== undefined);
  const numbers = limits.flatMap(limit => asNumber(limit) ?? []);
  const most = limits.length === 0 ? HTTPX_CONNECTIONS : numbers.length === 0 ? 'None' : Math.min(...numbers);
  const transport = code`
    http2=${protocol === 'h2' ? 'True' : 'False'},
    limits=httpx.Limits(
        max_connections=${most},
        max_keepalive_connections=${pool.maxIdleConnections ?? most},
        ${when(pool.idleTimeoutMs, ms => `keepalive_expiry=${ms / 1_000},`)}
    ),
  `;
  // The other phases keep httpx's default, which is the first argument.
  const phases = [
    ...when(timeouts.connectMs, ms => `connect=${ms / 1_000}`),
    ...when(timeouts.headersMs, ms => `read=${ms / 1_000}`),
  ].join(', ');
  const { tcpKeepAliveMs } = pool;
  return code`
    ${when(tcpKeepAliveMs, () => 'import socket\n')}
    import httpx

    client = httpx.Client(
        ${tcpKeepAliveMs === undefined ? transport : httpxTransport(transport, tcpKeepAliveMs)}
        ${requestsPerConnection === 1 ? 'headers={"Connection": "close"},' : ''}
        ${phases === '' ? '' : `timeout=httpx.Timeout(5.0, ${phases}),`}
    )
  `;
}

function httpxTransport(options: readonly string[], tcpKeepAliveMs: number): string[] {
  return code`
    transport=httpx.HTTPTransport(
        ${options}
        socket_options=[
            ${pythonKeepAlive(tcpKeepAliveMs)}
        ],
    ),
  `;
}
