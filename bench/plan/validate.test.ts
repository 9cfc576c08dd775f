// What is wrong with a scenario is said in full, at its place, with what is expected; never by a throw.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { z } from 'zod';
import { Scenario } from '../../scenarios/model/scenario.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import { behaviours } from '../../servers/behaviours/index.ts';
import { fullScenario, plugins } from './testing/plugins.ts';
import { behaviourOptions, createScenarioSchema, createValidator, scenarioJsonSchema } from './validate.ts';

const validate = createValidator(plugins);

function problemsOf(raw: unknown) {
  const validation = validate(raw, 'x.ts');
  return validation.isValid ? [] : validation.problems;
}

/** A copy of the full scenario with members replaced; the value undefined takes one out. */
function withChanges(changes: Record<string, unknown>): unknown {
  const copy = structuredClone(fullScenario) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('.');
    const last = keys.pop()!;
    let holder = copy;
    for (const key of keys) holder = holder[key] as Record<string, unknown>;
    if (value === undefined) delete holder[last];
    else holder[last] = value;
  }
  return copy;
}

test('a valid scenario comes back with every default filled in', () => {
  const validation = validate(
    { name: 'a', question: 'q', clients: { one: {} }, baseline: 'one', $schema: './scenario.schema.json' },
    'a.json',
  );
  assert.ok(validation.isValid);
  assert.deepEqual(validation.scenario.target.behaviour, { name: 'fixed', bytes: 10 });
  assert.equal(validation.scenario.timing.slicing, 'alternate');
  assert.equal(validation.scenario.clients['one']?.requestsPerConnection, 'unlimited');
  assert.deepEqual(problemsOf(fullScenario), []);
});

