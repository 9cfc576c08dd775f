// Expectations are judged by the interval, never by the value alone.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { randomNormal } from 'd3-random';
import fc from 'fast-check';
import { Expectation, type ExpectationResult, type Judgement } from '../scenarios/model/scenario.ts';
import { Target, withUnknowns } from '../scenarios/model/target.ts';
import { compareArms } from './compare.ts';
import {
  confirmed,
  firstResult,
  isConfirmationDecided,
  isDecided,
  judge,
  judgeInterval,
  judgeTogether,
} from './expect.ts';
import type { CompletedTrial, TrialResult } from './model/trial.ts';
import { createRandom } from './random.ts';
import { replicateInterval } from './stats.ts';
import { sampleRun } from './testing/sample-run.ts';

type Damage = (trial: CompletedTrial) => void;

function trialsWith(damage: Damage, replicates = 4): TrialResult[] {
  const { trials } = sampleRun({ replicates });
  for (const trial of trials) if (trial.state === 'completed') damage(trial);
  return trials;
}

/** Persistent connections answer about 5.2 times as many requests per second in the sample. */
const rows: {
  why: string;
  expectation: unknown;
  damage?: Damage;
  replicates?: number;
  state: Judgement['state'];
}[] = [
  {
    why: 'a ratio clear of its limit',
    expectation: { metric: 'requestsPerSec', of: 'persistent', over: 'short', atLeast: 3 },
    state: 'pass',
  },
  {
    why: 'a ratio that is clearly too low',
    expectation: { metric: 'requestsPerSec', of: 'persistent', over: 'short', atLeast: 10 },
    state: 'fail',
  },
  {
    why: 'the same arms the other way round',
    expectation: { metric: 'requestsPerSec', of: 'short', over: 'persistent', atMost: 0.5 },
    state: 'pass',
  },
  {
    why: 'a single replicate has no interval, however good its value',
    expectation: { metric: 'requestsPerSec', of: 'persistent', atLeast: 1 },
    replicates: 1,
    state: 'unsure',
  },
  {
    why: 'a latency below its limit',
    expectation: { metric: 'p99Us', of: 'persistent', atMost: 1_000_000 },
    state: 'pass',
  },
  {
    why: 'a latency above it',
    expectation: { metric: 'p99Us', of: 'persistent', atMost: 1_000 },
    state: 'fail',
  },
  {
    why: 'a quantile of fewer requests than 10 beyond it, far below its limit',
    expectation: { metric: 'p999Us', of: 'persistent', atMost: 1_000_000_000 },
    damage: ({ measurement }) => {
      measurement.response.count = 2_499;
    },
    state: 'unsure',
  },
  {
    why: 'the same far above it: a few slow requests are not one in a thousand',
    expectation: { metric: 'p999Us', of: 'persistent', atMost: 1 },
    damage: ({ measurement }) => {
      measurement.response.count = 2_499;
    },
    state: 'unsure',
  },
  {
    why: 'a quantile of as many as it takes',
    expectation: { metric: 'p999Us', of: 'persistent', atMost: 1_000_000_000 },
    damage: ({ measurement }) => {
      measurement.response.count = 2_500;
    },
    state: 'pass',
  },
  {
    why: 'a ratio of quantiles, of which one has few requests',
    expectation: { metric: 'p99Us', of: 'persistent', over: 'short', atMost: 1_000 },
    damage: ({ trial, measurement }) => {
      if (trial.arm === 'short') measurement.response.count = 249;
    },
    state: 'unsure',
  },
  {
    why: 'with two replicates, a number of connections has no interval either',
    expectation: { metric: 'connectionsPer1kRequests', of: 'persistent', atMost: 1_000 },
    replicates: 2,
    state: 'unsure',
  },
  {
    why: 'with two replicates, a share of requests is judged by its requests',
    expectation: { metric: 'successRatio', of: 'persistent', atLeast: 0.999 },
    replicates: 2,
    state: 'pass',
  },
  {
    why: 'both limits, the value between them',
    expectation: { metric: 'meanUs', of: 'persistent', atLeast: 3_000, atMost: 6_000 },
    state: 'pass',
  },
  {
    why: 'both limits, the value below',
    expectation: { metric: 'meanUs', of: 'persistent', atLeast: 8_000, atMost: 9_000 },
    state: 'fail',
  },
  {
    why: 'no failure in many thousand requests',
    expectation: { metric: 'successRatio', of: 'persistent', atLeast: 0.999 },
    state: 'pass',
  },
  {
    why: 'no failure, but too few requests to promise that share',
    expectation: { metric: 'successRatio', of: 'persistent', atLeast: 0.9995 },
    damage: ({ measurement }) => {
      measurement.completed = 100;
    },
    state: 'unsure',
  },
  {
    why: 'one in a hundred fails',
    expectation: { metric: 'successRatio', of: 'persistent', atLeast: 0.9995 },
    damage: ({ measurement }) => {
      measurement.failed = Math.round(measurement.completed / 99);
    },
    state: 'fail',
  },
  {
    why: 'all failures in one replicate: a cluster says less than as many single ones',
    expectation: { metric: 'successRatio', of: 'persistent', atLeast: 0.9995 },
    damage: ({ trial, measurement }) => {
      if (trial.replicate === 0) measurement.failed = Math.round(measurement.completed / 25);
    },
    state: 'unsure',
  },
  {
    why: 'nothing measured at all',
    expectation: { metric: 'successRatio', of: 'persistent', atLeast: 0.5 },
    damage: ({ measurement }) => {
      measurement.completed = 0;
    },
    state: 'unsure',
  },
  {
    why: 'a connection for each request',
    expectation: { metric: 'connectionsPer1kRequests', of: 'short', atLeast: 1_000, atMost: 1_000 },
    state: 'pass',
  },
  {
    why: 'a pool that is reused',
    expectation: { metric: 'connectionsPer1kRequests', of: 'persistent', atMost: 50 },
    state: 'pass',
  },
  ...[1, 20].map(times => ({
    why: `a pool that is reused, in a run of ${times} times the length`,
    expectation: { metric: 'unneededConnectionsPer1kRequests', of: 'persistent', atMost: 1 },
    damage: ({ measurement: { ledger } }: CompletedTrial) => {
      ledger.requestsSent = Math.round(ledger.requestsSent / 20) * times;
    },
    state: 'pass' as const,
  })),
  {
    why: 'a connection in ten requests that no setting needs',
    expectation: { metric: 'unneededConnectionsPer1kRequests', of: 'persistent', atMost: 1 },
    damage: ({ measurement: { ledger } }) => {
      ledger.opened += Math.round(ledger.requestsSent / 10);
    },
    state: 'fail',
  },
  {
    why: 'a connection for each request to a server that may close whenever it likes',
    expectation: { metric: 'unneededConnectionsPer1kRequests', of: 'persistent', atMost: 1 },
    damage: ({ trial, measurement: { ledger } }) => {
      trial.target = Target.parse(withUnknowns({ url: 'http://127.0.0.1/' }));
      ledger.opened = ledger.requestsSent;
      ledger.needed.most = ledger.requestsSent;
    },
    state: 'unsure',
  },
  {
    why: 'a pool without a bound, of which none is beyond need',
    expectation: { metric: 'unneededConnectionsPer1kRequests', of: 'persistent', atMost: 1 },
    damage: ({ measurement: { ledger } }) => {
      ledger.needed.most = null;
    },
    state: 'unsure',
  },
  {
    why: 'two replicates, whatever they say',
    expectation: { metric: 'requestsPerSec', of: 'persistent', over: 'short', atLeast: 10 },
    replicates: 2,
    state: 'unsure',
  },
  {
    why: 'ten times the connections of the other arm are too many',
    expectation: { metric: 'connectionsPer1kRequests', of: 'short', over: 'persistent', atMost: 2 },
    state: 'fail',
  },
  {
    why: "the target's CPU of an arm, which is not its client's",
    expectation: { metric: 'targetCpuUsPerRequest', of: 'short', atLeast: 95, atMost: 100 },
    state: 'pass',
  },
  {
    why: "the target's CPU over another arm's, paired block by block",
    expectation: {
      metric: 'targetCpuUsPerRequest',
      of: 'persistent',
      over: 'short',
      atLeast: 0.35,
      atMost: 0.39,
    },
    state: 'pass',
  },
  ...[undefined, 'short'].map(over => ({
    why: `the cost of a request at the target is unknown${over === undefined ? '' : ', over another arm'}`,
    expectation: { metric: 'targetCpuUsPerRequest', of: 'persistent', over, atMost: 1e9 },
    damage: ({ measurement }: CompletedTrial) => {
      measurement.target = null;
      for (const slice of measurement.slices) slice.targetCpuUs = null;
    },
    state: 'unsure' as const,
  })),
  {
    why: 'an arm that is not there',
    expectation: { metric: 'p50Us', of: 'nobody', atMost: 1 },
    state: 'unsure',
  },
];

