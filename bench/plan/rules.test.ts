// Rules between settings: what cannot be measured together is refused, with what would be right.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { z } from 'zod';
import type { Client } from '../../scenarios/model/client.ts';
import type { Load } from '../../scenarios/model/load.ts';
import { Scenario, type ScenarioInput } from '../../scenarios/model/scenario.ts';
import type { Target } from '../../scenarios/model/target.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import { behaviours } from '../../servers/behaviours/index.ts';
import { transports } from '../clients/index.ts';
import type { ClientPlugin, EngineModule } from '../contracts.ts';
import { leaveOutMissing } from './left-out.ts';
import { planRun } from './plan.ts';
import { loadPlugins } from './read-scenarios.ts';
import { withRules } from './rules.ts';
import { plugins } from './testing/plugins.ts';
import { createValidator } from './validate.ts';

describe('Several generators need a load and pools that can be divided', () => {
  const validate = createValidator({ ...plugins, transports: plugins.transports });
  function problemsOf(stated: Record<string, unknown>): string[] {
    const raw = { name: 'x', question: 'q', clients: { a: {} }, baseline: 'a', ...stated };
    const validation = validate(raw, 'x.ts');
    return validation.isValid ? [] : validation.problems.map(({ path, hint }) => `${path}: ${hint}`);
  }
  const pool = { pool: { maxConnections: 1 } };

  for (const [why, stated, problems] of [
    ['sound', { generators: 4 }, []],
    [
      'too few users',
      { generators: 4, load: { concurrency: 3 } },
      ['load.concurrency: at least 4, or generators: 3 at most'],
    ],
    [
      'one connection',
      { generators: 2, clients: { a: pool } },
      ['clients.a.pool.maxConnections: 2, or generators: 1'],
    ],
    [
      'left to the machine, which takes what can be divided',
      { generators: 'auto', clients: { a: pool } },
      [],
    ],
    ['a faulty number is the only problem', { generators: 0, clients: { a: pool } }, [/^generators: /]],
  ] as const) {
    test(why, () => {
      const found = problemsOf(stated);
      assert.equal(found.length, problems.length, found.join('\n'));
      for (const [index, problem] of problems.entries()) {
        if (typeof problem === 'string') assert.equal(found[index], problem);
        else assert.match(found[index]!, problem);
      }
    });
  }
});