const cases: {
  why: string;
  changes: Record<string, unknown>;
  path: string;
  message: RegExp;
  hint: RegExp;
}[] = [
  {
    why: 'a relay leads to one place',
    changes: { 'target.origins': 2, link: { roundTripMs: 5 } },
    path: 'link',
    message: /leads to one origin only/,
    hint: /origins: 1/,
  },
  {
    why: 'backends share one origin',
    changes: { 'target.origins': 2, 'target.backends': 2 },
    path: 'target.backends',
    message: /stand behind one origin/,
    hint: /origins: 1/,
  },
  {
    why: 'a table of origins has an end',
    changes: {
      'target.origins': 26,
      request: undefined,
      requests: [
        { name: 'a', path: '/a' },
        { name: 'b', path: '/b' },
      ],
    },
    path: 'target.origins',
    message: /2 requests to 26 origins/,
    hint: /at most 50/,
  },
  {
    why: 'an unknown key has a nearest name',
    changes: { 'clients.long.pool.pipelinig': 2 },
    path: 'clients.long.pool.pipelinig',
    message: /unknown setting/,
    hint: /^did you mean pipelining\?/,
  },
  {
    why: 'a part of a request is not one of the target: method',
    changes: { 'target.method': 'POST' },
    path: 'target.method',
    message: /stated in request/,
    hint: /^request: \{ (?:method|headers|body|path|query): \.\.\. \}$/,
  },
  {
    why: 'a part of a request is not one of the target: headers',
    changes: { 'target.headers': { authorization: 'Bearer x' } },
    path: 'target.headers',
    message: /stated in request/,
    hint: /^request: \{ (?:method|headers|body|path|query): \.\.\. \}$/,
  },
  {
    why: 'a part of a request is not one of the target: paths',
    changes: { 'target.paths': ['/a', '/b'] },
    path: 'target.paths',
    message: /stated in request/,
    hint: /^request: \{ (?:method|headers|body|path|query): \.\.\. \}$/,
  },
  {
    why: 'a word that is not one of those allowed has a nearest one',
    changes: { 'clients.short.body': 'redd' },
    path: 'clients.short.body',
    message: /"redd" is not allowed/,
    hint: /^did you mean "read"\? Allowed: "read", "dump", "cancel" or "ignore"$/,
  },
  {
    why: 'a number out of range has its range',
    changes: { 'load.concurrency': 0 },
    path: 'load.concurrency',
    message: /^0 is not allowed here$/,
    hint: /^an integer from 1 to 1000000$/,
  },
  {
    why: 'alternatives are both named',
    changes: { 'clients.long.pool.maxConnections': 'many' },
    path: 'clients.long.pool.maxConnections',
    message: /"many"/,
    hint: /^an integer from 1 to 1000000 or "unlimited"$/,
  },
  {
    why: 'what is missing is said to be',
    changes: { question: undefined },
    path: 'question',
    message: /^is missing$/,
    hint: /non-empty text/,
  },
  {
    why: 'an unknown behaviour has a nearest one',
    changes: { 'target.behaviour': { name: 'fixt' } },
    path: 'target.behaviour.name',
    message: /"fixt"/,
    hint: /^did you mean "fixed"\? Allowed: "fixed" or "slow"$/,
  },
  {
    why: 'a behaviour is known by its name before its options',
    changes: { 'target.behaviour': { name: 'fixt', kind: 'random' } },
    path: 'target.behaviour.name',
    message: /"fixt"/,
    hint: /^did you mean "fixed"/,
  },
  {
    why: 'an option of a behaviour is checked by that behaviour alone',
    changes: { 'target.behaviour': { name: 'slow', kind: 'random', meenMs: 1 } },
    path: 'target.behaviour.meenMs',
    message: /unknown setting/,
    hint: /^did you mean meanMs\? Known: name, kind, meanMs$/,
  },
  {
    why: 'a kind within a behaviour has its words',
    changes: { 'target.behaviour': { name: 'slow', kind: 'stedy' } },
    path: 'target.behaviour.kind',
    message: /"stedy"/,
    hint: /^did you mean "steady"\? Allowed: "steady" or "random"$/,
  },
  {
    why: 'an unknown transport has a nearest one',
    changes: { 'clients.long.transport': 'undicy' },
    path: 'clients.long.transport',
    message: /unknown transport "undicy"/,
    hint: /^did you mean undici\? Known: able, picky, plain, undici$/,
  },
  {
    why: 'the baseline is an arm',
    changes: { baseline: 'shirt' },
    path: 'baseline',
    message: /no client "shirt"/,
    hint: /^did you mean short\?/,
  },
  {
    why: 'an arm has a plain name',
    changes: { 'clients.Two Words': {} },
    path: 'clients."Two Words"',
    message: /"Two Words" cannot be a name/,
    hint: /lower-case/,
  },
  {
    why: 'a setting that is given must be honoured, and those that can are named',
    changes: {
      'clients.short': { transport: 'plain', requestsPerConnection: 1, pool: { maxConnections: 3 } },
    },
    path: 'clients.short.pool.maxConnections',
    message: /plain does not support/,
    hint: /^transport: able, picky or undici$/,
  },
  {
    why: 'a transport refuses values of its own',
    changes: { 'clients.short.transport': 'picky' },
    path: 'clients.short.body',
    message: /cannot dump/,
    hint: /read/,
  },
  {
    why: 'one request and several are not given together',
    changes: { request: { path: '/a' }, requests: [{ path: '/b' }] },
    path: 'requests',
    message: /already send the request/,
    hint: /request for one, or requests for several/,
  },
  {
    why: 'one request a connection leaves nothing to pipeline',
    changes: { 'clients.short.pool': { pipelining: 4 } },
    path: 'clients.short.pool.pipelining',
    message: /carries one request/,
    hint: /pipelining: 1/,
  },
  {
    why: 'warm-up bounds are in order',
    changes: { 'timing.warmupMinMs': 2_000 },
    path: 'timing.warmupMinMs',
    message: /2000 is more than the warmupMaxMs of 1000/,
    hint: /at most 1000/,
  },
  {
    why: 'replicate bounds are in order',
    changes: { 'timing.minReplicates': 4 },
    path: 'timing.minReplicates',
    message: /4 is more than the maxReplicates of 3/,
    hint: /at most 3/,
  },
  {
    why: 'nothing can be decided where nothing is expected',
    changes: { 'timing.until': 'decided', expect: [] },
    path: 'timing.until',
    message: /expect is empty/,
    hint: /a limit in expect/,
  },
  {
    why: 'an external server frames its responses itself',
    changes: { target: { url: 'http://127.0.0.1:1/', framing: 'close' } },
    path: 'target.framing',
    message: /^an external server decides itself how its responses end$/,
    hint: /no framing/,
  },
  {
    why: 'HTTP/2 has frames',
    changes: { 'target.protocol': 'h2', 'target.tls': '1.3', 'target.framing': 'chunked' },
    path: 'target.framing',
    message: /^HTTP\/2 ends each body by a frame$/,
    hint: /http1/,
  },
  {
    why: 'an expectation names points of a sweep',
    changes: { expect: [{ metric: 'meanUs', of: 'long', atLeast: 1, at: { 'load.thinkMs': [1] } }] },
    path: 'expect.0.at."load.thinkMs"',
    message: /^this setting is not swept$/,
    hint: /no at, or a sweep/,
  },
  {
    why: 'connections beyond need are no ratio',
    changes: {
      expect: [{ metric: 'unneededConnectionsPer1kRequests', of: 'long', over: 'short', atMost: 1 }],
    },
    path: 'expect.0.over',
    message: /divide by zero/,
    hint: /connectionsPer1kRequests/,
  },
  {
    why: 'without a limit of the pool none is beyond need',
    changes: {
      'clients.long.pool': { maxConnections: 'unlimited' },
      expect: [{ metric: 'unneededConnectionsPer1kRequests', of: 'long', atMost: 1 }],
    },
    path: 'expect.0.metric',
    message: /long has no connection limit/,
    hint: /pool\.maxConnections/,
  },
  {
    why: 'connections must outlive the other arms turns on the client',
    changes: { 'clients.long.pool.idleTimeoutMs': 100 },
    path: 'clients.long.pool.idleTimeoutMs',
    message: /idle for about \d+ ms: a timeout of 100 ms may close/,
    hint: /slicing: 'whole'/,
  },
  {
    why: 'and on the server',
    changes: { 'target.keepAliveTimeoutMs': 100 },
    path: 'target.keepAliveTimeoutMs',
    message: /idle for about \d+ ms/,
    hint: /slicing: 'whole'/,
  },
  {
    why: 'and on the way',
    changes: { link: { silentAfterIdleMs: 100 } },
    path: 'link.silentAfterIdleMs',
    message: /idle for about \d+ ms: a timeout of 100 ms may close/,
    hint: /slicing: 'whole'/,
  },
  {
    why: 'that is not in the file: the setting that makes the slices long is reported instead',
    changes: { 'load.concurrency': 10_000, 'clients.long.pool.idleTimeoutMs': 3_600_000 },
    path: 'load',
    message: /slices are so long that a client may be idle .* after 72000 ms \(target\.keepAliveTimeoutMs\)/,
    hint: /timing.slicing: 'whole', fewer concurrent requests/,
  },
  {
    why: 'a network makes the turns of the others longer',
    changes: { link: { roundTripMs: 110 } },
    path: 'clients.long.pool.idleTimeoutMs',
    message: /idle for about 2\d{4} ms: a timeout of 30000 ms may close/,
    hint: /slicing: 'whole'/,
  },
  {
    why: 'published figures are those of an arm',
    changes: { published: { source: 's', rows: [{ arm: 'shirt', meanMs: 1 }] } },
    path: 'published.rows.0.arm',
    message: /no client "shirt"/,
    hint: /^did you mean short\?/,
  },
  {
    why: 'an arm has one row of them',
    changes: {
      published: {
        source: 's',
        rows: [
          { arm: 'short', meanMs: 1 },
          { arm: 'short', requestsPerSec: 1 },
        ],
      },
    },
    path: 'published.rows.1.arm',
    message: /"short" already has a row/,
    hint: /one row per client/,
  },
  {
    why: 'a published row has a figure',
    changes: { published: { source: 's', rows: [{ arm: 'short' }] } },
    path: 'published.rows.0',
    message: /needs a figure: meanMs, requestsPerSec or errorRatio/,
    hint: /^$/,
  },
];