suite('judge', () => {
  for (const { why, expectation, damage = () => {}, replicates, state } of rows) {
    test(why, () => {
      const judgement = judge(Expectation.parse(expectation), trialsWith(damage, replicates));
      assert.equal(judgement.state, state, JSON.stringify(judgement));
    });
  }

  test('over another arm, every metric that is compared is judged by the ratio of the comparison', () => {
    const trials = trialsWith(() => {});
    for (const { metric, ratio } of compareArms({ baseline: 'short', trials })) {
      const judged = judge(Expectation.parse({ metric, of: 'persistent', over: 'short', atMost: 9 }), trials);
      assert.deepEqual(judged.interval, ratio, metric);
    }
  });

  test('a failed trial is no replicate', () => {
    const { trials } = sampleRun({ trouble: 'failed-trial' });
    const judgement = judge(Expectation.parse({ metric: 'meanUs', of: 'persistent', atMost: 1 }), trials);
    assert.equal(judgement.replicates, 3);
  });

  test('a limit beyond the interval fails, one before it passes, one within it leaves it unsure', () => {
    const trials = trialsWith(() => {});
    const { interval } = judge(Expectation.parse({ metric: 'meanUs', of: 'short', atMost: 1 }), trials);
    const { low, high } = interval!;
    fc.assert(
      fc.property(fc.double({ min: low / 2, max: high * 2, noNaN: true }), atMost => {
        const expected = low > atMost ? 'fail' : high <= atMost ? 'pass' : 'unsure';
        assert.equal(
          judge(Expectation.parse({ metric: 'meanUs', of: 'short', atMost }), trials).state,
          expected,
        );
      }),
    );
  });

  test('the interval of a share holds the true share in 95 % of runs or more', () => {
    const truth = 0.998;
    const requests = 4_000;
    const random = createRandom(7, 'shares');
    const { trials } = sampleRun({ replicates: 3 });
    const own = trials
      .filter(trial => trial.state === 'completed')
      .filter(({ trial }) => trial.arm === 'short');
    const expectation = Expectation.parse({ metric: 'successRatio', of: 'short', atLeast: truth });
    let held = 0;
    for (let experiment = 0; experiment < 300; experiment++) {
      for (const { measurement } of own) {
        measurement.failed = 0;
        for (let request = 0; request < requests; request++) if (random() > truth) measurement.failed++;
        measurement.completed = requests - measurement.failed;
      }
      const { low, high } = judge(expectation, own).interval!;
      if (low <= truth && truth <= high) held++;
    }
    assert.ok(held >= 0.94 * 300, `${held} of 300`);
  });
});

