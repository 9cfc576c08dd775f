// Loads of every model are read with their defaults; what is wrong with one is said at its place.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Load } from '../../scenarios/model/load.ts';
import { plugins } from './testing/plugins.ts';
import { createValidator } from './validate.ts';

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
  ['a model that is none', { model: 'opne', ratePerSec: 1 }, 'load.model', /"opne" is not allowed/, /"open"/],
  ['an open load without a rate', { model: 'open' }, 'load.ratePerSec', /is missing/, /from 0\.1 to 1000000/],
  [
    "another model's setting",
    { model: 'open', ratePerSec: 5, concurrency: 5 },
    'load.concurrency',
    /no such setting/,
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
    /any rate would do/,
    /p99Ms, p50Ms or both/,
  ],
  [
    'nothing to search',
    { model: 'capacity', objective, minRatePerSec: 500, maxRatePerSec: 500 },
    'load.minRatePerSec',
    /500 is not less than maxRatePerSec, which is 500/,
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
    [['expect.0.metric', 'a load of model open finds no capacity']],
  );
});
