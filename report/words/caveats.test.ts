// Caveats: why measuring stopped, what the network of a run lacks, and what delayed acknowledgements look like.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CellResult, Run } from '../../results/model/run.ts';
import type { Outcome } from '../../results/model/trial.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { withUnknowns } from '../../scenarios/model/target.ts';
import { armNames, type CellView, viewCell } from '../cell-view.ts';
import type { FactGroup } from '../model.ts';
import { sampleRuns } from '../testing/sample-runs.ts';
import {
  type Caveat,
  caveatsOfAll,
  cellCaveats,
  delayedAckCaveats,
  describeStop,
  runCaveats,
  wordCaveat,
} from './caveats.ts';
import { machineFacts } from './run.ts';

describe('Why measuring stopped, and the precision reached', () => {
  const sample = sampleRuns['two arms']!.run.cells[0]!;
  const ratio = { value: 5, low: 4.6, high: 5.4 };
  const cell: CellResult = {
    ...sample,
    elapsedMs: 61_000,
    scenario: {
      ...sample.scenario,
      timing: { ...sample.scenario.timing, budgetMs: 60_000, precision: 0.05 },
    },
    comparisons: sample.comparisons.map(comparison => ({ ...comparison, ratio })),
  };

  for (const [change, text] of [
    [
      { stop: 'precise' },
      'Stopped after 4 replicates in 61 s: the interval of requests/s is ±8 % (requested: ±5 %).',
    ],
    [
      { stop: 'decided' },
      'Stopped after 4 replicates in 61 s: the expectations are decided; the interval of requests/s is ±8 %.',
    ],
    [
      {
        stop: 'budget',
        stopDetail: '1 replicate: another one of about 31 s does not fit the announced maximum of 82 s',
      },
      'Stopped in 61 s with 1 replicate: another one of about 31 s does not fit the announced maximum of 82 s; the interval of requests/s is ±8 %.',
    ],
    [
      { stop: 'max-replicates', replicates: 1 },
      'Stopped after 1 replicate in 61 s, the maximum that the scenario allows; the interval of requests/s is ±8 %.',
    ],
    [
      { stop: 'interrupted', comparisons: [] },
      'Interrupted after 4 replicates in 61 s; there was no other client to compare with.',
    ],
    [
      { stop: 'failed', stopDetail: 'the target died' },
      'Gave up after 4 replicates in 61 s: the target died.',
    ],
  ] as const) {
    test(`stop reason ${change.stop}`, () => {
      assert.equal(
        describeStop({ ...cell, ...change, comparisons: 'comparisons' in change ? [] : cell.comparisons }),
        text,
      );
    });
  }

  test('replicates of a second measurement are said to be in the count', () => {
    const interval = { value: 2, low: 1.9, high: 2.1 };
    const failed = { state: 'fail', interval, replicates: 2 } as const;
    const expectation = { metric: 'requestsPerSec', of: 'persistent', over: 'short', atLeast: 3 } as const;
    const result = {
      expectation,
      state: 'fail',
      first: failed,
      confirmation: failed,
      together: failed,
    } as const;
    assert.equal(
      describeStop({ ...cell, stop: 'budget', expectations: [result] }),
      'Stopped after 4 replicates in 61 s: a failed expectation was re-measured; the interval of requests/s is ±8 %.',
    );
  });

  test('what was to be precise is what decides under the load', () => {
    const open = sampleRuns['an open load']!.run.cells[0]!;
    const wide = open.comparisons.map(comparison =>
      comparison.metric === 'meanUs' ? { ...comparison, ratio } : { ...comparison, ratio: null },
    );
    assert.equal(
      describeStop({ ...open, stop: 'precise', elapsedMs: 61_000, comparisons: wide }),
      'Stopped after 4 replicates in 61 s: the interval of mean response time is ±8 % (requested: ±5 %).',
    );
  });
});

