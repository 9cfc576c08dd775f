// Clients of a scenario as code for Go, Java, Python and .NET.
import type { Client } from '../../../scenarios/model/client.ts';
import {
  asNumber,
  hasOrder,
  indent,
  notesKernelTime,
  notesRounding,
  refuseUsual,
  type Writer,
  when,
  wholeSeconds,
} from './writer.ts';

/** `30 * time.Second`, `1500 * time.Millisecond`. */
function goDuration(ms: number): string {
  return ms % 1_000 === 0 ? `${ms / 1_000} * time.Second` : `${ms} * time.Millisecond`;
}

/** What `http.DefaultTransport` dials with. */
const GO_DIALER_MS = { timeout: 30_000, keepAlive: 30_000 };

/** The number of idle connections: Go's own default would close most of them after each burst. */
function goIdle({ pool }: Client): string[] {
  const count = pool.maxIdleConnections ?? asNumber(pool.maxConnections);
  if (count === undefined)
    return ['// Set MaxIdleConnsPerHost to the requests that are in flight at once: the default is 2.'];
  // 0 would mean the default.
  if (count === 0) return ['transport.MaxIdleConnsPerHost = -1'];
  const perHost = `transport.MaxIdleConnsPerHost = ${count}`;
  return [
    `${perHost} // the default is 2`,
    `${'transport.MaxIdleConns = 0'.padEnd(perHost.length)} // no limit for all hosts together`,
  ];
}

function goStatements(client: Client): string[] {
  const { pool, timeouts, requestsPerConnection, protocol } = client;
  const { connectMs } = timeouts;
  const hasDialer = connectMs !== undefined || pool.tcpKeepAliveMs !== undefined;
  const dialer = [
    `Timeout: ${goDuration(connectMs ?? GO_DIALER_MS.timeout)}`,
    `KeepAlive: ${goDuration(pool.tcpKeepAliveMs ?? GO_DIALER_MS.keepAlive)}`,
  ];
  return [
    ...when(asNumber(pool.maxConnections), count => `transport.MaxConnsPerHost = ${count}`),
    ...(requestsPerConnection === 1 ? ['transport.DisableKeepAlives = true'] : goIdle(client)),
    ...when(pool.idleTimeoutMs, ms => `transport.IdleConnTimeout = ${goDuration(ms)}`),
    ...(hasDialer ? [`transport.DialContext = (&net.Dialer{${dialer.join(', ')}}).DialContext`] : []),
    ...when(connectMs, ms => `transport.TLSHandshakeTimeout = ${goDuration(ms)}`),
    ...when(timeouts.headersMs, ms => `transport.ResponseHeaderTimeout = ${goDuration(ms)}`),
    ...(pool.tlsSessions === undefined || pool.tlsSessions === 'none'
      ? []
      : ['transport.TLSClientConfig = &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(0)}']),
    ...(protocol === 'h2'
      ? ['transport.ForceAttemptHTTP2 = true']
      : [
          'transport.ForceAttemptHTTP2 = false',
          '// Without this, a Transport still speaks HTTP/2 where the server offers it.',
          'transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}',
        ]),
  ];
}

function writeGo(client: Client): string[] {
  const { totalMs } = client.timeouts;
  const body = [
    'transport := http.DefaultTransport.(*http.Transport).Clone()',
    ...goStatements(client),
    totalMs === undefined
      ? 'return &http.Client{Transport: transport}'
      : `return &http.Client{Transport: transport, Timeout: ${goDuration(totalMs)}}`,
  ];
  const packages = ['crypto/tls', 'net', 'net/http', 'time'].filter(name =>
    body.some(line => line.includes(`${name.split('/').at(-1)}.`)),
  );
  return [
    'package client',
    '',
    'import (',
    ...packages.map(name => `\t"${name}"`),
    ')',
    '',
    '// New makes the client: once for the process, because its connections belong to it.',
    'func New() *http.Client {',
    ...indent(body, '\t'),
    '}',
  ];
}

