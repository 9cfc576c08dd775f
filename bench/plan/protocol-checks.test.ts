// Protocols and TLS that do not go together are refused at their place, with what would be right; the real plug-ins.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import type { Client } from '../../scenarios/model/client.ts';
import type { BehaviourModule, ClientPlugin } from '../contracts.ts';
import type { Target } from '../../scenarios/model/target.ts';
import { behaviours, transports } from '../cli/plugins.ts';
import { loadPlugins } from './read-scenarios.ts';
import { createValidator } from './validate.ts';

const validate = createValidator({
  transports: await loadPlugins<ClientPlugin>(transports),
  behaviours: await loadPlugins<BehaviourModule>(behaviours),
});

function problemsOf(target: z.input<typeof Target>, client: z.input<typeof Client> = {}) {
  const raw = { name: 'a', question: 'q', target, clients: { one: client }, baseline: 'one' };
  const validation = validate(raw, 'a.ts');
  return validation.isValid ? [] : validation.problems;
}

const h2 = { protocol: 'h2', tls: '1.3' } as const;

const sound: [target: z.input<typeof Target>, client: z.input<typeof Client>][] = [
  [h2, { protocol: 'h2' }],
  [
    { ...h2, tls: '1.2', tlsKey: 'rsa', maxConcurrentStreams: 7 },
    { protocol: 'h2', pool: { maxConnections: 4 } },
  ],
  [h2, { protocol: 'http1', requestsPerConnection: 1 }],
  [{}, { protocol: 'http1' }],
  [{ tls: '1.3', tlsKey: 'rsa' }, {}],
  [{ protocol: 'h2', url: 'https://127.0.0.1:8443/' }, { protocol: 'h2' }],
  [{ protocol: 'h2', url: 'https://127.0.0.1:8443/', maxRequestsPerSocket: 1_000 }, { protocol: 'h2' }],
];
for (const [target, client] of sound) {
  test(`nothing is wrong with ${JSON.stringify(target)} and ${JSON.stringify(client)}`, () => {
    assert.deepEqual(problemsOf(target, client), []);
  });
}

const wrong: [target: z.input<typeof Target>, client: z.input<typeof Client>, path: string, says: RegExp][] =
  [
    [{ protocol: 'h2' }, {}, 'target.protocol', /without TLS.*tls: '1\.3'/],
    [{ protocol: 'h2', url: 'http://127.0.0.1:80/' }, {}, 'target.protocol', /over TLS only.*https in url/],
    [{ maxConcurrentStreams: 9 }, {}, 'target.maxConcurrentStreams', /no streams.*protocol: 'h2'/],
    [{ tlsKey: 'rsa' }, {}, 'target.tlsKey', /no key.*tls: '1\.3'/],
    [{ ...h2, connectionClose: true }, {}, 'target.connectionClose', /no Connection header/],
    [{ ...h2, maxRequestsPerSocket: 9 }, {}, 'target.maxRequestsPerSocket', /no count/],
    [{ tls: '1.3' }, { protocol: 'h2' }, 'clients.one.protocol', /does not offer HTTP\/2/],
    [h2, { protocol: 'h2', requestsPerConnection: 1 }, 'clients.one.requestsPerConnection', /ignores/],
    [h2, { protocol: 'h2', pool: { pipelining: 4 } }, 'clients.one.pool.pipelining', /as streams/],
    [h2, { pool: { maxConcurrentStreams: 4 } }, 'clients.one.pool.maxConcurrentStreams', /no streams/],
  ];
for (const [target, client, path, says] of wrong) {
  test(`${JSON.stringify(target)} and ${JSON.stringify(client)}: ${path}`, () => {
    const problems = problemsOf(target, client);
    assert.deepEqual(
      problems.map(problem => problem.path),
      [path],
    );
    assert.match(`${problems[0]!.message}; ${problems[0]!.hint}`, says);
  });
}

const beyondUndici = {
  maxIdleConnections: 2,
  maxTotalConnections: 10,
  scheduling: 'lifo',
} as const;
for (const [setting, value] of Object.entries(beyondUndici)) {
  test(`undici refuses pool.${setting}, and whoever can is named`, () => {
    const [problem, ...others] = problemsOf({}, { pool: { [setting]: value } });
    assert.equal(others.length, 0);
    assert.equal(problem?.path, `clients.one.pool.${setting}`);
    assert.match(
      `${problem.message}; ${problem.hint}`,
      /undici cannot honour.*(transport: |no transport can$)/,
    );
  });
}