describe("What a load tool can't do in a scenario is said at its place, with the reason; what may be left out, is", () => {
  function createEngine(stated: Partial<EngineModule> = {}): EngineModule {
    return {
      kind: 'engine',
      countsConnections: false,
      honours: ['requestsPerConnection', 'body'],
      refusals: () => [],
      open: () => {
        throw new Error('planning opens no tool');
      },
      ...stated,
    };
  }

  const absent = { message: 'the program is not installed', hint: 'apt-get install it' };
  const transports = {
    ...plugins.transports,
    quick: createEngine(),
    slow: createEngine({ leastSliceMs: 1_000 }),
    absent: createEngine({ missing: () => absent }),
    small: createEngine({
      refusesLoad: (_client, { concurrency }) =>
        concurrency > 50 ? { message: 'it keeps no more than 50', hint: 'at most 50 users' } : undefined,
    }),
  };
  const validate = createValidator({ ...plugins, transports });

  function scenarioWith(arm: Record<string, unknown>, others: Record<string, unknown> = {}) {
    return {
      name: 'tools',
      question: 'q',
      clients: { tool: arm, library: {} },
      baseline: 'library',
      ...others,
    };
  }

  function problemsOf(raw: unknown): string[] {
    const validation = validate(raw, 'x.ts');
    return validation.isValid
      ? []
      : validation.problems.map(({ path, message, hint }) => `${path}: ${message}; ${hint}`);
  }

  const closed = { model: 'closed', concurrency: 100 };
  const rows: { why: string; raw: unknown; problem: RegExp | null }[] = [
    { why: 'a tool in short slices', raw: scenarioWith({ transport: 'quick' }), problem: null },
    {
      why: 'a deadline that the harness would keep',
      raw: scenarioWith({ transport: 'quick', timeouts: { totalMs: 100 } }),
      problem: /^clients\.tool\.timeouts\.totalMs: the transport quick does not support.*transport: /,
    },
    {
      why: 'an open load',
      raw: scenarioWith({ transport: 'quick' }, { load: { model: 'open', ratePerSec: 10 } }),
      problem: /^load\.model: client tool uses quick, which supports closed load only/,
    },
    {
      why: 'users that think',
      raw: scenarioWith({ transport: 'quick' }, { load: { ...closed, thinkMs: 5 } }),
      problem: /^load\.thinkMs: client tool uses quick, which has no think time; 0 /,
    },
    {
      why: 'slices shorter than its start is worth',
      raw: scenarioWith({ transport: 'slow' }),
      problem: /^timing\.sliceMs: client tool uses slow.* of 100 ms; at least 1000$/,
    },
    {
      why: 'long slices',
      raw: scenarioWith({ transport: 'slow' }, { timing: { sliceMs: 1_000 } }),
      problem: null,
    },
    {
      why: 'a whole slice that is too short',
      raw: scenarioWith({ transport: 'slow' }, { timing: { slicing: 'whole', measureMs: 500 } }),
      problem: /^timing\.measureMs: .*; at least 1000$/,
    },
    {
      why: 'a whole slice, whatever sliceMs is',
      raw: scenarioWith({ transport: 'slow' }, { timing: { slicing: 'whole' } }),
      problem: null,
    },
    {
      why: 'more users than it can',
      raw: scenarioWith({ transport: 'small' }, { load: closed }),
      problem: /^load\.concurrency: it keeps no more than 50; at most 50 users$/,
    },
    {
      why: 'a program that is missing',
      raw: scenarioWith({ transport: 'absent' }),
      problem: /^clients\.tool\.transport: the program is not installed; apt-get install it$/,
    },
    {
      why: 'one that may be',
      raw: scenarioWith({ transport: 'absent', ifInstalled: true }),
      problem: null,
    },
    {
      why: 'a baseline that might be left out',
      raw: scenarioWith({ transport: 'quick', ifInstalled: true }, { baseline: 'tool' }),
      problem: /^clients\.tool\.ifInstalled: .* cannot be optional; false, or another baseline$/,
    },
  ];

  for (const { why, raw, problem } of rows) {
    test(`${problem === null ? 'fine' : 'refused'}: ${why}`, () => {
      const problems = problemsOf(raw);
      if (problem === null) assert.deepEqual(problems, []);
      else {
        assert.equal(problems.length, 1, problems.join('\n'));
        assert.match(problems[0]!, problem);
      }
    });
  }

  test('only what may be left out and is missing is left out', () => {
    const scenario = Scenario.parse({
      ...scenarioWith({ transport: 'absent', ifInstalled: true }),
      clients: {
        tool: { transport: 'absent', ifInstalled: true },
        there: { transport: 'quick', ifInstalled: true },
        library: { ifInstalled: true },
        own: { transport: './own.ts', ifInstalled: true },
      },
    });
    const [fitted] = leaveOutMissing([scenario], transports);
    assert.deepEqual(fitted?.leftOut, [{ arm: 'tool', ...absent }]);
    assert.deepEqual(Object.keys(fitted?.clients ?? {}), ['there', 'library', 'own']);
    assert.equal(fitted?.clients['there'], scenario.clients['there']);
    assert.deepEqual(leaveOutMissing([scenario], plugins.transports), [scenario]);
  });

  test('the plan reports what is left out, and plans the rest', () => {
    const scenario = Scenario.parse(scenarioWith({ transport: 'absent', ifInstalled: true }));
    const [cell] = planRun(leaveOutMissing([scenario], transports), { seed: 1 }).cells;
    assert.deepEqual([cell?.arms, cell?.leftOut], [['library'], [{ arm: 'tool', ...absent }]]);
  });
});

