// What a fault does to a client, the account of injected and counted failures, and the time that a client needs after them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Client } from '../scenarios/model/client.ts';
import { Faults, Target } from '../scenarios/model/target.ts';
import { accountFaults, effectOf, type FaultEffect, recoveryOf, withFaults } from './faults.ts';
import type { CompletedTrial, Ledger } from './model/trial.ts';
import { sampleHeld } from './testing/sample-measurement.ts';
import { sampleRun } from './testing/sample-run.ts';

type Stated = Record<string, unknown>;

function faulty(
  faults: Stated[],
  { target = {}, ...client }: { target?: Stated; timeouts?: Stated; resilience?: Stated } = {},
) {
  return { target: Target.parse({ faults, ...target }), client: Client.parse(client) };
}

describe('Each kind of fault has one effect, which settings of client and target may change', () => {
  const rows: [
    fault: Stated,
    settings: Parameters<typeof faulty>[1],
    way: FaultEffect['way'],
    isCertain: boolean,
  ][] = [
    [{ kind: 'status' }, {}, 'status', true],
    [{ kind: 'status', status: 404 }, { target: { expectStatus: ['2xx', '4xx'] } }, null, true],
    [{ kind: 'close' }, {}, 'lost', true],
    [{ kind: 'closeInBody' }, {}, 'lost', true],
    [{ kind: 'reset' }, {}, 'lost', true],
    [{ kind: 'noAnswer' }, {}, 'silent', true],
    [{ kind: 'slowBytes', overMs: 100 }, {}, 'silent', false],
    [{ kind: 'slowBytes', overMs: 100 }, { timeouts: { totalMs: 101 } }, 'silent', false],
    [{ kind: 'slowBytes', overMs: 100 }, { timeouts: { totalMs: 100 } }, 'silent', true],
    [{ kind: 'slowBytes', overMs: 100 }, { resilience: { timeout: { attemptMs: 100 } } }, 'silent', true],
    [{ kind: 'connectionClose' }, {}, null, true],
  ];
  for (const [fault, settings, way, isCertain] of rows) {
    test(`${JSON.stringify(fault)} with ${JSON.stringify(settings)}: ${way}`, () => {
      const { target, client } = faulty([{ ratio: 0.5, ...fault }], settings);
      assert.deepEqual(effectOf(target.faults[0]!, target, client), { way, isCertain });
    });
  }
});

describe('The account sums failures by their effect', () => {
  const FAULTS = [
    { kind: 'status', ratio: 0.1 },
    { kind: 'close', ratio: 0.1 },
    { kind: 'reset', ratio: 0.1 },
    { kind: 'noAnswer', ratio: 0.1 },
    { kind: 'slowBytes', ratio: 0.1 },
    { kind: 'connectionClose', ratio: 0.1 },
  ];
  const counts = [1, 2, 3, 4, 5, 6];

  function account(failures: Ledger['failures'], unfinished = 0) {
    return accountFaults(faulty(FAULTS), { faults: counts, failures, unfinished, attempts: null });
  }

  test('outcomes of one effect are one count, and unfinished requests are missing answers', () => {
    assert.deepEqual(account({ badStatus: 1, reset: 1, staleSocket: 4, timeoutTotal: 2 }, 3), {
      ways: [
        { way: 'status', injected: { least: 1, most: 1 }, counted: 1 },
        { way: 'lost', injected: { least: 5, most: 5 }, counted: 5 },
        { way: 'silent', injected: { least: 4, most: 9 }, counted: 5 },
      ],
      others: [],
    });
  });

  test('of a client that repeats requests, the failures of its attempts count, and those that never ended', () => {
    const attempts = { sent: 20, answered: 10, failures: { badStatus: 1, reset: 5, timeoutAttempt: 2 } };
    const found = accountFaults(faulty(FAULTS), { faults: counts, failures: {}, unfinished: 0, attempts });
    assert.deepEqual(
      found!.ways.map(({ counted }) => counted),
      [1, 5, 4],
    );
  });

  test('what no fault causes is listed', () => {
    assert.deepEqual(account({ refused: 2 })!.others, [{ outcome: 'refused', count: 2 }]);
  });

  test('there is none without faults, and where the failures are unknown', () => {
    assert.equal(
      accountFaults(faulty([]), {
        faults: [],
        failures: { reset: 1 },
        unfinished: 0,
        attempts: null,
      }),
      null,
    );
    assert.equal(account(null), null);
  });
});