for (const { why, changes, path, message, hint } of cases) {
  test(`a problem: ${why}`, () => {
    const problems = problemsOf(withChanges(changes));
    assert.deepEqual(
      problems.map(problem => [problem.file, problem.path]),
      [['x.ts', path]],
    );
    assert.match(problems[0]!.message, message);
    assert.match(problems[0]!.hint ?? '', hint);
  });
}

const TWO_URLS = ['http://127.0.0.1:1/', 'http://127.0.0.1:2/'];
const FOREIGN = { url: 'https://localhost:8443/a?b=c' };
const PROXY = 'http://127.0.0.1:3128';

const foreignCases: {
  why: string;
  target: Record<string, unknown>;
  changes?: Record<string, unknown>;
  path: string;
  message: RegExp;
  hint: RegExp;
}[] = [
  {
    why: 'a behaviour is for a server of ours',
    target: { ...FOREIGN, behaviour: { name: 'fixed' } },
    path: 'target.behaviour',
    message: /an external server decides itself what it answers/,
    hint: /^no behaviour; /,
  },
  {
    why: 'the scheme says whether there is TLS, even where it agrees',
    target: { ...FOREIGN, tls: '1.3' },
    path: 'target.tls',
    message: /the scheme of url decides/,
    hint: /https or http in url/,
  },
  {
    why: 'the key is the certificate',
    target: { ...FOREIGN, tlsKey: 'rsa' },
    path: 'target.tlsKey',
    message: /its own certificate/,
    hint: /caFile/,
  },
  {
    why: 'its limit of streams is its own',
    target: { ...FOREIGN, maxConcurrentStreams: 10 },
    path: 'target.maxConcurrentStreams',
    message: /announces its own limit/,
    hint: /pool\.maxConcurrentStreams/,
  },
  {
    why: 'a URL that is repeated has no password',
    target: { url: 'http://me:s3cret@a b/' },
    path: 'target.url',
    message: /^"http:\/\/\[redacted\]@a b\/" is not allowed here$/,
    hint: /a URL such as/,
  },
  {
    why: 'a name and password would be shown to everybody',
    target: { url: 'http://me:secret@127.0.0.1/' },
    path: 'target.url',
    message: /credentials in a URL/,
    hint: /without credentials/,
  },
  {
    why: 'a fragment is never sent',
    target: { url: 'http://127.0.0.1/#top' },
    path: 'target.url',
    message: /never sent/,
    hint: /without it/,
  },
  {
    why: 'what may be unknown may be null',
    target: { ...FOREIGN, keepAliveHint: 'yes' },
    path: 'target.keepAliveHint',
    message: /"yes"/,
    hint: /^true or false or null$/,
  },
  {
    why: 'only http and https',
    target: { url: 'ftp://127.0.0.1/' },
    path: 'target.url',
    message: /ftp:/,
    hint: /http/,
  },
  {
    why: 'an authority needs TLS',
    target: { url: 'http://127.0.0.1/', caFile: 'ca.pem' },
    path: 'target.caFile',
    message: /an http server has no certificate/,
    hint: /https in url/,
  },
  {
    why: 'an authority needs a url',
    target: { caFile: 'ca.pem' },
    path: 'target.caFile',
    message: /conntax's own/,
    hint: /target\.url/,
  },
  ...['certFile', 'insecure', 'serverName', 'socketPath', 'proxy'].map(setting => ({
    why: `${setting} needs a url`,
    target: { [setting]: setting === 'insecure' ? true : setting === 'proxy' ? PROXY : 'a.pem' },
    path: `target.${setting}`,
    message: /without target\.url the server is conntax's own/,
    hint: /or a target\.url/,
  })),
  {
    why: 'plain HTTP asks for no certificate',
    target: { url: 'http://127.0.0.1/', certFile: 'me.pem' },
    path: 'target.certFile',
    message: /an http server has no certificate/,
    hint: /https in url/,
  },
  {
    why: 'a key belongs to a certificate',
    target: { ...FOREIGN, keyFile: 'me.key' },
    path: 'target.keyFile',
    message: /without its certificate/,
    hint: /certFile/,
  },
  {
    why: 'a passphrase belongs to a key',
    target: { ...FOREIGN, passphrase: { env: 'PHRASE' } },
    path: 'target.passphrase',
    message: /no key that it would decrypt/,
    hint: /certFile/,
  },
  {
    why: 'either some authority is trusted, or anybody',
    target: { ...FOREIGN, caFile: 'ca.pem', insecure: true },
    path: 'target.caFile',
    message: /no certificate is verified/,
    hint: /without insecure/,
  },
  {
    why: 'of a socket the url has the name',
    target: { url: 'http://a.test/', socketPath: 'a.sock', serverName: 'b.test' },
    path: 'target.serverName',
    message: /only a name already/,
    hint: /the name in url/,
  },
  {
    why: 'a proxy gets one name',
    target: { ...FOREIGN, proxy: PROXY, serverName: 'b.test' },
    path: 'target.serverName',
    message: /given one name of the server/,
    hint: /the name in url/,
  },
  {
    why: 'a proxy opens no Unix sockets',
    target: { ...FOREIGN, proxy: PROXY, socketPath: 'a.sock' },
    path: 'target.proxy',
    message: /not reached through a proxy/,
    hint: /only one of/,
  },
  {
    why: 'a password would be in every report',
    target: { ...FOREIGN, proxy: 'http://me:secret@proxy.test:3128' },
    path: 'target.proxy',
    message: /would appear in every report/,
    hint: /env: 'PROXY_URL'/,
  },
  {
    why: 'a proxy has no path',
    target: { ...FOREIGN, proxy: `${PROXY}/proxy.pac` },
    path: 'target.proxy',
    message: /a host and a port only/,
    hint: /'http:\/\/127\.0\.0\.1:3128'/,
  },
  ...['https://127.0.0.1:3128', 'socks5://127.0.0.1:1080', '127.0.0.1:3128'].map(proxy => ({
    why: `${proxy} is no HTTP proxy`,
    target: { ...FOREIGN, proxy },
    path: 'target.proxy',
    message: /is not allowed here/,
    hint: /./,
  })),
  {
    why: 'we give it no more origins',
    target: { ...FOREIGN, origins: 3 },
    path: 'target.origins',
    message: /only conntax's own server opens origins/,
    hint: /urls: \[\.\.\.\]/,
  },
  {
    why: 'several servers are several',
    target: { urls: ['http://127.0.0.1:1/'] },
    path: 'target.urls',
    message: /./,
    hint: /2 to 50|at least 2/,
  },
  {
    why: 'one server, or several',
    target: { ...FOREIGN, urls: TWO_URLS },
    path: 'target.urls',
    message: /url names one external server, urls names several/,
    hint: /only one of them/,
  },
  {
    why: 'several servers run already',
    target: { urls: TWO_URLS, command: 'node server.js' },
    path: 'target.command',
    message: /started by conntax \(command\) or runs already \(url, urls\)/,
    hint: /only one of them/,
  },
  {
    why: 'each of several URLs is looked at',
    target: { urls: ['http://127.0.0.1:1/', { url: 'http://me:secret@127.0.0.1:2/' }] },
    path: 'target.urls.1.url',
    message: /credentials in a URL/,
    hint: /without credentials/,
  },
  {
    why: 'each of several URLs is of http or https',
    target: { urls: ['http://127.0.0.1:1/', 'ftp://127.0.0.1/'] },
    path: 'target.urls.1',
    message: /ftp:/,
    hint: /http/,
  },
  {
    why: 'a weight is above 0',
    target: { urls: ['http://127.0.0.1:1/', { url: 'http://127.0.0.1:2/', weight: 0 }] },
    path: 'target.urls.1.weight',
    message: /0 is not allowed/,
    hint: /above 0/,
  },
  {
    why: 'two paths of one server are one origin',
    target: { urls: ['http://127.0.0.1:80/a', 'http://127.0.0.1:81/', 'http://127.0.0.1/b'] },
    path: 'target.urls.2',
    message: /http:\/\/127\.0\.0\.1 is also the server of target\.urls\.0/,
    hint: /several paths of one server are requests/,
  },
  {
    why: 'with TLS, or without',
    target: { urls: ['http://127.0.0.1:1/', 'https://127.0.0.1:2/'] },
    path: 'target.urls.1',
    message: /with TLS or without, and the first URL is http/,
    hint: /https in each/,
  },
  ...(['serverName', 'socketPath', 'proxy'] as const).map(setting => ({
    why: `${setting} leads to one server`,
    target: { urls: TWO_URLS, [setting]: setting === 'proxy' ? PROXY : 'a.pem' },
    path: `target.${setting}`,
    message: /one name|one server|which server/,
    hint: /a single url/,
  })),
  {
    why: 'several are external servers, too',
    target: { urls: TWO_URLS, tls: '1.3' },
    path: 'target.tls',
    message: /the scheme of url decides on TLS/,
    hint: /no tls/,
  },
  {
    why: 'a pinned session is of one server',
    target: { urls: ['https://127.0.0.1:1/', 'https://127.0.0.1:2/'] },
    changes: { 'clients.short': { requestsPerConnection: 1, pool: { tlsSessions: 'pinned' } } },
    path: 'clients.short.pool.tlsSessions',
    message: /one session is held/,
    hint: /'library' or 'none'/,
  },
  {
    why: 'a name is not an address',
    target: { ...FOREIGN, serverName: '127.0.0.1' },
    path: 'target.serverName',
    message: /not/,
    hint: /./,
  },
  {
    why: 'a socket has a setting of its own',
    target: { url: 'unix:/run/app.sock' },
    path: 'target.url',
    message: /a Unix socket, which has a setting of its own/,
    hint: /socketPath: '/,
  },
  {
    why: 'HTTP/2 needs TLS',
    target: { url: 'http://127.0.0.1/', protocol: 'h2' },
    path: 'target.protocol',
    message: /over TLS only/,
    hint: /https in url/,
  },
  {
    why: 'a server of ours knows its settings',
    target: { maxRequestsPerSocket: null },
    path: 'target.maxRequestsPerSocket',
    message: /null means unknown/,
    hint: /a value, or target\.url/,
  },
  {
    why: 'its CPU is not known',
    target: FOREIGN,
    changes: { expect: [{ metric: 'targetCpuUsPerRequest', of: 'short', atMost: 50 }] },
    path: 'expect.0.metric',
    message: /CPU use of an external server is unknown/,
    hint: /another metric/,
  },
  {
    why: "the kernel can't tell a relay's connections",
    target: FOREIGN,
    changes: { link: { roundTripMs: 5 } },
    path: 'link',
    message: /relay/,
    hint: /^no link, /,
  },
];

