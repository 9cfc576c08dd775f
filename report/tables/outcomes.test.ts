// The tables of statuses, errors, faults and recovery: sums per client, shares of its own responses, and nothing where there is nothing to show.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLatencyRecorder } from '../../results/histogram.ts';
import type { Measurement } from '../../results/model/trial.ts';
import { sampleHeld } from '../../results/testing/sample-measurement.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import type { ExpectedStatus } from '../../scenarios/model/request-facts.ts';
import { Faults } from '../../scenarios/model/target.ts';
import { armNames, viewCell } from '../cell-view.ts';
import type { Table } from '../model.ts';
import { faultTable, recoveryTable, statusTable } from './outcomes.ts';

describe("The table of statuses counts each arm's whole answers by status, says which are good, and is left out where it says nothing", () => {
  type Counts = Record<string, number>;

  /** Two replicates of two arms, whose trials report these statuses. */
  function tableOf(
    counts: { short: readonly [Counts, Counts]; persistent: readonly [Counts, Counts] },
    {
      expectStatus = ['2xx'],
      trouble,
      responseByClass = {},
    }: {
      expectStatus?: ExpectedStatus[];
      trouble?: 'invalid-trial';
      responseByClass?: Measurement['responseByClass'];
    } = {},
  ): Table | null {
    const { run, trials } = structuredClone(sampleRun({ replicates: 2, ...(trouble && { trouble }) }));
    for (const result of trials) {
      assert.ok(result.state === 'completed');
      result.measurement.statuses = counts[result.trial.arm as keyof typeof counts][result.trial.replicate]!;
      result.measurement.responseByClass = responseByClass;
    }
    const [cell] = run.cells;
    cell!.scenario.target.expectStatus = expectStatus;
    return statusTable(viewCell(cell!, trials, armNames(run)));
  }

  /** Per row: arm, status, count, share, what it counts as. */
  function valuesOf(table: Table | null): unknown[][] {
    return table!.rows.map(row => row.map(({ value }) => value));
  }

  /** Times that an older run has not stored. */
  const UNKNOWN = [null, null, null];
  const GOOD = [{ '200': 10 }, { '200': 20 }] as const;

  test('where all answers have one status, and a good one, there is no table', () => {
    assert.equal(tableOf({ short: GOOD, persistent: GOOD }), null);
    assert.equal(
      tableOf({ short: [{ '404': 1 }, {}], persistent: [{}, { '404': 2 }] }, { expectStatus: [404] }),
      null,
    );
    assert.equal(tableOf({ short: [{}, {}], persistent: [{}, {}] }), null, 'nor where no status is known');
  });

  test('counts are sums over the trials of an arm, in the order of the statuses, and shares are of its own answers', () => {
    const table = tableOf({
      short: [
        { '503': 3, '200': 10 },
        { '302': 7, '200': 20 },
      ],
      persistent: [{ '200': 5 }, { '404': 15 }],
    });
    assert.deepEqual(valuesOf(table), [
      ['short', '200', 30, 0.75, ...UNKNOWN, 'good'],
      ['short', '302', 7, 0.175, ...UNKNOWN, 'failed'],
      ['short', '503', 3, 0.075, ...UNKNOWN, 'failed'],
      ['persistent', '200', 5, 0.25, ...UNKNOWN, 'good'],
      ['persistent', '404', 15, 0.75, ...UNKNOWN, 'failed'],
    ]);
    assert.match(table!.notes.join('\n'), /expectStatus, 2xx count as success/);
  });

  test('where there are several classes each has its times, in a row of its own if it has several statuses', () => {
    const recorder = createLatencyRecorder();
    for (const us of [1_000, 3_000]) recorder.recordUs(us);
    const response = recorder.summary();
    recorder.close();
    const mixed = [{ '200': 2, '404': 1, '429': 1 }, {}] as const;
    const table = tableOf(
      { short: mixed, persistent: mixed },
      { expectStatus: ['2xx', 404], responseByClass: { '2xx': response, '4xx': response } },
    )!;
    const times = [2, response.p50Us / 1_000, response.p99Us / 1_000];
    assert.deepEqual(valuesOf(table).slice(0, 4), [
      ['short', '200', 2, 0.5, ...times, 'good'],
      ['short', '404', 1, 0.25, ...UNKNOWN, 'good'],
      ['short', '429', 1, 0.25, ...UNKNOWN, 'failed'],
      ['short', 'all 4xx', 2, 0.5, ...times, 'both'],
    ]);
  });

  test('several statuses of one class have no times of their own', () => {
    const created = [{ '200': 1, '201': 1 }, {}] as const;
    assert.deepEqual(valuesOf(tableOf({ short: created, persistent: created }))[0], [
      'short',
      '200',
      1,
      0.5,
      'good',
    ]);
  });

  test('one bad status alone, and several good ones, are shown', () => {
    const bad = [{ '401': 4 }, { '401': 4 }] as const;
    assert.deepEqual(valuesOf(tableOf({ short: bad, persistent: bad })), [
      ['short', '401', 8, 1, 'failed'],
      ['persistent', '401', 8, 1, 'failed'],
    ]);
    const two = valuesOf(
      tableOf({ short: GOOD, persistent: [{ '404': 1 }, { '404': 1 }] }, { expectStatus: ['2xx', 404] }),
    );
    assert.deepEqual(
      two.map(row => row.at(-1)),
      ['good', 'good'],
    );
  });

  test('an arm whose client reports no status says so, and has no figure', () => {
    const table = tableOf({ short: [{ '200': 1, '500': 1 }, {}], persistent: [{}, {}] })!;
    assert.deepEqual(valuesOf(table).at(-1), ['persistent', null, null, null, ...UNKNOWN, null]);
    assert.equal(table.rows.at(-1)![1]!.text, 'unknown');
  });

  test('figures of an arm with an invalid trial are marked', () => {
    const statuses = [{ '200': 1, '500': 1 }, {}] as const;
    const { rows } = tableOf({ short: statuses, persistent: statuses }, { trouble: 'invalid-trial' })!;
    const marked = rows.filter(row => row[2]!.marks.includes('invalid'));
    assert.deepEqual([rows.length, marked.length], [4, 2]);
    assert.equal(new Set(marked.map(row => row[0]!.value)).size, 1);
  });
});

