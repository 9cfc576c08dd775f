// Which settings can be swept: every one that there is, but those of the whole; a mistyped path gets the one that was meant.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { behaviourOptions, scenarioJsonSchema } from './schema.ts';
import { knownPaths, pathProblem } from './sweep-paths.ts';
import { plugins } from './testing/plugins.ts';

const known = knownPaths(scenarioJsonSchema(behaviourOptions(plugins.behaviours)));
const ARMS = ['short', 'long'];

test('every setting of target, link, load, timing, phases and clients can be swept', () => {
  for (const path of [
    ...['link.roundTripMs', 'link.bytesPerSec', 'phases', 'target.tls', 'target.behaviour.kind'],
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
  ['name', /^name cannot be swept$/, /^a setting of target, link, load, timing, phases or clients$/],
  ['baseline', /^baseline cannot be swept$/, /clients$/],
  ['sweep', /cannot be swept/, /clients$/],
  ['$schema', /cannot be swept/, /clients$/],
  ['tags.0', /^tags cannot be swept$/, /clients$/],
  ['timing.budgetMs', /cannot be swept: the cells of a sweep share one budget/, /another/],
  ['link', /a group of settings/, /^link.roundTripMs, link.jitterMs or link.bytesPerSec$/],
  ['clients', /a group of settings/, /^clients\.\*\.transport, .* or another of these$/],
  ['clients.*.options', /a group of settings/, /^clients\.\*\.options\.NAME$/],
  ['clients.long.timeouts', /a group/, /^clients\.long\.timeouts\.connectMs, .*totalMs$/],
  ['link.roundTrip', /no such setting/, /^did you mean link\.roundTripMs\?$/],
  ['roundTripMs', /no such setting/, /^did you mean link\.roundTripMs\?$/],
  ['pool.maxConnections', /no such setting/, /^did you mean clients\.\*\.pool\.maxConnections\?$/],
  ['clients.*.pol.maxConnections', /no such setting/, /mean clients\.\*\.pool\.maxConnections\?$/],
  ['clients.long.pool.maxConection', /no such/, /mean clients\.long\.pool\.maxConnections\?$/],
  ['link.speed', /no such setting/, /^link\.roundTripMs, link\.jitterMs or link\.bytesPerSec$/],
  ['clients.lon.body', /no client "lon"/, /^did you mean long\? Known: \*, short, long$/],
  ['clients.*.options.', /no such setting/, /./],
  ['nonsense', /no such setting/, /^a setting of .*, such as link\.roundTripMs$/],
  ['__proto__.polluted', /no such setting/, /a setting of/],
  ['', /no such setting/, /a setting of/],
];
for (const [path, message, hint] of REFUSED) {
  test(`refused: ${path}`, () => {
    const problem = pathProblem(path, known, ARMS);
    assert.match(problem?.message ?? '', message);
    assert.match(problem?.hint ?? '', hint);
  });
}
