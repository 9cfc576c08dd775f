// A sweep equals the scenarios one would write by hand, and its errors are reported once, where the author can fix them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { SweepValue } from '../../scenarios/model/scenario.ts';
import { describePoints } from '../../scenarios/model/sweep.ts';
import { createVariantsValidator, knownPaths, pathProblem } from './sweep.ts';
import { fullScenario, plugins } from './testing/plugins.ts';
import { behaviourOptions, createValidator, scenarioJsonSchema } from './validate.ts';

describe('Which settings can be swept: every one that there is, but those of the whole; a mistyped path gets the one that was meant', () => {
  const known = knownPaths(scenarioJsonSchema(behaviourOptions(plugins.behaviours)));
  const ARMS = ['short', 'long'];

  test('every setting of target, link, load, generators, limits, timing, phases and clients can be swept', () => {
    for (const path of [
      ...[
        'link.roundTripMs',
        'link.bytesPerSec',
        'phases',
        'generators',
        'limits.openFiles',
        'target.tls',
        'target.behaviour.kind',
      ],
      ...['load.concurrency', 'load.ratePerSec', 'load.objective.p99Ms', 'timing.slicing'],
      ...['clients.*.transport', 'clients.*.pool.maxConnections', 'clients.*.timeouts.totalMs'],
    ]) {
      assert.ok(known.settings.has(path), path);
    }
    const free = [...known.settings].filter(path => pathProblem(path, known, ARMS) === undefined);
    assert.deepEqual(
      [...known.settings].filter(path => !free.includes(path)),
      ['timing.budgetMs', 'timing.precision', 'timing.until'],
    );
    assert.ok(free.length > 50);
    assert.equal(pathProblem('clients.long.body', known, ARMS), undefined);
    assert.equal(pathProblem('clients.*.options.retry.limit', known, ARMS), undefined);
  });

  const REFUSED: [path: string, message: RegExp, hint: RegExp][] = [
    [
      'name',
      /^name cannot be swept$/,
      /^a setting of target, link, load, request, generators, limits, timing, phases or clients$/,
    ],
    ['baseline', /^baseline cannot be swept$/, /clients$/],
    ['sweep', /cannot be swept/, /clients$/],
    ['$schema', /cannot be swept/, /clients$/],
    ['tags.0', /^tags cannot be swept$/, /clients$/],
    ['timing.budgetMs', /cannot be swept: the cells of a sweep share one budget/, /another/],
    [
      'link',
      /a group of settings/,
      /^link.roundTripMs, link.jitterMs, link.bytesPerSec or link.silentAfterIdleMs$/,
    ],
    ['clients', /a group of settings/, /^clients\.\*\.transport, .* or another of these$/],
    ['clients.*.options', /a group of settings/, /^clients\.\*\.options\.NAME$/],
    ['clients.long.timeouts', /a group/, /^clients\.long\.timeouts\.connectMs, .*totalMs$/],
    ['link.roundTrip', /unknown setting/, /^did you mean link\.roundTripMs\?$/],
    ['roundTripMs', /unknown setting/, /^did you mean link\.roundTripMs\?$/],
    ['pool.maxConnections', /unknown setting/, /^did you mean clients\.\*\.pool\.maxConnections\?$/],
    ['clients.*.pol.maxConnections', /unknown setting/, /mean clients\.\*\.pool\.maxConnections\?$/],
    ['clients.long.pool.maxConection', /unknown setting/, /mean clients\.long\.pool\.maxConnections\?$/],
    [
      'link.speed',
      /unknown setting/,
      /^link\.roundTripMs, link\.jitterMs, link\.bytesPerSec or link\.silentAfterIdleMs$/,
    ],
    ['clients.lon.body', /no client "lon"/, /^did you mean long\? Known: \*, short, long$/],
    ['clients.*.options.', /unknown setting/, /./],
    ['nonsense', /unknown setting/, /^a setting of .*, such as link\.roundTripMs$/],
    ['__proto__.polluted', /unknown setting/, /a setting of/],
    ['', /unknown setting/, /a setting of/],
  ];
  for (const [path, message, hint] of REFUSED) {
    test(`refused: ${path}`, () => {
      const problem = pathProblem(path, known, ARMS);
      assert.match(problem?.message ?? '', message);
      assert.match(problem?.hint ?? '', hint);
    });
  }
});

