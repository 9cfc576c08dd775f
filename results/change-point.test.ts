// A change of level is found where it is, and none is where there is only noise.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { randomNormal } from 'd3-random';
import { createRandom } from './random.ts';
import { findChangePoints } from './change-point.ts';

function noise(count: number, seed: number, levels: readonly [from: number, level: number][] = []): number[] {
  const draw = randomNormal.source(createRandom(seed, 'noise'))(0, 0.02);
  return Array.from({ length: count }, (_, run) => {
    const level = levels.filter(([from]) => from <= run).at(-1)?.[1] ?? 0;
    return level + draw();
  });
}

const find = (values: readonly number[]) => findChangePoints(values, createRandom(1, 'shuffle'));

suite('change points', () => {
  test('one, at the run where the level changed, with both levels', () => {
    const [point, ...others] = find(noise(30, 1, [[20, 0.1]]));
    assert.deepEqual([point!.index, others.length], [20, 0]);
    assert.ok(Math.abs(point!.before) < 0.02 && Math.abs(point!.after - 0.1) < 0.02);
    assert.ok(point!.p <= 0.01);
  });

  test('two, there and back again', () => {
    const points = find(
      noise(45, 2, [
        [15, 0.15],
        [30, 0],
      ]),
    );
    assert.deepEqual(
      points.map(({ index }) => index),
      [15, 30],
    );
  });

  test('a change of 5 % among nights that vary by 2 % is told within eight of them, and dated within three', () => {
    for (let seed = 0; seed < 30; seed++) {
      const values = noise(38, 300 + seed, [[30, 0.05]]);
      const told = Array.from(
        { length: 8 },
        (_, night) => find(values.slice(0, 31 + night)).at(-1)?.index ?? 0,
      );
      assert.ok(Math.abs(told.find(index => index >= 27)! - 30) <= 3, `seed ${seed}: ${told.join(', ')}`);
    }
  });

  test('none in a single bad night', () => {
    const values = noise(30, 3);
    values[12] = 0.5;
    assert.deepEqual(find(values), []);
  });

  test('none in too few runs', () => assert.deepEqual(find([0, 0, 1, 1, 1]), []));

  test('of a hundred quiet histories at most a few show one', () => {
    let alarms = 0;
    for (let seed = 0; seed < 100; seed++) alarms += find(noise(20, 100 + seed)).length > 0 ? 1 : 0;
    assert.ok(alarms <= 4, `${alarms} of 100`);
  });
});