const limit = Expectation.parse({ metric: 'meanUs', of: 'short', atMost: 1 });
const on = (value: number, low: number, high: number): Judgement => ({
  state: judgeInterval({ value, low, high }, limit),
  interval: { value, low, high },
  replicates: 4,
});
const again = (fresh: Judgement, together: Judgement) =>
  confirmed(firstResult(limit, on(1.2, 1.1, 1.3)), () => ({ fresh, together }));

for (const [why, fresh, together, state] of [
  ['both say so', on(1.2, 1.1, 1.3), on(1.2, 1.1, 1.3), 'fail'],
  [
    'the fresh ones are on the wrong side too, though their own interval is wide',
    on(1.1, 0.9, 1.3),
    on(1.15, 1.05, 1.25),
    'fail',
  ],
  [
    'the fresh ones are on the right side, though all together are not',
    on(0.95, 0.8, 1.1),
    on(1.1, 1.01, 1.2),
    'unsure',
  ],
  ['all together do not exclude the limit', on(1.1, 0.7, 1.5), on(1.15, 0.9, 1.4), 'unsure'],
  [
    'there is too little that is fresh',
    { state: 'unsure', interval: null, replicates: 1 },
    on(1.2, 1.1, 1.3),
    'unsure',
  ],
] as const) {
  test(`a failure that was measured again is ${state} where ${why}`, () => {
    const result = again(fresh, together);
    assert.equal(result.state, state);
    assert.deepEqual(result.confirmation, fresh);
    assert.equal(result.together?.state === 'fail', state === 'fail');
    assert.deepEqual(result.first, on(1.2, 1.1, 1.3), 'what was first judged is kept');
  });
}