const FAULTS = Faults.parse([
  { kind: 'close', ratio: 0.01 },
  { kind: 'status', ratio: 0.01 },
  { kind: 'reset', ratio: 0.01 },
  { kind: 'slowBytes', ratio: 0.01 },
  { kind: 'connectionClose', ratio: 0.01 },
]);

/** Two replicates of two clients, each of which met and counted the same. */
function faultTableOf(faults: Faults, { isOld = false, isInvalid = false } = {}): Table | null {
  const { run, trials } = sampleRun({
    replicates: 2,
    ...(isInvalid ? { trouble: 'invalid-trial' as const } : {}),
  });
  const [cell] = run.cells;
  cell!.scenario.target.faults = faults;
  for (const result of trials) {
    assert.ok(result.state === 'completed');
    result.trial.target.faults = faults;
    Object.assign(result.measurement.ledger, {
      faults: [1, 2, 3, 4, 5],
      failures: isOld ? null : { badStatus: 2, reset: 1, staleSocket: 3, timeoutTotal: 1 },
    });
  }
  return faultTable(viewCell(cell!, trials, armNames(run)));
}

function valuesOf(table: Table, arm: string): unknown[][] {
  return table.rows.filter(row => row[0]!.value === arm).map(row => row.slice(1).map(({ value }) => value));
}

const LOST = ['reset', 'staleSocket'];
const SILENT = ['timeoutHeaders', 'timeoutBody', 'timeoutTotal', 'timeoutAttempt', 'noAnswer'];

test('counts are sums over trials, and those of one effect stand in its first row', () => {
  const table = faultTableOf(FAULTS)!;
  for (const arm of ['short', 'persistent']) {
    assert.deepEqual(valuesOf(table, arm), [
      ['close', 2, LOST, 8],
      ['reset', 6, LOST, null],
      ['status', 4, ['badStatus'], 4],
      ['slowBytes', 8, SILENT, 2],
      ['connectionClose', 10, 'ok', null],
    ]);
  }
  assert.equal(table.rows[0]![1]!.text, 'connection closed without an answer');
  assert.match(table.rows[3]![3]!.text, /^answered, or timeout/);
});

test('there is no table without faults', () => {
  assert.equal(faultTableOf([]), null);
});

test('in a run of an older version the counts of the client are unknown', () => {
  assert.deepEqual(
    valuesOf(faultTableOf(FAULTS, { isOld: true })!, 'short').map(row => row[2 + 1]),
    [null, null, null, null, null],
  );
});

test('figures of a client with an invalid trial are marked', () => {
  const { rows } = faultTableOf(FAULTS, { isInvalid: true })!;
  const marked = new Set(rows.filter(row => row[2]!.marks.includes('invalid')).map(row => row[0]!.value));
  assert.equal(marked.size, 1);
});

/** Two replicates of two clients, of which each second one of a client does not recover within its window. */
function recoveryTableOf(faults: Faults): Table | null {
  const { run, trials } = sampleRun({ replicates: 2 });
  for (const { trial, ...result } of trials) {
    assert.ok(result.state === 'completed');
    const { measurement } = result;
    trial.target.faults = faults;
    const held = sampleHeld({ leftPerRequest: 0, samples: 20 });
    held.client.atMs = held.client.atMs.map((_, place) => 1_000 + 100 * place);
    held.client.inFlight = Array.from({ length: 20 }, (_, place) =>
      place < 2 ? 2 : place < 4 ? 1_500 : place < 6 || trial.replicate > 0 ? 9 : 2,
    );
    measurement.held = held;
    measurement.slices = [{ ...measurement.slices[0]!, atMs: 1_000, windowMs: 2_000 }];
  }
  return recoveryTable(viewCell(run.cells[0]!, trials, armNames(run)));
}

test('requests that piled up, and the time until they had gone, by replicate', () => {
  const table = recoveryTableOf(
    Faults.parse([{ kind: 'status', ratio: 1, during: { fromMs: 200, toMs: 300 } }]),
  )!;
  assert.deepEqual(
    table.rows.map(row => row.map(({ text }) => text)),
    [
      ['short (baseline)', '2, 2', '1,500, 1,500', '0.3, 1 not in time'],
      ['persistent', '2, 2', '1,500, 1,500', '0.3, 1 not in time'],
    ],
  );
  assert.deepEqual(table.rows[0]!.at(-1)!.value, [0.3, null]);
  assert.match(table.notes[0]!, /samples 50 ms apart/);
});

test('there is no table without faults, nor where they strike all the time', () => {
  assert.equal(recoveryTableOf([]), null);
  assert.equal(recoveryTableOf(Faults.parse([{ kind: 'status', ratio: 1 }])), null);
});