describe('What the network of a run lacks', () => {
  const LOOPBACK =
    /^Clients and server ran on one machine over loopback\. A real network adds round trips to every handshake, so there the gap between short/;
  const EMULATED = /^Clients and server ran on one machine, and the network between them is emulated/;
  const EMULATED_TOO =
    /^Clients and server ran on one machine for behind-a-link as well, and the network .* is emulated/;

  const { run: plain } = sampleRun();
  const { run: linked } = sampleRun({ scenario: 'behind-a-link' });

  const kept = plain.cells.map(cell => {
    const clients = { persistent: cell.scenario.clients['persistent']! };
    return { ...cell, scenario: { ...cell.scenario, clients } };
  });

  const runs: [why: string, cells: typeof plain.cells, told: RegExp[]][] = [
    ['loopback', plain.cells, [LOOPBACK]],
    ['a link', linked.cells, [EMULATED]],
    ['both', [...plain.cells, ...linked.cells], [LOOPBACK, EMULATED_TOO]],
    ['no short client', kept, [/ A real network adds a round trip to every request\.$/]],
    ['nothing measured', [], [LOOPBACK]],
  ];
  for (const [why, cells, told] of runs) {
    test(`what the network lacks: ${why}`, () => {
      const caveats = runCaveats({ ...plain, cells }).filter(caveat => /one machine/.test(caveat));
      assert.equal(caveats.length, told.length);
      for (const [index, pattern] of told.entries()) assert.match(caveats[index]!, pattern);
    });
  }
});