for (const { why, target, changes, path, message, hint } of foreignCases) {
  test(`a problem with someone else's server: ${why}`, () => {
    const problems = problemsOf(withChanges({ target, ...changes }));
    assert.deepEqual(
      problems.map(problem => problem.path),
      [path],
    );
    assert.match(problems[0]!.message, message);
    assert.match(problems[0]!.hint ?? '', hint);
  });
}

test('what is not stated of a server that we do not start is not known; what is stated is', () => {
  const target = { ...FOREIGN, maxRequestsPerSocket: 100, connectionClose: undefined };
  const validation = validate(withChanges({ target }), 'x.ts');
  assert.ok(validation.isValid);
  const { keepAliveTimeoutMs, maxRequestsPerSocket, keepAliveHint, connectionClose } =
    validation.scenario.target;
  assert.deepEqual(
    [keepAliveTimeoutMs, maxRequestsPerSocket, keepAliveHint, connectionClose],
    [null, 100, null, null],
  );
  assert.deepEqual(Scenario.parse(JSON.parse(JSON.stringify(validation.scenario))), validation.scenario);
});

test('nor of one that a command starts', () => {
  const validation = validate(withChanges({ target: { command: 'npm start' } }), 'x.ts');
  assert.ok(validation.isValid);
  const { keepAliveTimeoutMs, connectionClose } = validation.scenario.target;
  assert.deepEqual([keepAliveTimeoutMs, connectionClose], [null, null]);
});

