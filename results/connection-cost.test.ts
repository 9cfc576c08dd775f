// What a connection costs: the injected cost comes back, only pairs that differ in connections alone are used, and intervals hold the truth.

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import {
  type AmortisationPoint,
  cellAmortisation,
  connectionCosts,
  fitAmortisation,
  mainCosts,
} from './connection-cost.ts';
import type { CompletedTrial, TrialResult } from './model/trial.ts';
import { splitPhases } from './phases.ts';
import { HANDSHAKE_US, SERVICE_US } from './testing/sample-measurement.ts';
import { sampleRun } from './testing/sample-run.ts';

interface Costs {
  requestUs: number;
  connectionUs: number;
}

/** The trials of a sample whose CPU time is that of requests and of the connections opened in the windows. */
function trialsWith(
  { client, server }: { client: Costs; server: Costs },
  trials: TrialResult[] = sampleRun().trials,
): TrialResult[] {
  for (const result of trials) {
    if (result.state !== 'completed') continue;
    const { measurement } = result;
    const share = measurement.connect.count / (measurement.completed + measurement.failed);
    measurement.generator.cpuUsPerRequest = client.requestUs + client.connectionUs * share;
    measurement.target!.cpuUsPerRequest = server.requestUs + server.connectionUs * share;
  }
  return trials;
}

const COSTS = { client: { requestUs: 30, connectionUs: 160 }, server: { requestUs: 20, connectionUs: 40 } };

