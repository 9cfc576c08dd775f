// The fit recovers the service time and the handshake from which latencies were made.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AmortisationPoint, cellAmortisation, fitAmortisation } from './amortisation.ts';
import { HANDSHAKE_US, SERVICE_US } from './testing/sample-measurement.ts';
import { sampleRun } from './testing/sample-run.ts';

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
