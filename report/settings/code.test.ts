// Code for every library: each setting is in it, or named in a comment, and the table says which.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CLIENT_SETTINGS, Client } from '../../scenarios/model/client.ts';
import { settingsCode } from './code.ts';
import { type WriterName, writers } from './libraries/index.ts';
import { CONCEPTS, CONNTAX_ONLY, type Concept, code } from './library.ts';

const NAMES = Object.keys(writers) as WriterName[];

/** The code alone. */
function withoutComments(text: string): string {
  return text
    .split('\n')
    .filter(line => !/^\s*(?:\/\/|#)/.test(line))
    .join('\n');
}

function codeFor(input: object, name: WriterName): string {
  return withoutComments(settingsCode(Client.parse(input), name, []).text);
}

/** Values of each setting. */
const PROBES: Record<string, unknown[]> = {
  api: ['dispatch'],
  options: [{ a: 1 }],
  body: ['dump', 'cancel', 'ignore'],
  protocol: ['h2'],
  requestsPerConnection: [1],
  'interceptors.retry': [{ maxRetries: 2 }],
  'interceptors.dns': [{ maxTtlMs: 500 }],
  'interceptors.cache': [{ maxEntries: 9 }],
  'resilience.retry': [{ maxRetries: 2, minDelayMs: 10, maxDelayMs: 20 }],
  'resilience.breaker': [{ consecutiveFailures: 2, openMs: 10 }],
  'resilience.bulkhead': [{ maxConcurrent: 2, maxQueued: 0 }],
  'resilience.timeout': [{ attemptMs: 10 }],
  'pool.maxConnections': [37],
  'pool.maxTotalConnections': [41],
  'pool.maxIdleConnections': [7],
  'pool.idleTimeoutMs': [9_000],
  'pool.idleTimeoutBufferMs': [1_700],
  'pool.maxLifetimeMs': [61_000],
  'pool.pipelining': [3],
  'pool.maxConcurrentStreams': [17],
  'pool.scheduling': ['lifo', 'fifo', 'round-robin'],
  'pool.closing': ['server'],
  'pool.tcpKeepAliveMs': [11_000],
  'pool.tlsSessions': ['none'],
  'pool.tlsContext': ['shared'],
  'timeouts.connectMs': [1_300],
  'timeouts.headersMs': [2_300],
  'timeouts.bodyMs': [3_000],
  'timeouts.totalMs': [4_300],
};

/** A client with one setting. */
function clientWith(setting: string, value: unknown): object {
  const [outer, inner] = setting.split('.');
  return inner === undefined ? { [outer!]: value } : { [outer!]: { [inner]: value } };
}

test('every setting of a client is in the table, or is of conntax alone', () => {
  assert.deepEqual(
    [...Object.keys(CONCEPTS), ...Object.keys(CONNTAX_ONLY)].sort(),
    CLIENT_SETTINGS.toSorted(),
  );
  assert.deepEqual(Object.keys(PROBES).sort(), CLIENT_SETTINGS.toSorted());
});

for (const name of NAMES) {
  test(`${name}: a setting changes the code, or a comment says that the library has none`, () => {
    const plain = codeFor({}, name);
    const probes = Object.entries(PROBES).flatMap(([setting, values]) =>
      values.map(value => [setting, value] as const),
    );
    for (const [setting, value] of probes) {
      const { lacking, text } = settingsCode(Client.parse(clientWith(setting, value)), name, []);
      const isLacking = lacking.some(remark => remark.setting === setting);
      assert.equal(text.includes(`Not set: ${setting} = ${JSON.stringify(value)} (`), isLacking, setting);
      const entry = setting in CONCEPTS ? writers[name].settings[setting as Concept] : undefined;
      // What the library does anyway needs no code, and off needs none where off is the default.
      const isDefault =
        entry?.default === value || (setting === 'pool.tlsSessions' && entry?.default === 'none resumed');
      const changes = codeFor(clientWith(setting, value), name) !== plain;
      if (isDefault) assert.ok(!isLacking, setting);
      else assert.equal(changes, !isLacking, setting);
      if (entry?.name === null && !isDefault) assert.ok(isLacking, setting);
    }
  });
}

test('a number of requests for each connection is refused where a library does not count', () => {
  const counting = NAMES.filter(name => {
    const { lacking } = settingsCode(Client.parse({ requestsPerConnection: 50 }), name, []);
    return lacking.length === 0;
  });
  assert.deepEqual(counting, ['undici', 'nginx']);
});

const limit = fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.constant('unlimited'));
const ms = fc.integer({ min: 1, max: 3_600_000 });

const SURROGATES = { from: 0xd800, count: 0x800 };
/** Any character there is. The library's own `binary` makes a table of a million of them first, which takes a second. */
const character = fc.nat(0x10_ff_ff - SURROGATES.count).map(
  place => String.fromCodePoint(place < SURROGATES.from ? place : place + SURROGATES.count),
  text => {
    const code = String(text).codePointAt(0)!;
    return code < SURROGATES.from ? code : code - SURROGATES.count;
  },
);
const anyText = fc.string({ unit: character });

const anyClient = fc
  .record({
    requestsPerConnection: fc.oneof(fc.integer({ min: 1, max: 1_000_000 }), fc.constant('unlimited')),
    protocol: fc.constantFrom('http1', 'h2'),
    options: fc.dictionary(anyText, anyText),
    pool: fc.record(
      {
        maxConnections: limit,
        maxTotalConnections: limit,
        maxIdleConnections: fc.integer({ min: 0, max: 10_000 }),
        idleTimeoutMs: ms,
        idleTimeoutBufferMs: ms,
        maxLifetimeMs: ms,
        pipelining: fc.integer({ min: 1, max: 100 }),
        maxConcurrentStreams: fc.integer({ min: 1, max: 10_000 }),
        scheduling: fc.constantFrom('lifo', 'fifo', 'round-robin'),
        tcpKeepAliveMs: ms,
        tlsSessions: fc.constantFrom('none', 'library', 'pinned'),
      },
      { requiredKeys: [] },
    ),
    timeouts: fc.record({ connectMs: ms, headersMs: ms, bodyMs: ms, totalMs: ms }, { requiredKeys: [] }),
  })
  .map(input => Client.parse(input));

test('any client becomes code without holes, and what a scenario says stays within its comment', () => {
  fc.assert(
    fc.property(anyClient, fc.constantFrom(...NAMES), (client, name) => {
      const { text } = settingsCode(client, name, ['a client\u2028of a "scenario"\n']);
      assert.doesNotMatch(withoutComments(text), /undefined|NaN|Infinity|unlimited|round-robin|\[object/i);
      const { comment } = writers[name];
      const [head] = text.split('\n\n');
      for (const line of head!.split(/[\n\r\u2028\u2029]/u)) assert.ok(line.startsWith(comment), line);
    }),
  );
});

test('the persistent client of short-vs-persistent for Go, as it is printed', () => {
  const client = Client.parse({ pool: { maxConnections: 100 } });
  assert.equal(
    settingsCode(client, 'go', ['Client persistent of short-vs-persistent.']).text,
    `// Client persistent of short-vs-persistent.
// For Go net/http; names as in Go 1.19.8.

package client

import (
	"crypto/tls"
	"net/http"
)

// New makes the client: once for the process, because its connections belong to it.
func New() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxConnsPerHost = 100
	transport.MaxIdleConnsPerHost = 100 // the default is 2
	transport.MaxIdleConns = 0          // no limit for all hosts together
	transport.ForceAttemptHTTP2 = false
	// Without this, a Transport still speaks HTTP/2 where the server offers it.
	transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	return &http.Client{Transport: transport}
}`,
  );
});

test('a time that is not whole seconds is rounded up, and a comment says so', () => {
  const { text, notes } = settingsCode(Client.parse({ pool: { idleTimeoutMs: 1_500 } }), 'java', []);
  assert.match(text, /"jdk\.httpclient\.keepalive\.timeout", "2"/);
  assert.match(
    text,
    /^\/\/ Set in another way: pool\.idleTimeoutMs = 1500 \(in whole seconds, rounded up\)$/m,
  );
  assert.equal(notes.length, 1);
  assert.equal(settingsCode(Client.parse({ pool: { idleTimeoutMs: 2_000 } }), 'java', []).notes.length, 0);
});

test('code keeps its indentation, several lines take that of their place, and an empty value takes its line away', () => {
  const lines = code`
    a {
        ${['b', '', '  c']}
        ${''}
        ${[]}

        d = ${false}${''};
    }
  `;
  assert.deepEqual(lines, ['a {', '    b', '', '      c', '', '    d = false;', '}']);
});
