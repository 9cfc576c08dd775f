// Phases of trials with known requests and connections are correct, and add up to the response time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PHASES, type Phase, splitPhases, spreadPhases } from './phases.ts';
import { type PhasedTrial, phasedTrial } from './testing/sample-run.ts';

function times<T>(count: number, item: T): T[] {
  return Array.from({ length: count }, () => item);
}

function partsOf(...trials: PhasedTrial[]): Partial<Record<Phase, number>> {
  const { parts } = splitPhases(trials.map(phasedTrial))!;
  return Object.fromEntries(PHASES.filter(phase => parts[phase] > 1e-6).map(phase => [phase, parts[phase]]));
}

function assertParts(trials: readonly PhasedTrial[], expected: Partial<Record<Phase, number>>): void {
  const actual = partsOf(...trials);
  assert.deepEqual(Object.keys(actual), Object.keys(expected));
  for (const [phase, us] of Object.entries(expected)) {
    const found = actual[phase as Phase]!;
    assert.ok(Math.abs(found - us) < 1e-6 * us, `${phase}: ${found}, not ${us}`);
  }
}

const request = { waitUs: 900, firstByteUs: 5_000, bodyUs: 100 };
const plain = { connectUs: 300 };
const secure = { connectUs: 300, tlsUs: 400 };

const table: [why: string, trials: PhasedTrial[], expected: Partial<Record<Phase, number>>][] = [
  [
    'nothing is opened: the wait is queue',
    [{ requests: times(4, request) }],
    { queue: 900, firstByte: 5_000, body: 100 },
  ],
  [
    'a connection each: its time is taken out of the wait',
    [{ requests: times(4, request), connections: times(4, secure) }],
    { queue: 200, connect: 300, tls: 400, firstByte: 5_000, body: 100 },
  ],
  [
    'one connection for four: each carries a quarter of it',
    [{ requests: times(4, request), connections: [secure] }],
    { queue: 725, connect: 75, tls: 100, firstByte: 5_000, body: 100 },
  ],
  [
    'a failed request carries its share of the connections',
    [{ requests: times(3, request), failed: 1, connections: times(4, plain) }],
    { queue: 600, connect: 300, firstByte: 5_000, body: 100 },
  ],
  [
    'dials that take longer than anyone waits are cut to the wait, in their ratio',
    [{ requests: times(2, request), connections: times(2, { connectUs: 1_000, tlsUs: 3_000 }) }],
    { connect: 225, tls: 675, firstByte: 5_000, body: 100 },
  ],
  [
    'an open load holds back',
    [{ requests: times(2, { ...request, lateUs: 2_500 }) }],
    { heldBack: 2_500, queue: 900, firstByte: 5_000, body: 100 },
  ],
  [
    'a client that tells nothing: all is one, but the connections it tells',
    [{ requests: times(2, { restUs: 6_000 }), connections: [secure] }],
    { connect: 150, tls: 200, unsplit: 5_650 },
  ],
  [
    'a client that tells one end only',
    [{ requests: times(2, { bodyUs: 100, restUs: 5_900 }) }],
    { body: 100, unsplit: 5_900 },
  ],
  [
    'a client that tells of every second request',
    [{ requests: [request, { restUs: 6_000 }] }],
    { queue: 450, firstByte: 2_500, body: 50, unsplit: 3_000 },
  ],
  [
    'a link without TLS: the round trip is in the first byte of a new connection',
    [{ requests: times(4, request), connections: times(2, plain), link: { roundTripMs: 4 } }],
    { queue: 750, connect: 2_150, firstByte: 3_000, body: 100 },
  ],
  [
    'a link with TLS: the round trip is in the handshake',
    [
      {
        requests: times(4, { ...request, waitUs: 9_000 }),
        connections: times(4, { connectUs: 300, tlsUs: 8_400 }),
        link: { roundTripMs: 4 },
      },
    ],
    { queue: 300, connect: 4_300, tls: 4_400, firstByte: 5_000, body: 100 },
  ],
  [
    'jitter delays both directions of a handshake by half of it on average',
    [{ requests: times(4, request), connections: times(4, plain), link: { roundTripMs: 2, jitterMs: 1 } }],
    { queue: 600, connect: 3_300, firstByte: 2_000, body: 100 },
  ],
  [
    'a link in front of connections that stay open',
    [{ requests: times(4, request), link: { roundTripMs: 4 } }],
    { queue: 900, firstByte: 5_000, body: 100 },
  ],
  [
    'replicates count by their requests',
    [
      { requests: times(3, request), connections: times(3, plain) },
      { requests: times(1, { ...request, firstByteUs: 9_000 }) },
    ],
    { queue: 675, connect: 225, firstByte: 6_000, body: 100 },
  ],
];
for (const [why, trials, expected] of table) {
  test(why, () => assertParts(trials, expected));
}

