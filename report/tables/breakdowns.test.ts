// Tables that break figures down by request, origin, backend and machine: sums over all trials of each client, and nothing where there is only one.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { summariseArms } from '../../results/compare.ts';
import { createLatencyRecorder, emptyHistogram } from '../../results/histogram.ts';
import type {
  BackendGrowth,
  Backends,
  Histogram,
  Ledger,
  MachineShare,
  RequestFigures,
} from '../../results/model/trial.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { Target } from '../../scenarios/model/target.ts';
import { armNames, viewCell } from '../cell-view.ts';
import type { Table } from '../model.ts';
import { machineTable, originTable, requestTable, spreadTable } from './breakdowns.ts';

function histogramOf(...ms: number[]): Histogram {
  const recorder = createLatencyRecorder();
  for (const one of ms) recorder.recordUs(one * 1_000);
  const summary = recorder.summary();
  recorder.close();
  return summary;
}

const STEADY_MS = 500;

/** Two replicates of two clients, whose trials have these figures. */
function requestTableOf(
  of: (arm: string, replicate: number) => RequestFigures[],
  trouble?: 'invalid-trial',
): Table | null {
  const { run, trials } = structuredClone(sampleRun({ replicates: 2, ...(trouble && { trouble }) }));
  for (const result of trials) {
    assert.ok(result.state === 'completed');
    result.measurement.requests = of(result.trial.arm, result.trial.replicate);
    result.measurement.steadyMs = STEADY_MS;
  }
  const [cell] = run.cells;
  cell!.arms = summariseArms(trials);
  return requestTable(viewCell(cell!, trials, armNames(run)));
}

function valuesOf(table: Table): unknown[][] {
  return table.rows.map(row => row.map(({ value }) => value));
}

const READ: RequestFigures = {
  name: 'read',
  sent: 9,
  completed: 3,
  failed: 1,
  censored: null,
  response: histogramOf(1, 2, 3),
};
const WRITE: RequestFigures = {
  ...READ,
  name: 'write',
  sent: 2,
  completed: 0,
  failed: 0,
  response: emptyHistogram(),
};

suite('requests by name', () => {
  test('without several requests there is no table', () => {
    assert.equal(
      requestTableOf(() => []),
      null,
    );
  });

  test('counts are sums, rates are over all steady time, times are of all trials together, per client and in order', () => {
    const table = requestTableOf((arm, replicate) => [
      replicate === 0 ? READ : { ...READ, completed: 1, failed: 0, response: histogramOf(10) },
      { ...WRITE, sent: arm === 'short' ? 2 : 5 },
    ])!;
    const read = ['read', 18, 4, 4, 0.2, 4];
    assert.deepEqual(
      valuesOf(table).map(row => row.slice(0, 7)),
      [
        ['short', ...read],
        ['short', 'write', 4, 0, 0, null, null],
        ['persistent', ...read],
        ['persistent', 'write', 10, 0, 0, null, null],
      ],
    );
    const [p50, p99] = valuesOf(table)[0]!.slice(7) as number[];
    assert.ok(Math.abs(p50! - 2) < 0.01 && Math.abs(p99! - 10) < 0.01, `${p50}, ${p99}`);
  });

  test('what a load tool does not report is unknown, and the table says so', () => {
    const unknown = { ...READ, completed: null, failed: null, response: null };
    const table = requestTableOf(arm => [arm === 'short' ? unknown : READ])!;
    assert.deepEqual(valuesOf(table)[0], ['short', 'read', 18, null, null, null, null, null, null]);
    assert.equal(valuesOf(table)[1]![3], 6);
    assert.match(table.notes.join('\n'), /does not report which of its requests/);
  });

  test('what is a lower bound because of requests without an answer is marked, and nothing else', () => {
    const unanswered = { ...READ, censored: { count: 1, leastUs: 2_500 }, response: histogramOf(1, 2, 2.5) };
    const table = requestTableOf(arm => [arm === 'short' ? unanswered : READ])!;
    const marked = table.rows.map(row =>
      row.flatMap(({ marks }, index) => (marks.includes('censored') ? table.columns[index]!.key : [])),
    );
    // The arms of this sample have none by their own count, so no row may be marked that the request does not mark itself.
    assert.deepEqual(marked, [['requestsPerSec', 'meanMs', 'p99Ms'], []]);
  });

  test('figures of a client with an invalid trial are marked', () => {
    const table = requestTableOf(() => [READ], 'invalid-trial')!;
    const invalid = table.rows.filter(row => row.slice(2).every(({ marks }) => marks.includes('invalid')));
    assert.equal(invalid.length, 1);
  });
});

const COUNTS: Ledger['origins'] = [
  { requestsSent: 30, requestsSeen: 29, opened: 3, accepted: 3 },
  { requestsSent: 10, requestsSeen: 10, opened: 1, accepted: 2 },
];

function originTableOf(target: Pick<Target, 'origins' | 'urls'>, counts = COUNTS) {
  const { run, trials } = sampleRun({ replicates: 2 });
  const [cell] = run.cells;
  Object.assign(cell!.scenario.target, target);
  for (const result of trials) {
    assert.ok(result.state === 'completed');
    result.measurement.ledger.origins = counts;
  }
  return originTable(viewCell(cell!, trials, armNames(run)));
}

