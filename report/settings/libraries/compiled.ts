// Libraries of Go, Java and .NET.
import type { Client } from '../../../scenarios/model/client.ts';
import {
  asNumber,
  code,
  fixed,
  has,
  hasOrder,
  none,
  notesKernelTime,
  notesRounding,
  refuseUsual,
  unknown,
  type WritableLibrary,
  when,
  wholeSeconds,
} from '../library.ts';

const TRANSPORT = 'src/net/http/transport.go';

export const go: WritableLibrary = {
  title: 'Go net/http',
  version: 'Go 1.19.8',
  source: 'Debian package golang-1.19-src',
  comment: '//',
  write: writeGo,
  refuse: refuseUsual,
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

function writeGo(client: Client): string[] {
  const { totalMs } = client.timeouts;
  const body = [
    'transport := http.DefaultTransport.(*http.Transport).Clone()',
    ...goStatements(client),
    `return &http.Client{Transport: transport${totalMs === undefined ? '' : `, Timeout: ${goDuration(totalMs)}`}}`,
  ];
  const packages = ['crypto/tls', 'net', 'net/http', 'time'].filter(name =>
    body.some(line => line.includes(`${name.split('/').at(-1)}.`)),
  );
  return code`
    package client

    import (
    \t${packages.map(name => `"${name}"`)}
    )

    // New makes the client: once for the process, because its connections belong to it.
    func New() *http.Client {
    \t${body}
    }
  `;
}

function goStatements(client: Client): string[] {
  const { pool, timeouts, requestsPerConnection, protocol } = client;
  const { connectMs } = timeouts;
  const hasDialer = connectMs !== undefined || pool.tcpKeepAliveMs !== undefined;
  const dialer = [
    `Timeout: ${goDuration(connectMs ?? GO_DIALER_MS.timeout)}`,
    `KeepAlive: ${goDuration(pool.tcpKeepAliveMs ?? GO_DIALER_MS.keepAlive)}`,
  ].join(', ');
  const resumesSessions = pool.tlsSessions !== undefined && pool.tlsSessions !== 'none';
  return code`
    ${when(asNumber(pool.maxConnections), count => `transport.MaxConnsPerHost = ${count}`)}
    ${requestsPerConnection === 1 ? 'transport.DisableKeepAlives = true' : goIdle(client)}
    ${when(pool.idleTimeoutMs, ms => `transport.IdleConnTimeout = ${goDuration(ms)}`)}
    ${hasDialer ? `transport.DialContext = (&net.Dialer{${dialer}}).DialContext` : ''}
    ${when(connectMs, ms => `transport.TLSHandshakeTimeout = ${goDuration(ms)}`)}
    ${when(timeouts.headersMs, ms => `transport.ResponseHeaderTimeout = ${goDuration(ms)}`)}
    ${resumesSessions ? 'transport.TLSClientConfig = &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(0)}' : ''}
    transport.ForceAttemptHTTP2 = ${protocol === 'h2'}
    ${protocol === 'h2' ? '' : GO_HTTP1}
  `;
}

const GO_HTTP1 = code`
  // Without this, a Transport still speaks HTTP/2 where the server offers it.
  transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
`;

/** The number of idle connections: Go's own default would close most of them after each burst. */
function goIdle({ pool }: Client): string[] {
  const count = pool.maxIdleConnections ?? asNumber(pool.maxConnections);
  if (count === undefined)
    return ['// Set MaxIdleConnsPerHost to the requests that are in flight at once: the default is 2.'];
  // 0 would mean the default.
  if (count === 0) return ['transport.MaxIdleConnsPerHost = -1'];
  const perHost = `transport.MaxIdleConnsPerHost = ${count}`;
  return code`
    ${perHost} // the default is 2
    ${'transport.MaxIdleConns = 0'.padEnd(perHost.length)} // no limit for all hosts together
  `;
}

/** What `http.DefaultTransport` dials with. */
const GO_DIALER_MS = { timeout: 30_000, keepAlive: 30_000 };

/** `30 * time.Second`, `1500 * time.Millisecond`. */
function goDuration(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000} * time.Second` : `${ms} * time.Millisecond`;
}

const PROPERTIES = 'java.net.http/module-info.java';

export const java: WritableLibrary = {
  title: 'Java HttpClient',
  version: 'JDK 25.0.3',
  source: 'src.zip of the JDK',
  comment: '//',
  write: writeJava,
  refuse: refuseUsual,
  notes: { 'pool.idleTimeoutMs': notesRounding },
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

function writeJava({ pool, timeouts, requestsPerConnection, protocol }: Client): string[] {
  const property = (name: string, value: string | number): string =>
    `System.setProperty("jdk.httpclient.${name}", "${value}");`;
  const properties = [
    ...when(pool.maxIdleConnections, count => property('connectionPoolSize', count)),
    ...when(pool.idleTimeoutMs, ms => property('keepalive.timeout', wholeSeconds(ms))),
    ...(requestsPerConnection === 1 ? [property('allowRestrictedHeaders', 'connection')] : []),
  ];
  const request = [
    'HttpRequest.newBuilder(uri)',
    ...(requestsPerConnection === 1 ? ['.header("Connection", "close")'] : []),
    ...when(timeouts.headersMs, ms => `.timeout(Duration.ofMillis(${ms}))`),
  ];
  return code`
    import java.net.URI;
    import java.net.http.HttpClient;
    import java.net.http.HttpRequest;
    import java.time.Duration;

    final class Client {
        ${properties.length === 0 ? '' : javaProperties(properties)}
        static final HttpClient CLIENT = HttpClient.newBuilder()
            .version(HttpClient.Version.${protocol === 'h2' ? 'HTTP_2' : 'HTTP_1_1'})
            ${when(timeouts.connectMs, ms => `.connectTimeout(Duration.ofMillis(${ms}))`)}
            .build();

        static HttpRequest.Builder request(URI uri) {
            return ${request.join('\n    ')};
        }
    }
  `;
}

function javaProperties(properties: readonly string[]): string[] {
  return code`
    // For the whole process, and read once, before the first client is made.
    static {
        ${properties}
    }

  `;
}

const MANAGER = 'PoolingHttpClientConnectionManager';

export const apacheHttpClient: WritableLibrary = {
  title: 'Apache HttpClient 5 (classic)',
  version: '5.2.1',
  source: 'Debian packages libhttpclient5-java and libhttpcore5-java',
  comment: '//',
  write: writeApache,
  refuse: refuseUsual,
  notes: { 'pool.tcpKeepAliveMs': notesKernelTime },
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

function writeApache({ pool, timeouts, requestsPerConnection }: Client): string[] {
  const limit = (count: number | 'unlimited'): string =>
    count === 'unlimited' ? 'Integer.MAX_VALUE' : String(count);
  // A limit for each host has no effect above the one for all hosts, which is 25.
  const total = pool.maxTotalConnections ?? pool.maxConnections;
  const connection = [
    ...when(timeouts.connectMs, ms => `.setConnectTimeout(Timeout.ofMilliseconds(${ms}))`),
    ...when(pool.maxLifetimeMs, ms => `.setTimeToLive(TimeValue.ofMilliseconds(${ms}))`),
  ].join('');
  const request = [
    ...when(timeouts.headersMs, ms => `.setResponseTimeout(Timeout.ofMilliseconds(${ms}))`),
    ...when(pool.idleTimeoutMs, ms => `.setConnectionKeepAlive(TimeValue.ofMilliseconds(${ms}))`),
  ].join('');
  const keepAlive = '.setDefaultSocketConfig(SocketConfig.custom().setSoKeepAlive(true).build())';
  return code`
    import org.apache.hc.client5.http.config.*;
    import org.apache.hc.client5.http.impl.classic.*;
    import org.apache.hc.client5.http.impl.io.*;
    import org.apache.hc.core5.http.io.SocketConfig;
    import org.apache.hc.core5.pool.PoolReusePolicy;
    import org.apache.hc.core5.util.*;

    final class Client {
        static final CloseableHttpClient CLIENT = HttpClients.custom()
            .setConnectionManager(PoolingHttpClientConnectionManagerBuilder.create()
                ${when(pool.maxConnections, count => `.setMaxConnPerRoute(${limit(count)})`)}
                ${when(total, count => `.setMaxConnTotal(${limit(count)})`)}
                ${hasOrder(pool.scheduling) ? `.setConnPoolPolicy(PoolReusePolicy.${pool.scheduling.toUpperCase()})` : ''}
                ${connection === '' ? '' : `.setDefaultConnectionConfig(ConnectionConfig.custom()${connection}.build())`}
                ${pool.tcpKeepAliveMs === undefined ? '' : keepAlive}
                .build())
            ${request === '' ? '' : `.setDefaultRequestConfig(RequestConfig.custom()${request}.build())`}
            ${when(pool.idleTimeoutMs, ms => `.evictIdleConnections(TimeValue.ofMilliseconds(${ms}))`)}
            ${requestsPerConnection === 1 ? '.setConnectionReuseStrategy((request, response, context) -> false)' : ''}
            .build();
    }
  `;
}

const HANDLER_DOCS = 'learn.microsoft.com, SocketsHttpHandler';

export const dotnet: WritableLibrary = {
  title: '.NET SocketsHttpHandler',
  version: '.NET 6 and later',
  source: 'learn.microsoft.com and dotnet/runtime',
  comment: '//',
  write: writeDotnet,
  refuse: refuseUsual,
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

function writeDotnet({ pool, timeouts, requestsPerConnection, protocol }: Client): string[] {
  const span = (ms: number): string => `TimeSpan.FromMilliseconds(${ms})`;
  return code`
    using System;
    using System.Net;
    using System.Net.Http;

    var handler = new SocketsHttpHandler
    {
        ${when(asNumber(pool.maxConnections), count => `MaxConnectionsPerServer = ${count},`)}
        ${when(pool.idleTimeoutMs, ms => `PooledConnectionIdleTimeout = ${span(ms)},`)}
        ${when(pool.maxLifetimeMs, ms => `PooledConnectionLifetime = ${span(ms)},`)}
        ${when(timeouts.connectMs, ms => `ConnectTimeout = ${span(ms)},`)}
    };
    ${pool.tlsSessions === 'none' ? 'handler.SslOptions.AllowTlsResume = false;' : ''}
    var client = new HttpClient(handler)
    {
        DefaultRequestVersion = HttpVersion.Version${protocol === 'h2' ? '20' : '11'},
        ${when(timeouts.totalMs, ms => `Timeout = ${span(ms)},`)}
    };
    ${requestsPerConnection === 1 ? 'client.DefaultRequestHeaders.ConnectionClose = true;' : ''}
  `;
}