function writeJava(client: Client): string[] {
  const { pool, timeouts, requestsPerConnection, protocol } = client;
  const properties: Record<string, string> = {
    ...(pool.maxIdleConnections === undefined
      ? {}
      : { 'jdk.httpclient.connectionPoolSize': String(pool.maxIdleConnections) }),
    ...(pool.idleTimeoutMs === undefined
      ? {}
      : { 'jdk.httpclient.keepalive.timeout': String(wholeSeconds(pool.idleTimeoutMs)) }),
    ...(requestsPerConnection === 1 ? { 'jdk.httpclient.allowRestrictedHeaders': 'connection' } : {}),
  };
  const lines = Object.entries(properties).map(
    ([name, value]) => `System.setProperty("${name}", "${value}");`,
  );
  return [
    'import java.net.URI;',
    'import java.net.http.HttpClient;',
    'import java.net.http.HttpRequest;',
    'import java.time.Duration;',
    '',
    'final class Client {',
    ...indent(
      [
        ...(lines.length === 0
          ? []
          : ['// For the whole process, and read once, before the first client is made.', 'static {']),
        ...indent(lines, '    '),
        ...(lines.length === 0 ? [] : ['}', '']),
        'static final HttpClient CLIENT = HttpClient.newBuilder()',
        ...indent(
          [
            `.version(HttpClient.Version.${protocol === 'h2' ? 'HTTP_2' : 'HTTP_1_1'})`,
            ...when(timeouts.connectMs, ms => `.connectTimeout(Duration.ofMillis(${ms}))`),
            '.build();',
          ],
          '    ',
        ),
        '',
        'static HttpRequest.Builder request(URI uri) {',
        ...indent(
          [
            'return HttpRequest.newBuilder(uri)',
            ...indent(
              [
                ...(requestsPerConnection === 1 ? ['.header("Connection", "close")'] : []),
                ...when(timeouts.headersMs, ms => `.timeout(Duration.ofMillis(${ms}))`),
              ],
              '    ',
            ),
          ].map((line, index, all) => (index === all.length - 1 ? `${line};` : line)),
          '    ',
        ),
        '}',
      ],
      '    ',
    ),
    '}',
  ];
}

function writeApache({ pool, timeouts, requestsPerConnection }: Client): string[] {
  const limit = (count: number | 'unlimited'): string =>
    count === 'unlimited' ? 'Integer.MAX_VALUE' : String(count);
  // A limit for each host has no effect above the one for all hosts, which is 25.
  const total = pool.maxTotalConnections ?? pool.maxConnections;
  const connection = [
    ...when(timeouts.connectMs, ms => `.setConnectTimeout(Timeout.ofMilliseconds(${ms}))`),
    ...when(pool.maxLifetimeMs, ms => `.setTimeToLive(TimeValue.ofMilliseconds(${ms}))`),
  ];
  const request = [
    ...when(timeouts.headersMs, ms => `.setResponseTimeout(Timeout.ofMilliseconds(${ms}))`),
    ...when(pool.idleTimeoutMs, ms => `.setConnectionKeepAlive(TimeValue.ofMilliseconds(${ms}))`),
  ];
  return [
    'import org.apache.hc.client5.http.config.*;',
    'import org.apache.hc.client5.http.impl.classic.*;',
    'import org.apache.hc.client5.http.impl.io.*;',
    'import org.apache.hc.core5.http.io.SocketConfig;',
    'import org.apache.hc.core5.pool.PoolReusePolicy;',
    'import org.apache.hc.core5.util.*;',
    '',
    'final class Client {',
    ...indent(
      [
        'static final CloseableHttpClient CLIENT = HttpClients.custom()',
        ...indent(
          [
            '.setConnectionManager(PoolingHttpClientConnectionManagerBuilder.create()',
            ...indent(
              [
                ...when(pool.maxConnections, count => `.setMaxConnPerRoute(${limit(count)})`),
                ...when(total, count => `.setMaxConnTotal(${limit(count)})`),
                ...(hasOrder(pool.scheduling)
                  ? [`.setConnPoolPolicy(PoolReusePolicy.${pool.scheduling.toUpperCase()})`]
                  : []),
                ...(connection.length === 0
                  ? []
                  : [`.setDefaultConnectionConfig(ConnectionConfig.custom()${connection.join('')}.build())`]),
                ...when(
                  pool.tcpKeepAliveMs,
                  () => '.setDefaultSocketConfig(SocketConfig.custom().setSoKeepAlive(true).build())',
                ),
                '.build())',
              ],
              '    ',
            ),
            ...(request.length === 0
              ? []
              : [`.setDefaultRequestConfig(RequestConfig.custom()${request.join('')}.build())`]),
            ...when(pool.idleTimeoutMs, ms => `.evictIdleConnections(TimeValue.ofMilliseconds(${ms}))`),
            ...(requestsPerConnection === 1
              ? ['.setConnectionReuseStrategy((request, response, context) -> false)']
              : []),
            '.build();',
          ],
          '    ',
        ),
      ],
      '    ',
    ),
    '}',
  ];
}

