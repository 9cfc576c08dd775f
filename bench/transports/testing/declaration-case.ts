// In: a transport. Out: tests that what it says of itself can be trusted, and helps who reads it.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Client } from '../../core/client.ts';
import { Target } from '../../core/target.ts';
import { clientOf, type Subject } from './subject.ts';

/** Every setting of a client by its dotted path, but the transport itself. */
function clientSettings(): string[] {
  return Object.entries(Client.shape).flatMap(([name, schema]) => {
    const inner = 'unwrap' in schema ? schema.unwrap() : schema;
    return inner !== undefined && 'shape' in inner
      ? Object.keys(inner.shape).map(key => `${name}.${key}`)
      : [name];
  });
}

/** A value for each setting that some transport could have to refuse. */
const unusual: unknown[] = [
  { api: 'no-such-interface' },
  { body: 'dump' },
  { requestsPerConnection: 1, pool: { pipelining: 4 } },
  { requestsPerConnection: 5, pool: { pipelining: 4 } },
  { pool: { tlsSessions: 'pinned' } },
  { pool: { tlsSessions: 'none' } },
  { pool: { maxLifetimeMs: 100 } },
  { pool: { maxConcurrentStreams: 4 } },
  { protocol: 'h2' },
  { protocol: 'h2', requestsPerConnection: 1, pool: { pipelining: 4 } },
];

export function declarationCase(subject: Subject): void {
  const { module } = subject;

  suite('declaration', () => {
    test('what it honours are settings that there are, each once', () => {
      const known = clientSettings();
      assert.ok(known.includes('pool.maxConnections') && known.includes('body'), 'the schema was not read');
      assert.deepEqual(
        module.honours.filter(setting => !known.includes(setting)),
        [],
      );
      assert.equal(new Set(module.honours).size, module.honours.length);
    });

    test('every client has a body and a number of requests per connection: it honours both', () => {
      assert.ok(module.honours.includes('body') && module.honours.includes('requestsPerConnection'));
    });

    test('a refusal names a setting that it honours, says what is wrong and what would be right', () => {
      for (const tls of ['none', '1.3'] as const) {
        for (const stated of unusual) {
          const client = Client.parse({ ...subject.settings, ...(stated as object) });
          for (const { path, message, hint } of module.refusals(client, Target.parse({ tls }))) {
            assert.ok(module.honours.includes(path), `${path} is not among what it honours`);
            assert.ok(message.length > 10 && hint.length > 3, `${path}: ${message}; ${hint}`);
          }
        }
      }
    });

    test('what is not refused can be opened; with nothing stated nothing is refused', async () => {
      assert.deepEqual(module.refusals(clientOf(subject), Target.parse({})), []);
      for (const stated of unusual) {
        const client = Client.parse({ ...subject.settings, ...(stated as object) });
        if (module.refusals(client, Target.parse({ tls: '1.3' })).length > 0) continue;
        const transport = module.open({
          client,
          endpoint: { origin: 'http://127.0.0.1:9', path: '/' },
          onConnection: () => {},
        });
        await transport.close();
      }
    });
  });
}
