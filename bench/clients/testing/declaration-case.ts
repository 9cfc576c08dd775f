// Conformance: what a client module declares about itself is true and helpful.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { CLIENT_SETTINGS } from '../../../scenarios/model/client.ts';
import { Target } from '../../../scenarios/model/target.ts';
import fixed from '../../../servers/behaviours/fixed.ts';
import { createValidator } from '../../plan/validate.ts';
import { plainRequest } from '../request.ts';
import { clientOf, refusalOf, type Stated, type Subject } from './subject.ts';

/** A value for each setting, and those in which some transport has to refuse one that it knows. */
const stated: Readonly<Record<string, Stated>> = {
  api: { api: 'no-such-interface' },
  options: { options: { a: 1 } },
  protocol: { protocol: 'h2' },
  requestsPerConnection: { requestsPerConnection: 5 },
  body: { body: 'dump' },
  'pool.maxConnections': { pool: { maxConnections: 5 } },
  'pool.maxTotalConnections': { pool: { maxTotalConnections: 5 } },
  'pool.maxIdleConnections': { pool: { maxIdleConnections: 0 } },
  'pool.idleTimeoutMs': { pool: { idleTimeoutMs: 60_000 } },
  'pool.idleTimeoutBufferMs': { pool: { idleTimeoutBufferMs: 100 } },
  'pool.maxLifetimeMs': { pool: { maxLifetimeMs: 60_000 } },
  'pool.pipelining': { pool: { pipelining: 4 } },
  'pool.maxConcurrentStreams': { pool: { maxConcurrentStreams: 5 } },
  'pool.scheduling': { pool: { scheduling: 'fifo' } },
  'pool.closing': { pool: { closing: 'reset' } },
  'pool.tcpKeepAliveMs': { pool: { tcpKeepAliveMs: 1_500 } },
  'pool.tlsSessions': { pool: { tlsSessions: 'pinned' } },
  'pool.tlsContext': { pool: { tlsContext: 'shared' } },
  'timeouts.connectMs': { timeouts: { connectMs: 1_000 } },
  'timeouts.headersMs': { timeouts: { headersMs: 1_000 } },
  'timeouts.bodyMs': { timeouts: { bodyMs: 1_000 } },
  'timeouts.totalMs': { timeouts: { totalMs: 1_000 } },
  'interceptors.retry': { interceptors: { retry: { maxRetries: 2 } } },
  'interceptors.dns': { interceptors: { dns: { maxTtlMs: 1_000 } } },
  'interceptors.cache': { interceptors: { cache: { maxEntries: 10 } } },
  'resilience.retry': { resilience: { retry: { maxRetries: 2, minDelayMs: 10, maxDelayMs: 20 } } },
  'resilience.breaker': { resilience: { breaker: { consecutiveFailures: 3, openMs: 100 } } },
  'resilience.bulkhead': { resilience: { bulkhead: { maxConcurrent: 5, maxQueued: 0 } } },
  'resilience.timeout': { resilience: { timeout: { attemptMs: 1_000 } } },
};

const together: readonly Stated[] = [
  { requestsPerConnection: 1 },
  { requestsPerConnection: 5, pool: { pipelining: 4 } },
  { requestsPerConnection: 1, protocol: 'h2' },
  { requestsPerConnection: 1, pool: { tcpKeepAliveMs: 2_000 } },
  { pool: { tlsSessions: 'none' } },
  { pool: { maxLifetimeMs: 100 } },
  { pool: { maxConcurrentStreams: 4 } },
  { pool: { closing: 'server' } },
  { pool: { scheduling: 'round-robin' } },
  { body: 'cancel' },
  { body: 'cancel', interceptors: { cache: {} } },
  { body: 'ignore' },
  { body: 'ignore', pool: { pipelining: 4 } },
  { protocol: 'h2' },
  { protocol: 'h2', body: 'ignore' },
  { protocol: 'h2', requestsPerConnection: 1, pool: { pipelining: 4 } },
  { pool: { idleTimeoutBufferMs: 100, idleTimeoutMs: 60_000 } },
];

export function declarationCase(subject: Subject): void {
  const { module, settings } = subject;
  const name = settings.transport!;

  suite('declaration', () => {
    test('honours lists existing settings, each once', () => {
      assert.deepEqual(
        Object.keys(stated).sort(),
        [...CLIENT_SETTINGS].sort(),
        'this table has every setting',
      );
      assert.deepEqual(
        module.honours.filter(setting => !CLIENT_SETTINGS.includes(setting)),
        [],
      );
      assert.equal(new Set(module.honours).size, module.honours.length);
    });

    test('it honours body and requestsPerConnection, which every client has', () => {
      assert.ok(module.honours.includes('body') && module.honours.includes('requestsPerConnection'));
    });

    const { cannot } = module;
    // A module of the user need not say.
    if (cannot !== undefined) {
      test('it honours each setting, or says in a sentence why it cannot', () => {
        assert.deepEqual([...module.honours, ...Object.keys(cannot)].sort(), [...CLIENT_SETTINGS].sort());
      });
    }

    const validate = createValidator({ transports: { [name]: module }, behaviours: { fixed } });
    const target = { tls: '1.3' } as const;
    for (const one of [...Object.values(stated), ...together]) {
      const refusal = refusalOf(subject, one, target);
      if (refusal === undefined) continue;
      test(`refuses ${JSON.stringify(one)} in a scenario: ${refusal.message}`, () => {
        const clients = { one: { ...settings, ...one } };
        const validation = validate({ name: 'a', question: 'q', target, clients, baseline: 'one' }, 'a.json');
        assert.ok(!validation.isValid);
        const problem = validation.problems.find(({ path }) => path === `clients.one.${refusal.path}`);
        assert.ok(problem?.message.includes(refusal.message), JSON.stringify(validation.problems));
        assert.ok((problem?.hint ?? '').length > 3);
      });
    }

    test('a refusal names a setting that it honours, what is wrong and what is expected', () => {
      for (const tls of ['none', '1.3'] as const) {
        for (const one of [...Object.values(stated), ...together]) {
          for (const { path, message, hint } of module.refusals(
            clientOf(subject, one),
            Target.parse({ tls }),
          )) {
            assert.ok(
              [...module.honours, 'transport'].includes(path),
              `${path} is not among what it honours`,
            );
            assert.ok(message.length > 10 && hint.length > 3, `${path}: ${message}; ${hint}`);
          }
        }
      }
    });

    test('what is not refused can be opened; with nothing stated nothing is refused', async () => {
      assert.deepEqual(module.refusals(clientOf(subject), Target.parse({})), []);
      for (const one of [...Object.values(stated), ...together]) {
        const client = clientOf(subject, one);
        if (module.refusals(client, Target.parse({ tls: '1.3' })).length > 0) continue;
        const transport = module.open({
          client,
          endpoint: { origin: 'http://127.0.0.1:9', path: '/' },
          requests: [plainRequest('/')],
          onConnection: () => {},
        });
        await transport.ready;
        await transport.close();
      }
    });
  });
}