/** Seconds as Python and curl write them. */
function pythonSeconds(ms: number | undefined): string {
  return ms === undefined ? 'None' : String(ms / 1_000);
}

/** The options of a socket that probe an idle connection. */
function pythonKeepAlive(ms: number): string[] {
  return [
    '(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),',
    `(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, ${wholeSeconds(ms)}),  # on Linux`,
  ];
}

function writeRequests({ pool, timeouts, requestsPerConnection }: Client): string[] {
  const connections = asNumber(pool.maxConnections);
  const size = connections ?? pool.maxIdleConnections;
  const options = [
    ...when(size, count => `pool_maxsize=${count}`),
    ...(connections === undefined ? [] : ['pool_block=True']),
  ].join(', ');
  const hasKeepAlive = pool.tcpKeepAliveMs !== undefined;
  const hasTimeout = timeouts.connectMs !== undefined || timeouts.headersMs !== undefined;
  return [
    ...(hasKeepAlive ? ['import socket', ''] : []),
    'import requests',
    'from requests.adapters import HTTPAdapter',
    ...(hasKeepAlive ? ['from urllib3.connection import HTTPConnection'] : []),
    '',
    ...when(pool.tcpKeepAliveMs, ms => pythonAdapter(ms).join('\n')),
    'session = requests.Session()',
    ...(size === undefined && requestsPerConnection !== 1
      ? ['# Set pool_maxsize to the requests that are in flight at once: the default is 10.']
      : []),
    ...(connections !== undefined && (pool.maxIdleConnections ?? connections) !== connections
      ? [`# pool_maxsize is both limits: ${connections} may be idle too.`]
      : []),
    `adapter = ${hasKeepAlive ? 'KeepAliveAdapter' : 'HTTPAdapter'}(${options})`,
    'session.mount("http://", adapter)',
    'session.mount("https://", adapter)',
    ...(requestsPerConnection === 1 ? ['session.headers["Connection"] = "close"'] : []),
    ...(hasTimeout
      ? [
          '',
          '# For each request: session.get(url, timeout=TIMEOUT)',
          `TIMEOUT = (${pythonSeconds(timeouts.connectMs)}, ${pythonSeconds(timeouts.headersMs)})`,
        ]
      : []),
  ];
}

function pythonAdapter(ms: number): string[] {
  return [
    '',
    'class KeepAliveAdapter(HTTPAdapter):',
    '    def init_poolmanager(self, *args, **kwargs):',
    '        kwargs["socket_options"] = HTTPConnection.default_socket_options + [',
    ...indent(pythonKeepAlive(ms), '            '),
    '        ]',
    '        super().init_poolmanager(*args, **kwargs)',
    '',
    '',
  ];
}

/** httpx's defaults: `Limits` takes what is left out as no limit at all. */
const HTTPX_CONNECTIONS = 100;