describe('Connections that faults end are needed again', () => {
  const faults = Faults.parse([
    { kind: 'reset', ratio: 0.1 },
    { kind: 'connectionClose', ratio: 0.1 },
    { kind: 'noAnswer', ratio: 0.1 },
    { kind: 'status', ratio: 0.1 },
  ]);
  const rows: [why: string, needed: Ledger['needed'], counts: number[], expected: Ledger['needed']][] = [
    ['nothing was injected', { least: 1, most: 10 }, [0, 0, 0, 9], { least: 1, most: 10 }],
    ['each one ends a connection', { least: 1, most: 10 }, [3, 4, 5, 9], { least: 7, most: 22 }],
    ['no more than one per request', { least: 1, most: 10 }, [50, 50, 0, 0], { least: 100, most: 100 }],
    ['no bound', { least: 1, most: null }, [3, 4, 5, 9], { least: 7, most: null }],
    ['every request has its own anyway', { least: 100, most: 100 }, [3, 4, 5, 9], { least: 100, most: 100 }],
  ];
  for (const [why, needed, counts, expected] of rows) {
    test(why, () => assert.deepEqual(withFaults(needed, faults, counts, 100), expected));
  }
});

describe('Faults are parsed strictly', () => {
  const rows: [what: Stated[], isValid: boolean][] = [
    [
      [
        { kind: 'status', ratio: 0.5 },
        { kind: 'reset', ratio: 0.5 },
      ],
      true,
    ],
    [[0.7, 0.2, 0.1].map(ratio => ({ kind: 'close', ratio })), true],
    [
      [
        { kind: 'status', ratio: 0.5 },
        { kind: 'reset', ratio: 0.51 },
      ],
      false,
    ],
    [[{ kind: 'status', ratio: 0.5, status: 302 }], false],
    [[{ kind: 'status', ratio: 0 }], false],
    [[{ kind: 'status' }], false],
    [[{ kind: 'explode', ratio: 0.5 }], false],
    [[{ kind: 'close', ratio: 0.5, status: 500 }], false],
  ];
  for (const [stated, isValid] of rows) {
    test(JSON.stringify(stated), () => assert.equal(Faults.safeParse(stated).success, isValid));
  }
});

const FAULTS = Faults.parse([
  { kind: 'status', ratio: 1, during: { fromMs: 200, toMs: 300 } },
  { kind: 'close', ratio: 1, during: { fromMs: 300, toMs: 400 } },
]);

/** A window of 1.2 s that opens 5 s after the start of the replicate, with a sample every 100 ms from 100 ms before. */
function trialWith(inFlight: readonly number[], faults = FAULTS): CompletedTrial {
  const [trial] = sampleRun({ replicates: 1 }).trials as CompletedTrial[];
  const { measurement } = trial!;
  const held = sampleHeld({ leftPerRequest: 0, samples: inFlight.length });
  trial!.trial.target.faults = faults;
  measurement.slices = [{ ...measurement.slices[0]!, atMs: 5_000, windowMs: 1_200 }];
  held.client.atMs = inFlight.map((_, place) => 4_900 + 100 * place);
  held.client.inFlight = [...inFlight];
  measurement.held = held;
  return trial!;
}

/** Until 300 ms after the start of the window, and then as given. */
function since(...inFlight: number[]): number[] {
  return [9, 2, 3, 20, 30, ...inFlight];
}

const rows: [why: string, inFlight: number[], recovery: ReturnType<typeof recoveryOf>][] = [
  ['some time after', since(20, 7, 6, 5, 3, 2, 2, 2, 2), { before: 3, most: 30, afterMs: 200 }],
  ['by the end of the faults', since(6, 5, 4, 3, 3, 3, 3, 3, 3), { before: 3, most: 30, afterMs: 0 }],
  [
    'a pause later is not of the faults',
    since(8, 5, 4, 3, 3, 3, 9, 9, 3),
    { before: 3, most: 30, afterMs: 100 },
  ],
  ['a short rest is none', since(8, 5, 9, 3, 3, 3, 3, 3, 3), { before: 3, most: 30, afterMs: 300 }],
  ['not in time', since(9, 9, 9, 9, 9, 9, 2, 2, 2), { before: 3, most: 30, afterMs: null }],
  [
    'what is after the window does not count',
    since(9, 9, 9, 9, 9, 9, 9, 9, 9, 2, 2, 2, 2, 2, 2, 2),
    { before: 3, most: 30, afterMs: null },
  ],
  ['nothing in flight before', [0, 0, 0, 9, 9, 2, 2, 2, 2, 2, 2, 2, 2], { before: 0, most: 9, afterMs: 0 }],
];
for (const [why, inFlight, recovery] of rows) {
  test(`recovered: ${why}`, () => assert.deepEqual(recoveryOf(trialWith(inFlight)), recovery));
}

test('unknown without samples, and where faults strike all the time or from the start', () => {
  const trial = trialWith([1, 1, 1, 1, 1, 1]);
  const always = Faults.parse([{ kind: 'status', ratio: 0.1 }]);
  const fromStart = Faults.parse([{ kind: 'status', ratio: 1, during: { fromMs: 0, toMs: 100 } }]);
  assert.equal(recoveryOf(trialWith([1, 1, 1], always)), null);
  assert.equal(recoveryOf(trialWith([1, 1, 1], fromStart)), null);
  delete trial.measurement.held;
  assert.equal(recoveryOf(trial), null);
});
