// Names and defaults in libraries of Go, Java, Python and .NET.
import { fixed, has, type Library, none, unknown } from '../table.ts';

const TRANSPORT = 'src/net/http/transport.go';

export const go: Library = {
  title: 'Go net/http',
  version: 'Go 1.19.8',
  source: 'Debian package golang-1.19-src',
  settings: {
    'pool.maxConnections': has('`MaxConnsPerHost` of `http.Transport`', 'unlimited', TRANSPORT),
    'pool.maxTotalConnections': none('`MaxIdleConns` limits idle connections only'),
    'pool.maxIdleConnections': has(
      '`MaxIdleConnsPerHost`; `MaxIdleConns` for all hosts',
      '2 for each host; 100 for all hosts in `DefaultTransport`',
      TRANSPORT,
      'The trap: with more than two requests at once, every burst closes connections, however large `MaxIdleConns` is.',
    ),
    'pool.idleTimeoutMs': has(
      '`IdleConnTimeout`',
      '90 s in `DefaultTransport`; none in a `Transport` of your own',
      TRANSPORT,
    ),
    'pool.idleTimeoutBufferMs': none("ignores the server's announcement"),
    'pool.maxLifetimeMs': none(),
    requestsPerConnection: has(
      '`DisableKeepAlives` for one',
      'unlimited',
      TRANSPORT,
      'A connection is reused only if the body was read to its end and closed.',
    ),
    protocol: has(
      '`ForceAttemptHTTP2`',
      'on in `DefaultTransport`',
      TRANSPORT,
      'Off in a `Transport` with a dialer or TLS configuration of its own.',
    ),
    'pool.maxConcurrentStreams': none(),
    'pool.pipelining': none(),
    'pool.scheduling': fixed('lifo', TRANSPORT),
    'pool.tcpKeepAliveMs': has(
      '`KeepAlive` of `net.Dialer`',
      '30 s in `DefaultTransport`; 15 s in a `Dialer` of your own',
      TRANSPORT,
    ),
    'pool.tlsSessions': has(
      '`TLSClientConfig.ClientSessionCache`',
      'none resumed',
      'src/crypto/tls/common.go',
      'Set `tls.NewLRUClientSessionCache`.',
    ),
    'timeouts.connectMs': has(
      '`Timeout` of `net.Dialer`, and `TLSHandshakeTimeout`',
      '30 s and 10 s in `DefaultTransport`; none in a `Transport` of your own',
      TRANSPORT,
    ),
    'timeouts.headersMs': has('`ResponseHeaderTimeout`', 'none', TRANSPORT),
    'timeouts.bodyMs': none(),
    'timeouts.totalMs': has(
      '`Timeout` of `http.Client`',
      'none',
      'src/net/http/client.go',
      '`http.Get` has no timeout.',
    ),
  },
};

const PROPERTIES = 'java.net.http/module-info.java';

export const java: Library = {
  title: 'Java HttpClient',
  version: 'JDK 25.0.3',
  source: 'src.zip of the JDK',
  settings: {
    'pool.maxConnections': none('each request in flight has a connection: limit requests with a semaphore'),
    'pool.maxTotalConnections': none(),
    'pool.maxIdleConnections': has(
      '`jdk.httpclient.connectionPoolSize` (system property)',
      'unlimited',
      PROPERTIES,
      'For all hosts together, and for the whole process.',
    ),
    'pool.idleTimeoutMs': has(
      '`jdk.httpclient.keepalive.timeout` (system property)',
      '30 s',
      PROPERTIES,
      'Whole seconds.',
    ),
    'pool.idleTimeoutBufferMs': fixed(
      "ignores the server's announcement",
      'jdk/internal/net/http/ConnectionPool.java',
    ),
    'pool.maxLifetimeMs': none(),
    requestsPerConnection: has(
      'the header `Connection: close` for one',
      'unlimited',
      PROPERTIES,
      'Refused unless `jdk.httpclient.allowRestrictedHeaders` has `connection`.',
    ),
    protocol: has('`version` of the builder', 'on', 'java/net/http/HttpClient.java'),
    'pool.maxConcurrentStreams': fixed("the server's limit", 'jdk/internal/net/http/Http2Connection.java'),
    'pool.pipelining': none(),
    'pool.scheduling': fixed('fifo', 'jdk/internal/net/http/ConnectionPool.java'),
    'pool.tcpKeepAliveMs': fixed('off', 'jdk/internal/net/http'),
    'pool.tlsSessions': fixed(
      'resumed, for up to 24 h',
      'java.base/sun/security/ssl/SSLSessionContextImpl.java',
      'The `SSLContext` holds the sessions, so keep one for the process.',
    ),
    'timeouts.connectMs': has('`connectTimeout` of the builder', 'none', 'java/net/http/HttpClient.java'),
    'timeouts.headersMs': has(
      '`timeout` of each `HttpRequest`',
      'none',
      'java/net/http/HttpRequest.java',
      'Counts from the call, so it includes the connect.',
    ),
    'timeouts.bodyMs': none(),
    'timeouts.totalMs': none('`sendAsync(…).orTimeout(…)`, with a body handler that reads the whole body'),
  },
};

const MANAGER = 'PoolingHttpClientConnectionManager';