describe('A sweep equals the scenarios one would write by hand, and its errors are reported once, where the author can fix them', () => {
  const validate = createVariantsValidator(plugins);
  const validateOne = createValidator(plugins);

  const MINIMAL = { name: 'small', question: 'q', clients: { one: {}, two: {} }, baseline: 'one' };

  function variantsOf(raw: unknown) {
    const validation = validate(raw, 'x.ts');
    assert.ok(validation.isValid, JSON.stringify(validation));
    return validation.variants;
  }

  function problemsOf(raw: unknown): string[] {
    const validation = validate(raw, 'x.ts');
    if (validation.isValid) return [];
    return validation.problems.map(({ path, message, hint = '' }) => `${path}: ${message} | ${hint}`);
  }

  /** As an author would write it: the value in its place, and the sections that it needs. */
  function byHand(raw: object, path: string, value: SweepValue): object {
    const copy = structuredClone(raw) as Record<string, unknown>;
    const arms = path.startsWith('clients.*.') ? Object.keys(copy['clients'] as object) : [''];
    for (const arm of arms) {
      const keys = path.replace('*', arm).split('.');
      const last = keys.pop()!;
      let holder = copy;
      for (const key of keys) {
        holder[key] ??= {};
        holder = holder[key] as Record<string, unknown>;
      }
      holder[last] = value;
    }
    return copy;
  }

  /** Settings with values that go with each other, in either scenario. */
  const SWEEPABLE: Record<string, SweepValue[]> = {
    'link.roundTripMs': [0, 1, 5.5, 20],
    'link.bytesPerSec': [1_000, 'unlimited'],
    'load.concurrency': [1, 2, 50],
    'target.tls': ['1.2', '1.3'],
    'target.keepAliveHint': [true, false],
    'timing.measureMs': [900, 2_000],
    phases: [false, true],
    'clients.*.requestsPerConnection': [2, 10, 'unlimited'],
    'clients.*.timeouts.totalMs': [1_000, 60_000],
  };

  test('an expectation applies to the points that it names, by default to all; other points are refused', () => {
    const limit = { metric: 'meanUs', of: 'one', atLeast: 1 };
    const at = (more: object) => ({ ...limit, at: more });
    const sweep = { 'load.concurrency': [1, 2], 'target.keepAliveHint': [true, false] };
    const expect = [
      limit,
      at({ 'load.concurrency': [2] }),
      at({ 'load.concurrency': [1, 2], 'target.keepAliveHint': [false] }),
    ];
    assert.deepEqual(
      variantsOf({ ...MINIMAL, sweep, expect }).map(variant => variant.expect.length),
      [1, 2, 2, 3],
    );
    assert.deepEqual(problemsOf({ ...MINIMAL, sweep, expect: [at({ 'load.concurrency': [1, 3] })] }), [
      'expect.0.at."load.concurrency": 3 is not a value of the sweep | values of 1, 2',
    ]);
    const [mistyped] = problemsOf({ ...MINIMAL, sweep, expect: [at({ 'load.concurency': [1] })] });
    assert.match(mistyped!, /this setting is not swept \| did you mean load\.concurrency\?/);
  });

  test('there are as many variants as combinations, and each is the scenario written by hand with its values', () => {
    const axis = fc
      .constantFrom(...Object.keys(SWEEPABLE))
      .chain(path =>
        fc
          .uniqueArray(fc.constantFrom(...SWEEPABLE[path]!), { minLength: 1, maxLength: 4 })
          .map(values => ({ path, values })),
      );
    const axes = fc.uniqueArray(axis, { minLength: 1, maxLength: 2, selector: ({ path }) => path });
    fc.assert(
      fc.property(axes, fc.constantFrom<object>(MINIMAL, fullScenario), (swept, base) => {
        const sweep = Object.fromEntries(swept.map(({ path, values }) => [path, values]));
        const variants = variantsOf({ ...base, sweep });
        assert.equal(
          variants.length,
          swept.reduce((product, { values }) => product * values.length, 1),
        );
        assert.equal(
          new Set(variants.map(({ sweepPoints }) => describePoints(sweepPoints!))).size,
          variants.length,
        );
        for (const { sweepPoints, serviceMs, ...scenario } of variants) {
          const written = sweepPoints!.reduce<object>(
            (raw, { path, value }) => byHand(raw, path, value),
            base,
          );
          const hand = validateOne({ ...written, sweep }, 'x.ts');
          assert.ok(hand.isValid);
          assert.deepEqual(scenario, hand.scenario);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('a section that is left out is made with what it can not be without', () => {
    const [first, second] = variantsOf({ ...MINIMAL, sweep: { 'target.behaviour.bytes': [1, 2] } });
    assert.deepEqual(first?.target.behaviour, { name: 'fixed', bytes: 1 });
    assert.deepEqual(second?.target.behaviour, { name: 'fixed', bytes: 2 });
    const [slow] = variantsOf({
      ...MINIMAL,
      sweep: { 'target.behaviour.name': ['slow'] },
      target: { behaviour: { kind: 'random' } },
    });
    assert.deepEqual(
      [slow?.target.behaviour, slow?.serviceMs],
      [{ name: 'slow', kind: 'random', meanMs: 5 }, 5],
    );
  });

  test('the base need not be valid where the sweep gives what it lacks', () => {
    const load = { model: 'open', arrivals: 'constant' };
    const variants = variantsOf({ ...MINIMAL, load, sweep: { 'load.ratePerSec': [10, 20] } });
    assert.deepEqual(
      variants.map(({ load }) => load.model === 'open' && load.ratePerSec),
      [10, 20],
    );
  });

  test('without a sweep there is one variant, the scenario itself', () => {
    const [only, ...others] = variantsOf(fullScenario);
    assert.deepEqual([only?.sweepPoints, others], [[], []]);
    assert.equal(variantsOf({ ...fullScenario, sweep: {} }).length, 1);
  });

  const FAULTS: [why: string, raw: object, problems: RegExp[]][] = [
    [
      'a mistyped path',
      { sweep: { 'link.roundTrip': [1] } },
      [/^sweep\."link\.roundTrip": unknown setting \| did you mean link\.roundTripMs\?$/],
    ],
    [
      'a value, at its place in the list, once for all clients',
      { sweep: { 'clients.*.pool.maxConnections': [1, 0, 'many'] } },
      [
        /^sweep\."clients\.\*\.pool\.maxConnections"\.1: 0 is not allowed here \| an integer from 1 /,
        /^sweep\."clients\.\*\.pool\.maxConnections"\.2: "many" is not allowed here \|/,
      ],
    ],
    [
      'values of two settings, each once',
      { sweep: { 'link.roundTripMs': [1, -1], 'load.concurrency': [0, 1, 2] } },
      [/^sweep\."load\.concurrency"\.0: 0 is not/, /^sweep\."link\.roundTripMs"\.1: -1 is not/],
    ],
    [
      'what is wrong without the sweep too, as it would be without',
      { baseline: 'nobody', extra: 1, sweep: { 'link.roundTripMs': [1, 2, 3] } },
      [/^extra: unknown setting \|/, /^baseline: no client "nobody" \|/],
    ],
    [
      'a setting that a transport does not support, whatever its value',
      { clients: { one: { transport: 'plain' }, two: {} }, sweep: { 'clients.*.body': ['read', 'dump'] } },
      [/^sweep\."clients\.\*\.body": the transport plain does not support this setting \| transport: able/],
    ],
    [
      'a value that a transport refuses',
      { clients: { one: { transport: 'picky' }, two: {} }, sweep: { 'clients.*.body': ['read', 'dump'] } },
      [/^sweep\."clients\.\*\.body"\.1: cannot dump a body \|/],
    ],
    [
      'a rule across fields, with the values that it comes up with',
      {
        timing: { warmupMinMs: 1_500 },
        sweep: { 'timing.warmupMaxMs': [1_000, 2_000], 'link.roundTripMs': [1, 2] },
      },
      [/^timing\.warmupMinMs: 1500 is more than the warmupMaxMs of 1000 \(with warmupMaxMs = 1000\) \|/],
    ],
    [
      'a setting that only some of the other values know',
      { load: {}, sweep: { 'load.thinkMs': [1, 2], 'load.model': ['closed', 'open'] } },
      [
        /^load\.ratePerSec: is missing \(with model = open\)/,
        /^sweep\."load\.thinkMs": unknown setting \(with model = open\)/,
      ],
    ],
    [
      'a value that comes twice',
      { sweep: { phases: [true, true] } },
      [/^sweep\.phases\.1: true is listed twice/],
    ],
    [
      'two lists for one setting',
      { sweep: { 'clients.*.body': ['read'], 'clients.two.body': ['dump'] } },
      [/^sweep\."clients\.two\.body": clients\.two\.body is also swept by clients\.\*\.body \|/],
    ],
    [
      'too many cells',
      {
        sweep: {
          'load.concurrency': Array.from({ length: 11 }, (_, index) => index + 1),
          'link.roundTripMs': Array.from({ length: 10 }, (_, index) => index),
        },
      },
      [/^sweep: 11 × 10 combinations make 110 cells \| at most 100 cells: use fewer values$/],
    ],
    [
      'too many settings',
      { sweep: { phases: [true], 'link.roundTripMs': [1], 'load.concurrency': [1] } },
      [/^sweep: at most 2 settings/],
    ],
    [
      'no values',
      { sweep: { 'link.roundTripMs': [] } },
      [/^sweep\."link\.roundTripMs": an empty list is not allowed here \| a list of 1 to 50 values$/],
    ],
    [
      'one value instead of a list, and one that is none',
      { sweep: { 'link.roundTripMs': 5, phases: [{}] } },
      [
        /^sweep\."link\.roundTripMs": 5 is not allowed/,
        /^sweep\.phases\.0: .*\| a number, text or true or false$/,
      ],
    ],
    ['something else than lists', { sweep: 5 }, [/^sweep: 5 is not allowed here \| an object$/]],
  ];
  for (const [why, changes, problems] of FAULTS) {
    test(`a fault of a sweep: ${why}`, () => {
      const found = problemsOf({ ...MINIMAL, ...changes });
      assert.equal(found.length, problems.length, found.join('\n'));
      for (const [index, pattern] of problems.entries()) assert.match(found[index]!, pattern);
    });
  }

  test('whatever stands in a sweep, it is valid or has problems, and nothing is thrown', () => {
    const path = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'clients.*', 'link.roundTripMs', 'name'));
    const sweep = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(path, fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue()))),
    );
    fc.assert(
      fc.property(sweep, fc.constantFrom<unknown>({ one: {} }, {}, 7, null), (swept, clients) => {
        const validation = validate({ ...MINIMAL, clients, sweep: swept }, 'x.ts');
        if (!validation.isValid) assert.ok(validation.problems.every(({ message }) => message.length > 0));
      }),
      { numRuns: 300 },
    );
  });
});