test('connections have a mean and a tail of their own, the round trip of a link moved', () => {
  const connections = [...times(98, secure), ...times(2, { connectUs: 2_000, tlsUs: 9_000 })];
  const stated = { requests: times(200, request), connections };
  assert.equal(splitPhases([phasedTrial(stated)])!.connectionsPerRequest, 0.5);
  const loopback = spreadPhases([phasedTrial(stated)]);
  assert.deepEqual(
    [loopback.connect?.meanUs, loopback.tls?.meanUs].map(us => Math.round(us!)),
    [334, 572],
  );
  assert.ok(Math.abs(loopback.connect!.p99Us / 2_000 - 1) < 0.001);
  const linked = spreadPhases([phasedTrial({ ...stated, link: { roundTripMs: 0.4 } })]);
  for (const [phase, shiftUs] of [
    ['connect', 400],
    ['tls', -400],
  ] as const) {
    const [near, far] = [loopback[phase]!, linked[phase]!];
    assert.ok(Math.abs(far.meanUs - near.meanUs - shiftUs) < 1e-6);
    assert.ok(Math.abs(far.p99Us - near.p99Us - shiftUs) < 1e-6);
  }
  const none = spreadPhases([phasedTrial({ requests: [request] })]);
  assert.deepEqual([none.connect, none.tls, none.body?.meanUs], [null, null, 100]);
});

test('phases that were not recorded are no phases', () => {
  const trials = [
    phasedTrial({ requests: [{ restUs: 700 }], connections: [plain], trial: { phases: false } }),
  ];
  const { isRecorded, parts } = splitPhases(trials)!;
  assert.deepEqual([isRecorded, parts.connect, parts.unsplit], [false, 300, 400]);
  const { wait, firstByte, body, connect } = spreadPhases(trials);
  assert.deepEqual([wait, firstByte, body, connect?.meanUs], [null, null, null, 300]);
  assert.equal(splitPhases([phasedTrial({ requests: [request] })])!.isRecorded, true);
});

test('nothing was answered: there is nothing to divide', () => {
  assert.equal(splitPhases([]), null);
  assert.equal(splitPhases([phasedTrial({ requests: [], failed: 3 })]), null);
});

const us = fc.oneof(fc.constant(undefined), fc.double({ min: 0, max: 1e6, noNaN: true }));
const trial: fc.Arbitrary<PhasedTrial> = fc.record({
  requests: fc.array(
    fc.record({ lateUs: us, waitUs: us, firstByteUs: us, bodyUs: us, restUs: us }) as fc.Arbitrary<
      PhasedTrial['requests'][number]
    >,
    { minLength: 1, maxLength: 8 },
  ),
  connections: fc.array(
    fc.record({ connectUs: fc.double({ min: 0, max: 1e6, noNaN: true }), tlsUs: us }) as fc.Arbitrary<{
      connectUs: number;
      tlsUs?: number;
    }>,
    { maxLength: 8 },
  ),
  failed: fc.nat(3),
  link: fc.record({
    roundTripMs: fc.double({ min: 0, max: 2_000, noNaN: true }),
    jitterMs: fc.double({ min: 0, max: 1_000, noNaN: true }),
  }),
});

test('whatever was measured: no part is negative, and together they are the mean response time', () => {
  fc.assert(
    fc.property(fc.array(trial, { minLength: 1, maxLength: 3 }), stated => {
      const trials = stated.map(phasedTrial);
      const { parts, responseUs } = splitPhases(trials)!;
      for (const phase of PHASES) assert.ok(parts[phase] >= 0, `${phase} is ${parts[phase]}`);
      const responses = trials.map(({ measurement }) => measurement.response);
      const count = responses.reduce((sum, one) => sum + one.count, 0);
      const meanUs = responses.reduce((sum, one) => sum + one.meanUs * one.count, 0) / count;
      assert.ok(Math.abs(responseUs - meanUs) <= 1e-9 * meanUs, `${responseUs}, not ${meanUs}`);
    }),
    { numRuns: 60 },
  );
});
