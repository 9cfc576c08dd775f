// What limited a measurement is always said, with the figures behind it, also where nothing did.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CompletedTrial } from '../../results/model/trial.ts';
import { type SampleOptions, sampleRun, sampleSweep } from '../../results/testing/sample-run.ts';
import { buildReport } from '../build.ts';
import type { Badge } from '../model.ts';

type Use = [client: number, server: number];

/** What is said of a sample whose processes used so much of a core, by client. */
function limitOf(uses: { short: Use; persistent: Use }, scenario?: SampleOptions['scenario']): Badge {
  const { run, trials } = sampleRun(scenario === undefined ? {} : { scenario });
  for (const { trial, measurement } of trials as CompletedTrial[]) {
    const [client, server] = uses[trial.arm as 'short' | 'persistent'];
    measurement.generator.cpuRatio = client;
    measurement.target!.cpuRatio = server;
  }
  return buildReport({ run, trials, charts: [] }).answer.limitedBy!;
}

const idle: Use = [0.3, 0.41];

describe('What set the pace of a scenario', () => {
  for (const [text, tone, badge] of [
    [
      'CPU to spare on both sides (client 30 %, server 41 % of a core): the number of users set the rate',
      'plain',
      limitOf({ short: idle, persistent: idle }),
    ],
    [
      'CPU to spare on both sides (client 30 to 50 %, server 41 % of a core): the number of users set the rate',
      'plain',
      limitOf({ short: idle, persistent: [0.5, 0.41] }),
    ],
    [
      "server's CPU was the bottleneck (97 % of a core)",
      'plain',
      limitOf({ short: [0.5, 0.97], persistent: [0.4, 0.97] }),
    ],
    [
      "client's CPU was the bottleneck (96 to 98 % of a core)",
      'doubt',
      limitOf({ short: [0.96, 0.5], persistent: [0.98, 0.4] }),
    ],
    [
      "bottleneck of short: client's CPU (96 % of a core); of persistent: server's CPU (95 % of a core)",
      'doubt',
      limitOf({ short: [0.96, 0.5], persistent: [0.7, 0.95] }),
    ],
    [
      "bottleneck of short: client's CPU (96 % of a core); of persistent: the number of users (client 30 %, server 41 % of a core)",
      'doubt',
      limitOf({ short: [0.96, 0.5], persistent: idle }),
    ],
    [
      "client's and server's CPU in turn were the bottleneck (client 70 %, server 65 % of a core)",
      'plain',
      limitOf({ short: [0.7, 0.65], persistent: [0.7, 0.65] }),
    ],
    [
      'the load that was asked for set the pace (client 30 %, server 41 % of a core)',
      'plain',
      limitOf({ short: idle, persistent: idle }, 'same-load'),
    ],
    [
      'what ended the search of short: its generator (client 30 %, server 41 % of a core); of persistent: latency at the next rate (client 30 %, server 41 % of a core)',
      'doubt',
      limitOf({ short: idle, persistent: idle }, 'capacity'),
    ],
  ] as const) {
    test(text, () => assert.deepEqual(badge, { text, tone }));
  }

  test('a server that conntax did not start may be unknown', () => {
    const { run, trials } = sampleRun();
    for (const { measurement } of trials as CompletedTrial[]) {
      measurement.generator.cpuRatio = 0.3;
      measurement.target = null;
    }
    assert.equal(
      buildReport({ run, trials, charts: [] }).answer.limitedBy!.text,
      'no bottleneck found (client 30 % of a core, server unknown)',
    );
  });
});

test('of many clients those of the largest group are the others', () => {
  const { run, trials } = sampleRun({ scenario: 'requests-per-connection' });
  for (const { trial, measurement } of trials as CompletedTrial[])
    measurement.generator.cpuRatio = trial.arm === 'one' ? 0.96 : 0.5;
  for (const { measurement } of trials as CompletedTrial[]) measurement.target!.cpuRatio = 0.4;
  assert.equal(
    buildReport({ run, trials, charts: [] }).answer.limitedBy!.text,
    "bottleneck of one: client's CPU (96 % of a core); of the others: the number of users (client 50 %, server 40 % of a core)",
  );
});

test('of clients that a sweep limits differently, each has its own', () => {
  const { run, trials } = sampleSweep('link');
  for (const { trial, measurement } of trials as CompletedTrial[]) {
    measurement.generator.cpuRatio = trial.arm === 'short' || trial.link!.roundTripMs === 0 ? 0.97 : 0.3;
    measurement.target!.cpuRatio = 0.4;
    measurement.response.meanUs = 1_000_000;
  }
  assert.equal(
    buildReport({ run, trials, charts: [] }).answer.limitedBy!.text,
    "bottleneck of short: client's CPU; of persistent: client's CPU at round trip 0 ms, the number of users elsewhere",
  );
});

test('of a sweep it is said where each limit held, and beside each point', () => {
  const { run, trials } = sampleSweep('link');
  for (const { trial, measurement } of trials as CompletedTrial[]) {
    const isNear = trial.link!.roundTripMs <= 1;
    measurement.generator.cpuRatio = isNear ? 0.97 : 0.3;
    measurement.target!.cpuRatio = 0.4;
    measurement.response.meanUs = isNear ? 5_000 : trial.link!.roundTripMs * 1_000;
  }
  const { answer, sweeps } = buildReport({ run, trials, charts: [] });
  assert.deepEqual(answer.limitedBy, {
    text: "bottleneck: client's CPU at round trip 0 and 1 ms, the link elsewhere",
    tone: 'doubt',
  });
  const { columns, rows } = sweeps[0]!.cellTable;
  const at = columns.findIndex(({ key }) => key === 'limitedBy');
  assert.deepEqual(
    rows.map(row => row[at]!.text),
    ["client's CPU", "client's CPU", 'the link', 'the link', 'the link'],
  );
});