export const apacheHttpClient: Library = {
  title: 'Apache HttpClient 5 (classic)',
  version: '5.2.1',
  source: 'Debian packages libhttpclient5-java and libhttpcore5-java',
  settings: {
    'pool.maxConnections': has(
      '`setMaxConnPerRoute`',
      '5',
      MANAGER,
      'Small: the sixth request waits, for up to 3 minutes (`setConnectionRequestTimeout`).',
    ),
    'pool.maxTotalConnections': has('`setMaxConnTotal`', '25', MANAGER),
    'pool.maxIdleConnections': none('all idle connections within the limits are kept'),
    'pool.idleTimeoutMs': has(
      '`setConnectionKeepAlive` of `RequestConfig`',
      '3 min, or what the server announces',
      'RequestConfig',
      'Checked when a connection is leased; `evictIdleConnections` closes them earlier.',
    ),
    'pool.idleTimeoutBufferMs': none('it obeys the announcement exactly, without a margin'),
    'pool.maxLifetimeMs': has('`setTimeToLive` of `ConnectionConfig`', 'none', 'ConnectionConfig'),
    requestsPerConnection: has(
      '`setConnectionReuseStrategy` for one',
      'unlimited',
      'HttpClientBuilder',
      'An unclosed response keeps its connection.',
    ),
    protocol: fixed('off', '', 'The classic client speaks HTTP/1.1 only; `HttpAsyncClients` speaks HTTP/2.'),
    'pool.maxConcurrentStreams': none('HTTP/1.1 only'),
    'pool.pipelining': none(),
    'pool.scheduling': has('`setConnPoolPolicy`', 'lifo', MANAGER),
    'pool.tcpKeepAliveMs': has(
      '`setSoKeepAlive` of `SocketConfig`',
      'off',
      'SocketConfig',
      'On or off; the kernel sets the idle time.',
    ),
    'pool.tlsSessions': unknown(),
    'timeouts.connectMs': has('`setConnectTimeout` of `ConnectionConfig`', '3 min', 'ConnectionConfig'),
    'timeouts.headersMs': has(
      '`setResponseTimeout` of `RequestConfig`',
      'none; then `setSoTimeout` of `SocketConfig`, 3 min',
      'RequestConfig, SocketConfig',
      'Limits silence on the socket, so it applies to the body too.',
    ),
    'timeouts.bodyMs': none('`setResponseTimeout` covers it'),
    'timeouts.totalMs': none(),
  },
};

export const pythonRequests: Library = {
  title: 'Python requests (urllib3)',
  version: 'requests 2.34.2, urllib3 2.7.0',
  source: 'installed packages',
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

export const httpx: Library = {
  title: 'Python httpx',
  version: 'httpx 0.23.3, httpcore 0.16.3',
  source: 'Debian packages python3-httpx and python3-httpcore',
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

const HANDLER_DOCS = 'learn.microsoft.com, SocketsHttpHandler';

export const dotnet: Library = {
  title: '.NET SocketsHttpHandler',
  version: '.NET 6 and later',
  source: 'learn.microsoft.com and dotnet/runtime',
  settings: {
    'pool.maxConnections': has(
      '`MaxConnectionsPerServer`',
      'unlimited (`int.MaxValue`)',
      'HttpHandlerDefaults.cs',
    ),
    'pool.maxTotalConnections': none(),
    'pool.maxIdleConnections': none('idle connections end only by their idle timeout'),
    'pool.idleTimeoutMs': has(
      '`PooledConnectionIdleTimeout`',
      '1 min',
      `${HANDLER_DOCS}.PooledConnectionIdleTimeout`,
      '2 min before .NET 6.',
    ),
    'pool.idleTimeoutBufferMs': unknown(),
    'pool.maxLifetimeMs': has(
      '`PooledConnectionLifetime`',
      'none',
      `${HANDLER_DOCS}.PooledConnectionLifetime`,
      'A long-lived client then never notices a DNS change.',
    ),
    requestsPerConnection: has(
      '`DefaultRequestHeaders.ConnectionClose` for one',
      'unlimited',
      'learn.microsoft.com, HttpRequestHeaders.ConnectionClose',
    ),
    protocol: has(
      '`DefaultRequestVersion` of `HttpClient`',
      'off (1.1)',
      'learn.microsoft.com, HttpClient.DefaultRequestVersion',
      'Not for `SendAsync`: there each request has its own `Version`.',
    ),
    'pool.maxConcurrentStreams': none('`EnableMultipleHttp2Connections` allows more than one connection'),
    'pool.pipelining': none(),
    'pool.scheduling': fixed('lifo', 'HttpConnectionPool.Http1.cs'),
    'pool.tcpKeepAliveMs': unknown(null, 'Set it on the socket, in a `ConnectCallback`.'),
    'pool.tlsSessions': has(
      '`SslOptions.AllowTlsResume`',
      'resumed',
      'learn.microsoft.com, SslClientAuthenticationOptions.AllowTlsResume',
      'New in .NET 8.',
    ),
    'timeouts.connectMs': has('`ConnectTimeout`', 'none', `${HANDLER_DOCS}.ConnectTimeout`),
    'timeouts.headersMs': none(),
    'timeouts.bodyMs': none(),
    'timeouts.totalMs': has('`Timeout` of `HttpClient`', '100 s', 'learn.microsoft.com, HttpClient.Timeout'),
  },
};