const STARTED = { command: 'npm start' };
const startedCases: [target: Record<string, unknown>, path: string, message: RegExp, hint: RegExp][] = [
  [{ ...STARTED, url: 'http://127.0.0.1:1/' }, 'command', /started by conntax/, /request\.path/],
  [{ command: ' ' }, 'command', /not allowed/, /./],
  [{ ready: '/health' }, 'ready', /only a server that conntax starts/, /no ready, or a command/],
  [{ cwd: 'x', url: 'http://127.0.0.1:1/' }, 'cwd', /only a server that conntax starts/, /no cwd/],
  [{ ...STARTED, behaviour: { name: 'fixed' } }, 'behaviour', /decides itself/, /request\.path/],
  [{ ...STARTED, tls: '1.3' }, 'tls', /plain HTTP/, /no tls/],
  [{ ...STARTED, protocol: 'h2' }, 'protocol', /plain HTTP/, /http1/],
  [{ ...STARTED, ready: 'health' }, 'ready', /not allowed/, /./],
  [{ ...STARTED, portEnv: 'A B' }, 'portEnv', /not allowed/, /./],
  [{ ...STARTED, env: { API_TOKEN: 'x' } }, 'env.API_TOKEN', /credential/, /in the environment of conntax/],
];
for (const [target, path, message, hint] of startedCases) {
  test(`refused: ${JSON.stringify(target)}`, () => {
    const validation = validate(withChanges({ target }), 'x.ts');
    assert.ok(!validation.isValid);
    const found = validation.problems.filter(problem => problem.path === `target.${path}`);
    assert.equal(found.length, 1, JSON.stringify(validation.problems));
    assert.match(found[0]!.message, message);
    assert.match(found[0]!.hint ?? '', hint);
    assert.equal(validation.problems.length, 1, JSON.stringify(validation.problems));
  });
}

