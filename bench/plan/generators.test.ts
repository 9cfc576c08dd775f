// How many generators a cell gets where the machine decides.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sampleHost } from '../../results/testing/sample-host.ts';
import { makeScenario } from '../run/testing/tiny-cell.ts';
import { countGenerators } from './division.ts';
import { countSpareCores, settleGenerators } from './generators.ts';
import { planRun, trialsOf } from './plan.ts';
import { createTransport } from './testing/plugins.ts';

const transports = { undici: createTransport([]) };

function settledWith(spareCores: number, stated: Parameters<typeof makeScenario>[0]) {
  const plan = planRun([makeScenario(stated)], { seed: 1 });
  return settleGenerators(plan, spareCores, transports).cells[0]!;
}

describe("'auto'", () => {
  test('as many as there are cores', () => {
    assert.equal(
      settledWith(3, { generators: 'auto', load: { concurrency: 6 }, clients: { short: {} } }).scenario
        .generators,
      3,
    );
  });

  test('fewer where users or connections cannot be divided: 4 connections over 3 leave a rest', () => {
    const cell = settledWith(3, { generators: 'auto', load: { concurrency: 100 } });
    assert.equal(cell.scenario.generators, 2);
  });

  test('one where nothing can be divided', () => {
    assert.equal(settledWith(8, { generators: 'auto', load: { concurrency: 1 } }).scenario.generators, 1);
  });

  test('a number stays, and so does its absence', () => {
    assert.equal(settledWith(1, { generators: 2 }).scenario.generators, 2);
    assert.equal(settledWith(4, {}).scenario.generators, undefined);
  });

  test('is one as long as the machine is unknown', () => {
    assert.equal(countGenerators({ generators: 'auto' }), 1);
    assert.equal(countGenerators({}), 1);
    assert.equal(countGenerators({ generators: 3 }), 3);
  });
});

test('a trial has the number where there are several', () => {
  const numbers = [undefined, 1, 2].map(generators => {
    const { cells } = planRun([makeScenario(generators === undefined ? {} : { generators })], { seed: 1 });
    return trialsOf(cells[0]!, 0, 1)[0]!.generators;
  });
  assert.deepEqual(numbers, [undefined, undefined, 2]);
});

test('spare cores are those beside the target, and never none', () => {
  assert.equal(
    countSpareCores({ pinning: { targetCpu: 0, generatorCpu: 1, generatorCpus: [1, 2, 3] }, cpuCount: 4 }),
    3,
  );
  assert.equal(countSpareCores({ pinning: null, cpuCount: 8 }), 7);
  assert.equal(countSpareCores({ pinning: null, cpuCount: 1 }), 1);
  assert.equal(countSpareCores(sampleHost), 1, 'a host stored by an older version');
});
