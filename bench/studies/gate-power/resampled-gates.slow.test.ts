// Gates made of replicates whose truth is known: right as often as they can be, and no less often than what they replace.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomNormal } from 'd3-random';
import { createRandom } from '../../../results/random.ts';
import { gateCell, type Observation, type Replicate } from './gates.ts';
import {
  fixedThresholdAlarms,
  type ResampleOptions,
  RULES,
  type RuleName,
  resampleGates,
  slowdown,
} from './resampled-gates.ts';

const SETTINGS = { minEffect: 0.05, budgetMs: 100_000 };

interface Truth {
  /** Standard deviation of the log ratios, and of the logarithm of a gate's rate as such. */
  sd: number;
  gateSd?: number;
}

/** Gates of ten replicates, 10 s each, of the same client twice. */
function gatesOf({ sd, gateSd = 0 }: Truth): Observation[] {
  const random = createRandom(7, 'gates', sd);
  const noise = randomNormal.source(random)(0, sd);
  const drift = randomNormal.source(random)(0, gateSd);
  const replicate = (rate: number): Replicate => {
    const logRate = noise();
    return {
      logRate,
      logCpu: -logRate,
      ratePerSecBefore: rate,
      ratePerSecAfter: rate * Math.exp(logRate),
      connectionsPer1kBefore: 1,
      connectionsPer1kAfter: 1,
    };
  };
  return Array.from({ length: 20 }, () => {
    const rate = 10_000 * Math.exp(drift());
    return {
      at: '2026-01-01T00:00:00Z',
      design: 'processes',
      kind: 'nothing',
      ...SETTINGS,
      loadAverage: 0,
      elapsedMs: 100_000,
      first: 'pass',
      state: 'pass',
      replicates: Array.from({ length: 10 }, () => replicate(rate)),
    };
  });
}

function rates(truth: Truth, slowerByRatio: number, more: Partial<ResampleOptions> = {}) {
  return resampleGates(gatesOf(truth), {
    expectations: gateCell('processes', 'nothing', 1, SETTINGS).scenario.expect,
    rule: RULES['until decided'](SETTINGS.minEffect),
    budgetMs: SETTINGS.budgetMs,
    effect: slowdown(slowerByRatio),
    isSymmetric: true,
    gates: 300,
    random: createRandom(1, 'test'),
    ...more,
  });
}

test('a quiet machine: no false alarm, and whatever is twice the least effect is found', () => {
  const nothing = rates({ sd: 0.02 }, 0);
  assert.deepEqual([nothing.failedFirst, nothing.failed], [0, 0]);
  assert.ok(rates({ sd: 0.02 }, 0.1).failed > 0.95);
  assert.equal(rates({ sd: 0.02 }, 0.2).failed, 1);
});

test('a noisy machine: it is not sure, and says so', () => {
  const nothing = rates({ sd: 0.15 }, 0);
  assert.ok(nothing.failed < 0.01 && nothing.unsure > 0.5, JSON.stringify(nothing));
  assert.ok(rates({ sd: 0.15 }, 0.05).failed < 0.05);
});

test('at the limit itself hardly any gate fails: it takes more than the least effect', () => {
  assert.ok(rates({ sd: 0.02 }, 0.05).failed < 0.03);
});

test('it ends as soon as it is decided, and a failure takes as long again', () => {
  const quick = rates({ sd: 0.005 }, 0);
  assert.equal(quick.medianMs, 40_000);
  assert.equal(rates({ sd: 0.005 }, 0.2).medianMs, 80_000);
  assert.equal(rates({ sd: 0.15 }, 0).medianMs, 100_000);
});

test('until precise, it ends as soon as the ratio is known; decided finds more in less time', () => {
  const until = (name: RuleName, sd: number, slowerByRatio: number) =>
    rates({ sd }, slowerByRatio, { rule: RULES[name](SETTINGS.minEffect) });
  assert.equal(until('until precise', 0.005, 0).medianMs, 30_000);
  assert.equal(until('until precise', 0.005, 0.2).medianMs, 60_000);
  const decided = until('until decided', 0.04, 0.1);
  const precise = until('until precise', 0.04, 0.1);
  assert.ok(decided.failed > precise.failed, JSON.stringify({ decided, precise }));
  assert.ok(decided.medianMs < precise.medianMs, JSON.stringify({ decided, precise }));
  for (const { failed } of [until('until decided', 0.05, 0), until('until precise', 0.05, 0)])
    assert.ok(failed < 0.01);
});

test('a fixed threshold on one run each takes the drift of a machine for a change', () => {
  const alarms = (truth: Truth, slowerByRatio: number) =>
    fixedThresholdAlarms(gatesOf(truth), {
      threshold: 0.1,
      slowerByRatio,
      gates: 1_000,
      random: createRandom(1, 'fixed'),
    });
  assert.equal(alarms({ sd: 0 }, 0), 0);
  assert.equal(alarms({ sd: 0 }, 0.2), 1);
  assert.ok(alarms({ sd: 0, gateSd: 0.2 }, 0) > 0.25);
  assert.ok(alarms({ sd: 0, gateSd: 0.2 }, 0.1) < 0.8);
});