test('a clock that was set during the run is said, and the duration is that of the other clock', () => {
  const { run } = sampleRuns['two arms']!;
  const finishedAt = new Date(Date.parse(run.startedAt) - 7_180_000).toISOString();
  const about = (changed: Run): string =>
    runCaveats(changed)
      .filter(caveat => caveat.includes('clock'))
      .join();
  const setBack = { ...run, finishedAt, elapsedMs: 20_000 };
  assert.equal(about(run), '');
  assert.match(about(setBack), /^The machine's clock was set back by 7,200 s during the run: /);
  assert.match(
    about({ ...run, elapsedMs: 1 }),
    /^The machine's clock was set ahead by .*, or the machine slept: /,
  );
  const [{ facts }] = machineFacts(setBack) as [FactGroup];
  assert.equal(facts.find(({ label }) => label === 'Duration')?.value, '20 s');
});

test('requests without a response outside the windows are said to be in no error rate', () => {
  const { run, trials } = structuredClone(sampleRuns['two arms']!);
  const [first] = trials;
  assert.ok(first?.state === 'completed');
  const { measurement } = first;
  const about = (): string[] =>
    wordedCaveats(viewCell(run.cells[0]!, trials, armNames(run))).filter(caveat =>
      caveat.includes('no response'),
    );
  assert.deepEqual(about(), []);
  Object.assign(measurement.ledger, { requestsSent: 867, answered: 861, unfinished: 6 });
  assert.match(
    about().join(),
    /^6 requests of short outside the measured windows .* does not include them\.$/,
  );
  measurement.censored = { count: 6, leastUs: 1 };
  assert.deepEqual(about(), [], 'those of the windows are in it');
});

describe('Requests that failed outside the windows are said to be in no error rate, with their kinds: a table', () => {
  const { run, trials } = sampleRuns['two arms']!;
  const [first] = trials;
  assert.ok(first?.state === 'completed');
  const DETAIL = 'The error rate covers the requests of the windows only, so it does not include';

  type Counts = Partial<Record<Outcome, number>>;
  const rows: [why: string, all: Counts | null, inWindows: Counts, said: string[]][] = [
    ['none', {}, {}, []],
    ['all in the windows', { refused: 9 }, { refused: 9 }, []],
    [
      'a single one',
      { refused: 10 },
      { refused: 9 },
      [`1 request | failed (connection refused). ${DETAIL} it.`],
    ],
    [
      'several kinds, the most frequent first',
      { reset: 8, refused: 565, badStatus: 3 },
      { badStatus: 3 },
      [`573 requests | failed (565 connection refused, 8 connection reset). ${DETAIL} them.`],
    ],
    [
      'a run of an older version does not tell the kinds',
      null,
      { refused: 9, noAnswer: 4 },
      [`11 requests | failed (of unknown kind). ${DETAIL} them.`],
    ],
  ];
  for (const [why, all, inWindows, said] of rows) {
    test(why, () => {
      const changed = structuredClone(first);
      const outcomes = Object.entries(inWindows).map(([kind, count]) => [kind, { count }]);
      Object.assign(changed.measurement.outcomes, Object.fromEntries(outcomes));
      Object.assign(changed.measurement.ledger, { failed: 20, failures: all });
      assert.deepEqual(
        wordedCaveats(viewCell(run.cells[0]!, [changed], armNames(run))).filter(text =>
          text.includes(DETAIL),
        ),
        said.map(text => text.replace('|', 'of short outside the measured windows (warm-up and ramps)')),
      );
    });
  }
});

test('connections that end between slices: only what can be changed is advised', () => {
  const { run, trials } = structuredClone(sampleRuns['two arms']!);
  for (const trial of trials) {
    assert.ok(trial.state === 'completed');
    if (trial.trial.arm === 'persistent')
      Object.assign(trial.measurement.ledger, { closedInPauses: 20, longestPauseMs: 2_000 });
  }
  const [cell] = run.cells;
  const about = (slicing: 'alternate' | 'whole'): string => {
    const scenario = { ...cell!.scenario, timing: { ...cell!.scenario.timing, slicing } };
    const caveats = wordedCaveats(viewCell({ ...cell!, scenario }, trials, armNames(run)));
    return caveats.filter(text => text.startsWith('80 connections of persistent ended')).join();
  };
  assert.match(
    about('alternate'),
    / between its slices\. Either .*, and so does timing\.slicing: 'whole'\.$/,
  );
  assert.match(
    about('whole'),
    / before its measured slice\. Either .* \(pool\.idleTimeoutMs\) avoids them\.$/,
  );
});

function wordedCaveats(view: CellView): string[] {
  return cellCaveats(view).map(caveat => wordCaveat(caveat));
}

describe('What limits several scenarios is said once, with their names behind it: a table', () => {
  const about = (text: string, ...clients: string[]): Caveat => ({ text, clients });
  const rows: [why: string, parts: [name: string, caveats: Caveat[]][], said: string[]][] = [
    [
      'a single scenario needs no name',
      [['a', [about('Slow.', 'short', 'persistent'), about('Few.')]]],
      ['Slow (for short and persistent).', 'Few.'],
    ],
    [
      'of all scenarios',
      [
        ['a', [about('Slow.', 'short')]],
        ['b', [about('Slow.', 'short')]],
      ],
      ['Slow (for short in all scenarios).'],
    ],
    [
      'of some among several',
      [
        ['a', [about('Slow.', 'short', 'persistent')]],
        ['b', []],
        ['c', [about('Slow.', 'short', 'persistent'), about('Few.')]],
      ],
      ['Slow (for short and persistent in a and c).', 'Few (in c).'],
    ],
    [
      'with other numbers',
      [
        ['a', [about('2 of 4 failed.')]],
        ['b', [about('3 of 4 failed.')]],
        ['c', []],
      ],
      ['2 of 4 failed (in a and b; the figures are those of a).'],
    ],
    [
      'of a client that the sentence names',
      [
        ['a', [about('wrk is started anew.', 'wrk')]],
        ['b', []],
      ],
      ['wrk is started anew (in a).'],
    ],
    [
      'of clients whose names differ in a number',
      [
        ['a', [about('Slow.', 'k10')]],
        ['b', [about('Slow.', 'k100')]],
      ],
      ['Slow (for k10 in a).', 'Slow (for k100 in b).'],
    ],
  ];
  for (const [why, parts, said] of rows) {
    test(why, () =>
      assert.deepEqual(caveatsOfAll(parts.map(([name, caveats]) => ({ name, caveats }))), said),
    );
  }

  test('what two clients say alike is one sentence', () => {
    const { run, trials } = structuredClone(sampleRuns['two arms']!);
    for (const trial of trials) if (trial.state === 'completed') trial.measurement.caveats = ['It waits.'];
    const caveats = wordedCaveats(viewCell(run.cells[0]!, trials, armNames(run)));
    assert.deepEqual(
      caveats.filter(caveat => caveat.includes('It waits')),
      ['It waits (for short and persistent).'],
    );
  });
});

for (const [why, isOwn, shortUs, persistentUs, isSaid] of [
  ['45 against 3 ms', false, 3_000, 45_000, true],
  ['the same of our own server, which sends each response at once', true, 3_000, 45_000, false],
  ['30 ms more', false, 3_000, 33_000, false],
  ['60 ms more', false, 3_000, 63_000, false],
  ['less', false, 45_000, 3_000, false],
] as const) {
  test(`${why}: ${isSaid ? 'explained' : 'nothing'}`, () => {
    const { run, trials } = structuredClone(sampleRun({ replicates: 3 }));
    const [cell] = run.cells;
    if (!isOwn) Object.assign(cell!.scenario.target, withUnknowns({ url: 'http://127.0.0.1:1/' }));
    for (const summary of cell!.arms) summary.p50Us = summary.arm === 'short' ? shortUs : persistentUs;
    const said = delayedAckCaveats(viewCell(cell!, trials, armNames(run)));
    assert.equal(said.length, isSaid ? 1 : 0);
    if (isSaid)
      assert.match(
        said[0]!,
        /^Half of the responses of persistent take more than 45\.0 ms, of short more than 3\.00 ms\./,
      );
  });
}