describe('Loads of every model are read with their defaults; what is wrong with one is said at its place', () => {
  const validate = createValidator(plugins);

  function validated(load: unknown, clients: object = { one: {} }, timing: object = {}) {
    return validate({ name: 'a', question: 'q', load, clients, baseline: 'one', timing }, 'a.json');
  }

  const objective = { p99Ms: 50 };

  const fine: [given: object, resolved: Load][] = [
    [{}, { model: 'closed', concurrency: 100, thinkMs: 0 }],
    [
      { model: 'open', ratePerSec: 1_500 },
      { model: 'open', ratePerSec: 1_500, arrivals: 'poisson', maxInFlight: 1_000 },
    ],
    [
      { model: 'burst', size: 100, everyMs: 250 },
      { model: 'burst', size: 100, everyMs: 250, maxInFlight: 10_000 },
    ],
    [
      { model: 'capacity', objective },
      {
        model: 'capacity',
        objective: { p99Ms: 50, errorRatio: 0.0005 },
        minRatePerSec: 10,
        maxRatePerSec: 50_000,
        resolutionRatio: 0.05,
        probeMs: 1_000,
        arrivals: 'poisson',
        maxInFlight: 1_000,
      },
    ],
  ];
  for (const [given, resolved] of fine) {
    test(`a load with its defaults: ${JSON.stringify(given)}`, () => {
      const validation = validated(given);
      assert.ok(validation.isValid, JSON.stringify(validation));
      assert.deepEqual(validation.scenario.load, resolved);
    });
  }

  const wrong: [why: string, load: object, path: string, message: RegExp, hint: RegExp][] = [
    [
      'a model that is none',
      { model: 'opne', ratePerSec: 1 },
      'load.model',
      /"opne" is not allowed/,
      /"open"/,
    ],
    [
      'an open load without a rate',
      { model: 'open' },
      'load.ratePerSec',
      /is missing/,
      /from 0\.1 to 1000000/,
    ],
    [
      "another model's setting",
      { model: 'open', ratePerSec: 5, concurrency: 5 },
      'load.concurrency',
      /unknown setting/,
      /./,
    ],
    [
      'a burst without a pause',
      { model: 'burst', size: 5, everyMs: 0 },
      'load.everyMs',
      /0 is not allowed/,
      /from 1 to 60000/,
    ],
    ['a search without an objective', { model: 'capacity' }, 'load.objective', /is missing/, /object/],
    [
      'an objective without a latency',
      { model: 'capacity', objective: {} },
      'load.objective',
      /any rate would pass/,
      /p99Ms, p50Ms or both/,
    ],
    [
      'nothing to search',
      { model: 'capacity', objective, minRatePerSec: 500, maxRatePerSec: 500 },
      'load.minRatePerSec',
      /500 is not less than maxRatePerSec \(500\)/,
      /less than 500/,
    ],
  ];
  for (const [why, load, path, message, hint] of wrong) {
    test(`refused: ${why}`, () => {
      const validation = validated(load);
      assert.ok(!validation.isValid);
      assert.equal(validation.problems.length, 1, JSON.stringify(validation.problems));
      const [problem] = validation.problems;
      assert.equal(problem!.path, path);
      assert.match(problem!.message, message);
      assert.match(problem!.hint ?? '', hint);
    });
  }

  test('an idle timeout that could expire while other arms search or are between two bursts is refused', () => {
    const clients = { one: { pool: { idleTimeoutMs: 1_500 } }, two: {} };
    const gaps = (load: object) => {
      const validation = validated(load, clients);
      return validation.isValid ? [] : validation.problems.map(({ path }) => path);
    };
    assert.deepEqual(gaps({ model: 'open', ratePerSec: 1_500 }), []);
    assert.deepEqual(gaps({ model: 'capacity', objective }), ['clients.one.pool.idleTimeoutMs']);
    assert.deepEqual(gaps({ model: 'burst', size: 5, everyMs: 900 }), ['clients.one.pool.idleTimeoutMs']);
  });

  test('a capacity can be expected of a search only', () => {
    const expecting = (load: object) =>
      validate(
        {
          name: 'a',
          question: 'q',
          load,
          clients: { one: {} },
          baseline: 'one',
          expect: [{ metric: 'capacityPerSec', of: 'one', atLeast: 5 }],
        },
        'a.json',
      );
    assert.equal(expecting({ model: 'capacity', objective }).isValid, true);
    const refused = expecting({ model: 'open', ratePerSec: 5 });
    assert.ok(!refused.isValid);
    assert.deepEqual(
      refused.problems.map(({ path, message }) => [path, message]),
      [['expect.0.metric', 'a load of model open does not measure capacity']],
    );
  });
});