function writeHttpx({ pool, timeouts, requestsPerConnection, protocol }: Client): string[] {
  const limits = [pool.maxConnections, pool.maxTotalConnections].filter(limit => limit !== undefined);
  const numbers = limits.flatMap(limit => asNumber(limit) ?? []);
  const most = limits.length === 0 ? HTTPX_CONNECTIONS : numbers.length === 0 ? 'None' : Math.min(...numbers);
  const transport = [
    `http2=${protocol === 'h2' ? 'True' : 'False'},`,
    'limits=httpx.Limits(',
    ...indent(
      [
        `max_connections=${most},`,
        `max_keepalive_connections=${pool.maxIdleConnections ?? most},`,
        ...when(pool.idleTimeoutMs, ms => `keepalive_expiry=${pythonSeconds(ms)},`),
      ],
      '    ',
    ),
    '),',
  ];
  const phases = [
    ...when(timeouts.connectMs, ms => `connect=${pythonSeconds(ms)}`),
    ...when(timeouts.headersMs, ms => `read=${pythonSeconds(ms)}`),
  ];
  const client = [
    ...(requestsPerConnection === 1 ? ['headers={"Connection": "close"},'] : []),
    // The first argument holds for the phases that are not named: httpx's default.
    ...(phases.length === 0 ? [] : [`timeout=httpx.Timeout(5.0, ${phases.join(', ')}),`]),
  ];
  if (pool.tcpKeepAliveMs === undefined) {
    return ['import httpx', '', 'client = httpx.Client(', ...indent([...transport, ...client], '    '), ')'];
  }
  return [
    'import socket',
    '',
    'import httpx',
    '',
    'client = httpx.Client(',
    ...indent(
      [
        'transport=httpx.HTTPTransport(',
        ...indent(
          [...transport, 'socket_options=[', ...indent(pythonKeepAlive(pool.tcpKeepAliveMs), '    '), '],'],
          '    ',
        ),
        '),',
        ...client,
      ],
      '    ',
    ),
    ')',
  ];
}

function writeDotnet({ pool, timeouts, requestsPerConnection, protocol }: Client): string[] {
  const span = (ms: number): string => `TimeSpan.FromMilliseconds(${ms})`;
  return [
    'using System;',
    'using System.Net;',
    'using System.Net.Http;',
    '',
    'var handler = new SocketsHttpHandler',
    '{',
    ...indent(
      [
        ...when(asNumber(pool.maxConnections), count => `MaxConnectionsPerServer = ${count},`),
        ...when(pool.idleTimeoutMs, ms => `PooledConnectionIdleTimeout = ${span(ms)},`),
        ...when(pool.maxLifetimeMs, ms => `PooledConnectionLifetime = ${span(ms)},`),
        ...when(timeouts.connectMs, ms => `ConnectTimeout = ${span(ms)},`),
      ],
      '    ',
    ),
    '};',
    ...(pool.tlsSessions === 'none' ? ['handler.SslOptions.AllowTlsResume = false;'] : []),
    'var client = new HttpClient(handler)',
    '{',
    ...indent(
      [
        `DefaultRequestVersion = HttpVersion.Version${protocol === 'h2' ? '20' : '11'},`,
        ...when(timeouts.totalMs, ms => `Timeout = ${span(ms)},`),
      ],
      '    ',
    ),
    '};',
    ...(requestsPerConnection === 1 ? ['client.DefaultRequestHeaders.ConnectionClose = true;'] : []),
  ];
}

export const languageWriters = {
  go: { library: 'go', comment: '//', write: writeGo, refuse: refuseUsual },
  java: {
    library: 'java',
    comment: '//',
    write: writeJava,
    refuse: refuseUsual,
    notes: { 'pool.idleTimeoutMs': notesRounding },
  },
  'apache-httpclient': {
    library: 'apache-httpclient',
    comment: '//',
    write: writeApache,
    refuse: refuseUsual,
    notes: { 'pool.tcpKeepAliveMs': notesKernelTime },
  },
  'python-requests': {
    library: 'python-requests',
    comment: '#',
    write: writeRequests,
    refuse: refuseUsual,
    notes: { 'pool.tcpKeepAliveMs': notesRounding },
  },
  httpx: {
    library: 'httpx',
    comment: '#',
    write: writeHttpx,
    refuse: refuseUsual,
    notes: { 'pool.tcpKeepAliveMs': notesRounding },
  },
  dotnet: { library: 'dotnet', comment: '//', write: writeDotnet, refuse: refuseUsual },
} as const satisfies Record<string, Writer>;
