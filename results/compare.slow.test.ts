// Runs that stop when they are precise hold the true ratio as often as they claim.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { randomNormal } from 'd3-random';
import { verdictOf, verdictsOf, withVerdicts } from './compare.ts';
import { createRandom } from './random.ts';
import {
  CONFIDENCE_LEVEL,
  levelOf,
  replicateInterval,
  shownTogether,
  studentInterval,
  toRatio,
} from './stats.ts';
import { settleCell } from './store.ts';
import { sampleCell, sampleRun } from './testing/sample-run.ts';

describe('Verdicts that are read together: by where the intervals lie, and seldom wrong where nothing differs', () => {
  const WHERE = [
    { low: 1.1, high: 1.3, whereHigherIsBetter: 'better', whereLowerIsBetter: 'worse' },
    { low: 0.7, high: 0.9, whereHigherIsBetter: 'worse', whereLowerIsBetter: 'better' },
    { low: 0.9, high: 1.1, whereHigherIsBetter: 'unsure', whereLowerIsBetter: 'unsure' },
    { low: 1, high: 1.1, whereHigherIsBetter: 'unsure', whereLowerIsBetter: 'unsure' },
  ] as const;
  for (const { low, high, whereHigherIsBetter, whereLowerIsBetter } of WHERE) {
    test(`an interval from ${low} to ${high} is ${whereHigherIsBetter} or ${whereLowerIsBetter}`, () => {
      const ratio = { value: (low + high) / 2, low, high };
      assert.equal(verdictOf(ratio, true), whereHigherIsBetter);
      assert.equal(verdictOf(ratio, false), whereLowerIsBetter);
    });
  }

  test("Holm's method by p-values and by levels is the same", () => {
    const random = createRandom(7, 'holm');
    for (let experiment = 0; experiment < 500; experiment++) {
      const ps = Array.from({ length: 1 + Math.floor(random() * 12) }, () => random() ** 3 * 0.2);
      const byLevel = shownTogether(ps, (p, level) => p < 1 - level);
      const sorted = ps.toSorted((a, b) => a - b);
      const firstKept = sorted.findIndex((p, index) => p >= 0.05 / (sorted.length - index));
      const byP = new Set(firstKept === -1 ? sorted : sorted.slice(0, firstKept));
      assert.deepEqual([...byLevel].sort(), [...byP].sort());
    }
    assert.ok(Math.abs(levelOf(1) - CONFIDENCE_LEVEL) < 1e-12);
  });

  const EXPERIMENTS = 2_000;
  /** 5 % and three standard errors of a share counted in this number of experiments. */
  const MAX_FALSE = 0.05 + 3 * Math.sqrt((0.05 * 0.95) / EXPERIMENTS);

  /** Replicates of several figures, none of which differs from 1, and which share a part of their variance. */
  function nullFigures(count: number, common: number, key: string) {
    const normal = randomNormal.source(createRandom(11, key))();
    return () => {
      const replicates = Array.from({ length: 5 }, normal);
      return Array.from({ length: count }, () => {
        const logs = replicates.map(
          shared => 0.03 * (Math.sqrt(common) * shared + Math.sqrt(1 - common) * normal()),
        );
        return {
          metric: 'requestsPerSec' as const,
          ratio: replicateInterval(logs),
          replicateRatios: logs.map(Math.exp),
        };
      });
    };
  }

  for (const count of [2, 5, 18]) {
    for (const common of [0, 0.5, 0.95]) {
      test(`of ${count} figures that are all alike, ${common * 100} % of their noise in common, any verdict is wrong in 5 % at most`, () => {
        const draw = nullFigures(count, common, `${count}, ${common}`);
        let anyFalse = 0;
        for (let experiment = 0; experiment < EXPERIMENTS; experiment++) {
          if ([...verdictsOf(draw()).values()].some(verdict => verdict !== 'unsure')) anyFalse++;
        }
        assert.ok(anyFalse / EXPERIMENTS <= MAX_FALSE, `${anyFalse} of ${EXPERIMENTS}`);
      });
    }
  }

  test('each at 95 % by itself, one of many would be wrong far more often', () => {
    const draw = nullFigures(18, 0, 'alone');
    let anyFalse = 0;
    for (let experiment = 0; experiment < EXPERIMENTS; experiment++)
      if (draw().some(({ ratio }) => verdictOf(ratio, true) !== 'unsure')) anyFalse++;
    assert.ok(anyFalse / EXPERIMENTS > 4 * MAX_FALSE, `${anyFalse} of ${EXPERIMENTS}`);
  });

  test('a verdict is given on the metric that decides, and on no other', () => {
    const { comparisons } = sampleRun().run.cells[0]!;
    const onMean = withVerdicts(comparisons, 'meanUs');
    assert.deepEqual(
      onMean.filter(({ verdict }) => verdict !== 'unsure').map(({ metric, verdict }) => [metric, verdict]),
      [['meanUs', 'better']],
    );
  });

  test('a cell of an earlier conntax: no interval of two replicates, no verdict beside the deciding one, arms in order', () => {
    const { scenario } = sampleRun({ scenario: 'requests-per-connection' }).run.cells[0]!;
    const { cell } = sampleCell({ scenario, replicates: 2 });
    const old = {
      ...cell,
      arms: cell.arms
        .toReversed()
        .map(arm => ({ ...arm, requestsPerSec: { value: 9_400, low: 19, high: 4_700_000 } })),
      comparisons: cell.comparisons.toReversed().map(comparison => ({
        ...comparison,
        ratio: toRatio(studentInterval(comparison.replicateRatios.map(Math.log), 0.97)),
        isDeciding: false,
        verdict: 'better' as const,
      })),
    };
    const settled = settleCell(old);
    assert.ok(settled.comparisons.every(({ ratio, verdict }) => ratio === null && verdict === 'unsure'));
    assert.deepEqual(
      settled.arms.map(({ arm, requestsPerSec }) => [arm, requestsPerSec?.high]),
      Object.keys(scenario.clients).map(arm => [arm, 9_400]),
    );
    const [first] = settled.comparisons;
    assert.equal(first?.candidate, 'two');
    const now = sampleRun().run.cells[0]!;
    assert.deepEqual(settleCell(now), now, 'what is written today is read as it is');
  });
});