test('an emulated network is no server of our own either; its CPU time may be expected', () => {
  const link = validate(withChanges({ target: STARTED, link: { roundTripMs: 1 } }), 'x.ts');
  assert.deepEqual(link.isValid ? [] : link.problems.map(({ path }) => path), ['link']);
  const expect = [{ metric: 'targetCpuUsPerRequest', of: 'short', atMost: 100 }];
  assert.ok(validate(withChanges({ target: STARTED, expect }), 'x.ts').isValid);
});

const fine: [string, Record<string, unknown>][] = [
  ["someone else's server, with all that can be stated of it", { target: { ...FOREIGN, caFile: 'ca.pem' } }],
  [
    'a way to it in every detail',
    {
      target: {
        ...FOREIGN,
        caFile: 'ca.pem',
        certFile: 'me.pem',
        keyFile: 'me.key',
        passphrase: { env: 'PHRASE' },
        serverName: 'api.internal',
      },
    },
  ],
  ['a proxy by its URL', { target: { ...FOREIGN, proxy: PROXY } }],
  ['a proxy with a password', { target: { ...FOREIGN, proxy: { env: 'PROXY_URL' } } }],
  ['a Unix socket', { target: { url: 'https://a.test/', socketPath: 'a.sock', insecure: true } }],
  ['its idle time may be unknown', { target: { ...FOREIGN, keepAliveTimeoutMs: null } }],
  ['0 means that the server never closes', { 'target.keepAliveTimeoutMs': 0 }],
  [
    'whole slices leave no gap',
    {
      'timing.slicing': 'whole',
      'clients.long.pool.idleTimeoutMs': 100,
      'target.keepAliveTimeoutMs': 100,
      link: { silentAfterIdleMs: 100 },
    },
  ],
  [
    'short arms keep nothing idle',
    { clients: { one: { requestsPerConnection: 1 } }, baseline: 'one', 'target.keepAliveTimeoutMs': 100 },
  ],
  [
    'published figures without a link',
    { published: { source: 's', rows: [{ arm: 'short', errorRatio: 0 }] } },
  ],
  ['a default need not be honoured', { 'clients.short': { transport: 'plain' } }],
  [
    'the total time is kept by the harness',
    { 'clients.short': { transport: 'plain', timeouts: { totalMs: 9 } } },
  ],
];
for (const [why, changes] of fine) {
  test(`no problem: ${why}`, () => assert.deepEqual(problemsOf(withChanges(changes)), []));
}