suite('the cost of a connection', () => {
  test('is what was put in, for client and server apart', () => {
    const [cost, ...others] = connectionCosts(trialsWith(COSTS));
    assert.equal(others.length, 0);
    assert.deepEqual([cost!.more, cost!.fewer], ['short', 'persistent']);
    assert.ok(Math.abs(cost!.client.valueUs - 160) < 1e-6);
    assert.ok(Math.abs(cost!.server!.valueUs - 40) < 1e-6);
    assert.ok(Math.abs(cost!.savedCoresAt1kPerSec! - 0.2 * cost!.connectionsPerRequest) < 1e-9);
    assert.ok(cost!.client.interval!.low <= 160 + 1e-6 && cost!.client.interval!.high >= 160 - 1e-6);
  });

  test('any costs come back, those near 0 too', () => {
    const { trials } = sampleRun();
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 500, noNaN: true }),
        fc.double({ min: 0, max: 3_000, noNaN: true }),
        (requestUs, connectionUs) => {
          const costs = { requestUs, connectionUs };
          const [cost] = connectionCosts(trialsWith({ client: costs, server: costs }, trials));
          assert.ok(Math.abs(cost!.client.valueUs - connectionUs) < 1e-6 * (1 + requestUs + connectionUs));
        },
      ),
    );
  });

  test('a client that opens one for each request has exactly one, whatever opened in the windows', () => {
    const { trials } = sampleRun();
    for (const result of trials as CompletedTrial[]) {
      const { connect, slices } = result.measurement;
      connect.count = Math.round(connect.count * 0.986);
      for (const slice of slices) slice.opened = result.trial.arm === 'short' ? slice.exchanges : 0;
    }
    const [cost] = connectionCosts(trials);
    assert.equal(cost!.connectionsPerRequest, 1);
    assert.equal(splitPhases(trials.slice(0, 1) as CompletedTrial[])!.connectionsPerRequest, 1);
  });

  test('the interval is over the replicates', () => {
    const trials = trialsWith(COSTS);
    for (const { trial, measurement } of trials as CompletedTrial[]) {
      if (trial.arm === 'short') measurement.generator.cpuUsPerRequest += [-2, -1, 1, 2][trial.replicate]!;
    }
    const [cost] = connectionCosts(trials);
    const rounded = cost!.client.replicateUs.map(value => Math.round(value));
    assert.deepEqual(rounded, [158, 159, 161, 162]);
    const { value, low, high } = cost!.client.interval!;
    assert.ok(Math.abs(value - 160) < 0.1 && low < 158 && low > 153 && high > 162 && high < 167);
  });

  test('has no interval with two replicates', () => {
    const [cost] = connectionCosts(trialsWith(COSTS, sampleRun({ replicates: 2 }).trials));
    assert.equal(cost!.client.interval, null);
  });

  test('every pair that differs enough has one, the amortisation curve has many', () => {
    const costs = connectionCosts(
      trialsWith(COSTS, sampleRun({ scenario: 'requests-per-connection' }).trials),
    );
    assert.ok(costs.length > 3);
    for (const { connectionsPerRequest, client } of costs) {
      assert.ok(connectionsPerRequest >= 0.1);
      assert.ok(Math.abs(client.valueUs - 160) < 1e-6);
    }
  });

  test('clients of different libraries have none: their requests cost differently too', () => {
    const trials = trialsWith(COSTS);
    for (const { trial } of trials) {
      if (trial.arm === 'short') trial.client = { ...trial.client, transport: 'fetch' };
    }
    assert.deepEqual(connectionCosts(trials), []);
  });

  test('figures beyond every number, as a damaged run may hold them, have none', () => {
    const trials = trialsWith(COSTS) as CompletedTrial[];
    for (const { measurement } of trials) measurement.generator.cpuUsPerRequest *= 1e305;
    assert.deepEqual(connectionCosts(trials), []);
  });

  test('of a server that conntax did not start only the client’s is known', () => {
    const trials = trialsWith(COSTS);
    for (const trial of trials as CompletedTrial[]) trial.measurement.target = null;
    const [cost] = connectionCosts(trials);
    assert.equal(cost!.server, null);
    assert.ok(Math.abs(cost!.client.valueUs - 160) < 1e-6);
  });

  test('how many more requests reuse served is the ratio of rates, where the load does not set them', () => {
    const [cost] = connectionCosts(sampleRun().trials);
    assert.ok(cost!.served!.low > 4 && cost!.served!.high < 6);
    const [open] = connectionCosts(sampleRun({ scenario: 'same-load' }).trials);
    assert.equal(open!.served, null);
  });

  test('the same by CPU time is the ratio of what a request costs client and server together', () => {
    const trials = sampleRun().trials as CompletedTrial[];
    for (const { trial, measurement } of trials) {
      for (const slice of measurement.slices) {
        const isShort = trial.arm === 'short';
        slice.generatorCpuUs = slice.exchanges * (isShort ? 190 : 30);
        slice.targetCpuUs = slice.exchanges * (isShort ? 60 : 20);
      }
    }
    const byCpu = () => connectionCosts(trials)[0]!.servedByCpu!;
    assert.ok(Math.abs(byCpu().value - 5) < 1e-9);
    for (const slice of trials.flatMap(({ measurement }) => measurement.slices)) slice.targetCpuUs = null;
    assert.ok(Math.abs(byCpu().value - 190 / 30) < 1e-9, 'of an external server, the client alone');
  });

  test('what one user waits for is the difference of medians, replicate by replicate', () => {
    const { trials } = sampleRun();
    for (const { trial, measurement } of trials as CompletedTrial[]) {
      if (trial.arm === 'short') measurement.alone!.responseUs += trial.replicate;
    }
    const { added, requestUs, connectUs, tlsUs } = connectionCosts(trials)[0]!.alone!;
    assert.deepEqual(added.replicateUs, [230, 231, 232, 233]);
    assert.deepEqual([requestUs, connectUs, tlsUs], [120, 90, null]);
    (trials[0] as CompletedTrial).measurement.alone = null;
    assert.equal(connectionCosts(trials)[0]!.alone, null, 'not of some replicates alone');
  });

  test('one pair speaks for a library: the one that differs most, of equals the one with the baseline', () => {
    const costs = connectionCosts(sampleRun({ scenario: 'requests-per-connection' }).trials);
    const libraryOf = () => 'undici';
    const [main, ...others] = mainCosts(costs, { baseline: 'one', libraryOf });
    assert.deepEqual([main!.more, main!.fewer, others.length], ['one', 'unlimited', 0]);
    const same = costs.slice(0, 1).flatMap(cost => [
      { ...cost, more: 'full', fewer: 'kept' },
      { ...cost, more: 'resumed', fewer: 'kept' },
    ]);
    assert.equal(mainCosts(same, { baseline: 'resumed', libraryOf })[0]!.more, 'resumed');
    assert.equal(mainCosts(same, { baseline: 'full', libraryOf: arm => arm }).length, 2);
  });

  test('of load tools, the ledger says how many were opened', () => {
    const trials = trialsWith(COSTS) as CompletedTrial[];
    for (const { measurement } of trials) measurement.ledger.openedBy = 'kernel';
    const [cost] = connectionCosts(trials);
    assert.ok(Math.abs(cost!.client.valueUs / 160 - 1) < 0.05);
  });
});