describe('Protocols and TLS that do not go together are refused at their place, with what is expected; the real plug-ins', async () => {
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

  const wrong: [
    target: z.input<typeof Target>,
    client: z.input<typeof Client>,
    path: string,
    says: RegExp,
  ][] = [
    [{ protocol: 'h2' }, {}, 'target.protocol', /without TLS.*tls: '1\.3'/],
    [{ protocol: 'h2', url: 'http://127.0.0.1:80/' }, {}, 'target.protocol', /over TLS only.*https in url/],
    [{ maxConcurrentStreams: 9 }, {}, 'target.maxConcurrentStreams', /no streams.*protocol: 'h2'/],
    [{ tlsKey: 'rsa' }, {}, 'target.tlsKey', /no key.*tls: '1\.3'/],
    [{ ...h2, connectionClose: true }, {}, 'target.connectionClose', /no Connection header/],
    [{ ...h2, maxRequestsPerSocket: 9 }, {}, 'target.maxRequestsPerSocket', /cannot keep to a number/],
    [{ tls: '1.3' }, { protocol: 'h2' }, 'clients.one.protocol', /does not offer HTTP\/2/],
    [h2, { protocol: 'h2', requestsPerConnection: 1 }, 'clients.one.requestsPerConnection', /cannot limit/],
    [h2, { protocol: 'h2', pool: { pipelining: 4 } }, 'clients.one.pool.pipelining', /uses streams/],
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
  } as const;
  for (const [setting, value] of Object.entries(beyondUndici)) {
    test(`undici refuses pool.${setting}, and names the clients that support it`, () => {
      const [problem, ...others] = problemsOf({}, { pool: { [setting]: value } });
      assert.equal(others.length, 0);
      assert.equal(problem?.path, `clients.one.pool.${setting}`);
      assert.match(
        `${problem.message}; ${problem.hint}`,
        /undici does not support.*(transport: |no transport supports it$)/,
      );
    });
  }
});

const growing = { from: 2, to: 4, afterMs: 1_000 };

function problemsOf(stated: Partial<ScenarioInput>): string[] {
  const raw = {
    name: 'mine',
    question: 'Why?',
    clients: { pool: { pool: { maxConnections: 4 } } },
    baseline: 'pool',
    ...stated,
  };
  const context = { raw, armNames: ['pool'], transports: {}, faults: {}, behaviours: {} };
  const { error } = withRules(Scenario, context).safeParse(raw);
  return (error?.issues ?? []).filter(({ path }) => path[0] !== 'clients').map(({ path }) => path.join('.'));
}

const whole = { slicing: 'whole', measureMs: 5_000 } as const;
const rows: [why: string, stated: Partial<ScenarioInput>, problems: string[]][] = [
  ['eight', { target: { backends: 8 } }, []],
  ['two that become four', { target: { backends: growing }, timing: whole }, []],
  ['none', { target: { backends: 0 } }, ['target.backends']],
  [
    'fewer than there were',
    { target: { backends: { ...growing, to: 2 } }, timing: whole },
    ['target.backends.to'],
  ],
  ['added in slices that are parts', { target: { backends: growing } }, ['target.backends']],
  [
    'added at the end of the window',
    { target: { backends: { ...growing, afterMs: 3_001 } }, timing: whole },
    ['target.backends.afterMs'],
  ],
  ['behind an external server', { target: { url: 'http://127.0.0.1:9/', backends: 2 } }, ['target.backends']],
  [
    'a limit on their shares where there is only one',
    { expect: [{ metric: 'busiestBackendRatio', of: 'pool', atMost: 2 }] },
    ['expect.0.metric'],
  ],
];
for (const [why, stated, problems] of rows) {
  test(`${why}: ${problems.length === 0 ? 'fine' : `refused at ${problems.join()}`}`, () => {
    const found = problemsOf(stated);
    assert.deepEqual(found.length === 0 ? [] : [found.at(-1)], problems);
  });
}