test('all problems come at once: of fields, across fields, of transports', () => {
  const paths = problemsOf(
    withChanges({
      name: 'Not A Name',
      tags: ['UPPER'],
      'load.concurrency': 'many',
      'timing.minReplicates': 9,
      'clients.short.transport': 'nope',
      'clients.long.pool.maxConnections': 0,
      baseline: 'nobody',
      extra: true,
    }),
  ).map(problem => problem.path);
  assert.deepEqual(
    paths.sort(),
    [
      'baseline',
      'clients.long.pool.maxConnections',
      'clients.short.transport',
      'extra',
      'load.concurrency',
      'name',
      'tags.0',
      'timing.minReplicates',
    ].sort(),
  );
});

test('rules across fields run beside a missing option', () => {
  const changes = { 'target.behaviour': { name: 'slow', kind: 'steady' }, baseline: 'nobody' };
  assert.deepEqual(
    problemsOf(withChanges(changes)).map(problem => problem.path),
    ['target.behaviour.waitMs', 'baseline'],
  );
});

test('a faulty field is not blamed for what its default would do', () => {
  const isBlamed = problemsOf(withChanges({ 'timing.maxReplicates': 'x', 'timing.minReplicates': 50 }));
  assert.deepEqual(
    isBlamed.map(problem => problem.path),
    ['timing.maxReplicates'],
  );
});

test('values nested so deeply that their text would overflow the stack are problems like others', () => {
  const deep: unknown = JSON.parse('['.repeat(5_000) + ']'.repeat(5_000));
  for (const path of ['target.url', 'name', 'timing', 'load.concurrency'])
    assert.deepEqual(
      problemsOf(withChanges({ [path]: deep })).map(problem => problem.path),
      [path],
    );
});

test('anything but an object is one problem', () => {
  for (const raw of [undefined, null, 3, 'text', [], () => {}]) {
    assert.deepEqual(
      problemsOf(raw).map(({ path }) => path),
      [''],
    );
  }
});