const KS = [1, 2, 5, 10, 50, 'unlimited'] as const;

function points(serviceUs: number, handshakeUs: number): AmortisationPoint[] {
  return KS.map((k, index) => ({
    arm: `k-${k}`,
    requestsPerConnection: k,
    meanUs: serviceUs + (k === 'unlimited' ? 0 : handshakeUs / k),
    weight: 1 + index,
  }));
}

test('a fit of exact data gives the truth back, whatever the weights', () => {
  const us = fc.double({ min: 1, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(us, us, (serviceUs, handshakeUs) => {
      const fit = fitAmortisation(points(serviceUs, handshakeUs))!;
      const scale = serviceUs + handshakeUs;
      assert.ok(Math.abs(fit.serviceUs - serviceUs) < 1e-9 * scale);
      assert.ok(Math.abs(fit.handshakeUs - handshakeUs) < 1e-9 * scale);
      for (const arm of fit.arms) assert.ok(Math.abs(arm.measuredUs - arm.predictedUs) < 1e-9 * scale);
    }),
  );
});

const breakEvens = [
  { serviceUs: 1000, handshakeUs: 2050, k: 21 },
  { serviceUs: 1000, handshakeUs: 50, k: 1 },
  { serviceUs: 1000, handshakeUs: -50, k: null },
];
for (const { serviceUs, handshakeUs, k } of breakEvens) {
  test(`a handshake of ${handshakeUs} µs on a service of ${serviceUs} µs is paid off at ${k}`, () => {
    assert.equal(fitAmortisation(points(serviceUs, handshakeUs))!.breakEvenRequests, k);
  });
}

test('no fit of two arms, of arms with fewer than three different k, or without a weight', () => {
  const all = points(1000, 500);
  assert.equal(fitAmortisation(all.slice(0, 2)), null);
  assert.equal(fitAmortisation(all.map(point => ({ ...point, requestsPerConnection: 3 }))), null);
  const shortTwice = all.map((point, index) => (index < 5 ? { ...point, requestsPerConnection: 1 } : point));
  assert.equal(fitAmortisation(shortTwice), null, 'as with and without TLS resumption');
  assert.equal(fitAmortisation(all.map(point => ({ ...point, weight: 0 }))), null);
});

test("the fit of a sample run finds the sample's truth to within 3 %, and explains nearly all", () => {
  const fit = cellAmortisation(sampleRun({ scenario: 'requests-per-connection' }).run.cells[0]!)!;
  assert.ok(Math.abs(fit.serviceUs / SERVICE_US - 1) < 0.03);
  assert.ok(Math.abs(fit.handshakeUs / HANDSHAKE_US - 1) < 0.03);
  assert.ok(fit.r2 > 0.99 && fit.arms.length === 6);
  assert.equal(cellAmortisation(sampleRun().run.cells[0]!), null);
});

test('no fit over arms of several libraries', () => {
  const cell = sampleRun({ scenario: 'requests-per-connection' }).run.cells[0]!;
  const { scenario } = cell;
  const [first, ...others] = Object.entries(scenario.clients);
  const clients = Object.fromEntries([[first![0], { ...first![1], transport: 'node-http' }], ...others]);
  assert.equal(cellAmortisation({ ...cell, scenario: { ...scenario, clients } }), null);
});