test('all together hold what the fresh ones measure: these are no mode that may be left out', () => {
  const { together, state } = again(on(1.06, 1.05, 1.07), on(1.2, 1.19, 1.21));
  assert.deepEqual([state, together?.interval], ['fail', { value: 1.2, low: 1.06, high: 1.21 }]);
});

test('what did not fail needs no second look', () => {
  const passed = firstResult(limit, on(0.8, 0.7, 0.9));
  assert.equal(
    confirmed(passed, () => assert.fail('judged again')),
    passed,
  );
});

test('no more replicates are needed once one fails, or all pass', () => {
  const [passed, unsure, failed] = [on(0.8, 0.7, 0.9), on(1, 0.9, 1.1), on(1.2, 1.1, 1.3)].map(first =>
    firstResult(limit, first),
  ) as [ExpectationResult, ExpectationResult, ExpectationResult];
  assert.ok(isDecided([unsure, failed]));
  assert.ok(isDecided([passed, passed]));
  assert.ok(!isDecided([passed, unsure]));
});

test('no more fresh ones are needed once a failure is final, or all of them say the contrary', () => {
  const final = again(on(1.2, 1.1, 1.3), on(1.2, 1.1, 1.3));
  const open = again(on(1.1, 0.7, 1.5), on(1.15, 0.9, 1.4));
  const refuted = again(on(0.8, 0.7, 0.9), on(1, 0.9, 1.1));
  const passed = firstResult(limit, on(0.8, 0.7, 0.9));
  assert.ok(isConfirmationDecided([passed, open, final]));
  assert.ok(isConfirmationDecided([passed, refuted]));
  assert.ok(!isConfirmationDecided([passed, refuted, open]));
});

for (const [why, expectation] of [
  ['no limit at all', { metric: 'p50Us', of: 'a' }],
  ['limits the wrong way round', { metric: 'p50Us', of: 'a', atLeast: 2, atMost: 1 }],
  ['an unknown metric', { metric: 'p42Us', of: 'a', atMost: 1 }],
] as const) {
  test(`refused: ${why}`, () => assert.equal(Expectation.safeParse(expectation).success, false));
}

test('a capacity is judged over the searches that found one, of one arm and over another', () => {
  const { trials } = sampleRun({ scenario: 'capacity' });
  const stateOf = (of: object) =>
    judge(Expectation.parse({ metric: 'capacityPerSec', of: 'persistent', ...of }), trials).state;
  assert.equal(stateOf({ atLeast: 10_000 }), 'pass');
  assert.equal(stateOf({ atLeast: 60_000 }), 'fail');
  assert.equal(stateOf({ over: 'short', atLeast: 3 }), 'pass');
  const [first] = trials.filter(({ trial }) => trial.arm === 'persistent');
  assert.ok(first?.state === 'completed');
  first.measurement.capacity!.isSettled = false;
  assert.equal(stateOf({ atLeast: 10_000 }), 'unsure', 'one of them was cut short');
});

const FALSE_EXPERIMENTS = 2_000;

for (const count of [2, 5, 18]) {
  for (const common of [0, 0.9]) {
    test(`of ${count} limits that are just kept, ${common * 100} % of their noise in common, any is said to fail in 5 % at most`, () => {
      const normal = randomNormal.source(createRandom(5, 'limits', count, common))();
      const expectations = Array.from({ length: count }, () =>
        Expectation.parse({ metric: 'meanUs', of: 'a', over: 'b', atMost: 1 }),
      );
      let failed = 0;
      for (let experiment = 0; experiment < FALSE_EXPERIMENTS; experiment++) {
        const shared = Array.from({ length: 5 }, normal);
        const logs = new Map(
          expectations.map(expectation => [
            expectation,
            shared.map(own => 0.03 * (Math.sqrt(common) * own + Math.sqrt(1 - common) * normal())),
          ]),
        );
        const states = judgeTogether(expectations, (expectation, level) =>
          replicateInterval(logs.get(expectation)!, level),
        );
        if (states.includes('fail')) failed++;
      }
      // 5 % and three standard errors.
      assert.ok(failed / FALSE_EXPERIMENTS <= 0.065, `${failed} of ${FALSE_EXPERIMENTS}`);
    });
  }
}