test('counts are sums over trials, by client and origin', () => {
  const rows = originTableOf({ origins: [3, 1] })!.rows.map(row => row.map(({ value }) => value));
  assert.deepEqual(
    rows,
    ['short', 'persistent'].flatMap(arm => [
      [arm, '1', 60, 58, 6, 6],
      [arm, '2', 20, 20, 2, 4],
    ]),
  );
});

test('there is no table for one origin', () => {
  assert.equal(originTableOf({}), null);
  assert.equal(originTableOf({ origins: 1 }), null);
});

test('external servers are named by their hosts, and what is unknown is no figure', () => {
  const urls = ['http://127.0.0.1:3001/a', 'http://127.0.0.1:3002/b'];
  const counts = COUNTS.map(each => ({ ...each, requestsSeen: null, accepted: null }));
  const table = originTableOf({ urls }, counts)!;
  assert.deepEqual(
    table.rows.slice(2).map(row => row.map(({ value }) => value)),
    [
      ['persistent', '127.0.0.1:3001', 60, null, 6, null],
      ['persistent', '127.0.0.1:3002', 20, null, 2, null],
    ],
  );
  assert.ok(table.notes.some(note => /what each of them received and accepted is unknown/.test(note)));
  const unseen = originTableOf(
    { urls },
    counts.map(each => ({ ...each, opened: null })),
  )!;
  assert.deepEqual(
    unseen.rows[0]!.map(({ value }) => value),
    ['short', '127.0.0.1:3001', 60, null, null, null],
  );
});

function spreadTableOf(backendsOf: (arm: string) => Backends | null, setting: unknown) {
  const { run, trials } = sampleRun({ replicates: 3 });
  for (const result of trials) {
    if (result.state !== 'completed') continue;
    result.trial.target = Target.parse({ backends: setting });
    result.measurement.backends = backendsOf(result.trial.arm);
    for (const slice of result.measurement.slices) slice.windowMs = 1_000;
  }
  return spreadTable(viewCell(run.cells[0]!, trials, armNames(run)));
}

function textsOf(table: ReturnType<typeof spreadTableOf>): string[][] {
  return table!.rows.map(row => row.slice(0, -1).map(({ text }) => text));
}

test('a single server has no table', () =>
  assert.equal(
    spreadTableOf(() => null, 1),
    null,
  ));

test('shares of requests and connections, and the largest over the mean', () => {
  const table = spreadTableOf(
    arm =>
      arm === 'short'
        ? { accepted: [5, 5], requests: [50, 50], growth: null }
        : { accepted: [3, 1], requests: [30, 10], growth: null },
    2,
  );
  assert.deepEqual(textsOf(table), [
    ['short', '50 % to 50 %', '1.00, 1.00, 1.00', '50 % to 50 %', '1.00, 1.00, 1.00'],
    ['persistent', '25 % to 75 %', '1.50, 1.50, 1.50', '25 % to 75 %', '1.50, 1.50, 1.50'],
  ]);
  assert.deepEqual(table!.rows[1]![1]!.value, [0.75, 0.25]);
});

test('how soon the shares were even after backends were added, or that they were not in time', () => {
  const growth = (second: number): BackendGrowth => ({
    snapshots: Array.from({ length: 40 }, (_, index) => ({
      afterMs: index * 100,
      requests: [100 * index, second * index],
    })),
  });
  const table = spreadTableOf(
    arm => ({ accepted: [2, 1], requests: [1, 1], growth: growth(arm === 'short' ? 100 : 0) }),
    { from: 1, to: 2, afterMs: 1_000 },
  );
  const column = table!.columns.findIndex(({ key }) => key === 'evenAfterSec');
  assert.deepEqual(
    table!.rows.map(row => row[column]!.text),
    ['0, 0, 0', 'not in time'],
  );
  assert.deepEqual(table!.rows[1]![column]!.value, [null, null, null]);
});

test('raw percentiles of machines are in the unit that their columns are named by', () => {
  const share: Omit<MachineShare, 'name'> = {
    generators: 1,
    shareRatio: 0.5,
    requestsSent: 3,
    opened: 3,
    completed: 3,
    response: histogramOf(10, 20, 30),
    cpuRatio: 0.25,
    offsetMs: 0,
    errorMs: 0.1,
    worst: null,
    slices: 1,
    lateSlices: 0,
  };
  const { run, trials } = structuredClone(sampleRun({ replicates: 1 }));
  for (const result of trials) {
    assert.ok(result.state === 'completed');
    result.measurement.machines = [
      { name: 'gen1', ...share },
      { name: 'gen2', ...share },
    ];
  }
  const table = machineTable(viewCell(run.cells[0]!, trials, armNames(run)))!;
  const medians = table.columns.findIndex(({ key }) => key === 'p50Ms');
  assert.equal(table.columns[medians]?.unit, 'ms');
  for (const { text, value } of table.rows.slice(0, 2).map(row => row[medians]!)) {
    assert.equal(text, '20.0');
    assert.ok(Math.abs(Number(value) - 20) < 0.1, String(value));
  }
  assert.deepEqual(table.rows[2]![1], { text: 'all together', value: null, marks: [] });
});