/** Every path to a member of the value. */
function memberPaths(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [
    [key],
    ...memberPaths(member).map(rest => [key, ...rest]),
  ]);
}

test('any mutation of a valid scenario is valid or has problems with file, path and message', () => {
  const mutation = fc.record({
    path: fc.constantFrom(...memberPaths(fullScenario)),
    kind: fc.constantFrom('delete', 'rename', 'retype'),
    name: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'name', 'pool')),
    value: fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(undefined, Number.NaN, 1n, Symbol('s'), () => {}, {}, []),
    ),
  });
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), mutations => {
      const raw = structuredClone(fullScenario) as Record<string, unknown>;
      for (const { path, kind, name, value } of mutations) {
        let holder: unknown = raw;
        for (const key of path.slice(0, -1)) holder = (holder as Record<string, unknown> | undefined)?.[key];
        if (typeof holder !== 'object' || holder === null) continue;
        const members = holder as Record<string, unknown>;
        const key = path.at(-1)!;
        if (kind === 'retype') members[key] = value;
        else if (kind === 'rename' && key in members) {
          Object.defineProperty(members, name, {
            value: members[key],
            enumerable: true,
            configurable: true,
            writable: true,
          });
        }
        if (kind !== 'retype' && !(kind === 'rename' && name === key)) delete members[key];
      }
      const validation = validate(raw, 'x.ts');
      if (validation.isValid) return;
      assert.ok(validation.problems.length > 0);
      for (const problem of validation.problems) {
        assert.equal(problem.file, 'x.ts');
        assert.equal(typeof problem.path, 'string');
        assert.ok(problem.message.length > 0);
      }
    }),
    { numRuns: 500 },
  );
});

for (const name of ['constructor', '__proto__']) {
  test(`a client cannot be called ${name}`, () => {
    const raw = JSON.parse(`{"name":"a","question":"q","clients":{"one":{},"${name}":{}},"baseline":"one"}`);
    const [problem, ...others] = problemsOf(raw);
    assert.equal(problem?.path, `clients.${name}`);
    assert.match(problem.message, /cannot be a name/);
    assert.deepEqual(others, []);
  });
}

async function loadBehaviours(): Promise<Record<string, BehaviourModule>> {
  const entries = Object.entries(behaviours).map(
    async ([name, load]) => [name, (await load()).default] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

test('scenarios/scenario.schema.json is in step (npm run schema:write)', async () => {
  const committed = await readFile(new URL('../../scenarios/scenario.schema.json', import.meta.url), 'utf8');
  const written = scenarioJsonSchema(behaviourOptions(await loadBehaviours()));
  assert.deepEqual(JSON.parse(committed), JSON.parse(JSON.stringify(written)));
});

test('the JSON Schema and the parser agree', () => {
  const options = behaviourOptions(plugins.behaviours);
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  const validate = ajv.compile(scenarioJsonSchema(options));
  const parser = createScenarioSchema(options);
  const cases: [boolean, unknown][] = [
    [true, fullScenario],
    [true, { name: 'a', question: 'q', clients: {}, baseline: 'b' }],
    [false, { ...fullScenario, extra: 1 }],
    [false, { ...fullScenario, load: { concurrency: 0 } }],
    [false, { ...fullScenario, target: { behaviour: { name: 'slow', kind: 'steady' } } }],
    [false, { ...fullScenario, clients: { 'Not a name': {} } }],
  ];
  for (const [isValid, raw] of cases) {
    assert.equal(validate(raw), isValid, JSON.stringify(validate.errors));
    assert.equal(parser.safeParse(raw).success, isValid);
  }
});

test('every setting has a description, but those that only hold others', () => {
  const schema = scenarioJsonSchema(behaviourOptions(plugins.behaviours));
  const client = schema.properties?.['clients'];
  assert.ok(typeof client === 'object' && typeof client.additionalProperties === 'object');
  for (const [name, node] of Object.entries(client.additionalProperties.properties ?? {})) {
    assert.ok(typeof node === 'object' && (node.description !== undefined || node.type === 'object'), name);
  }
});

test('a behaviour whose options are no object is a bug that names it', () => {
  const odd = {
    ...plugins.behaviours,
    odd: { ...plugins.behaviours['fixed']!, options: z.string() },
  };
  assert.throws(() => behaviourOptions(odd), /odd/);
});
