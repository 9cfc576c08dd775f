// What round trips and service make of latency and rate: worked by hand, a reason on each row.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Scenario, type ScenarioInput } from '../scenarios/model/scenario.ts';
import { isPrediction, modelArm, type Prediction, splitGap } from './link-model.ts';
import type { CompletedTrial } from './model/trial.ts';
import { sampleRun } from './testing/sample-run.ts';

const REQUESTS = 1_000;
const [sample] = sampleRun({ scenario: 'behind-a-link', blocks: 1 }).trials;

interface Carried {
  connections: number;
  full?: number;
  resumed?: number;
  bytes?: number;
}

/** A trial that has carried a thousand requests. */
function carrying({ connections, full = 0, resumed = 0, bytes = 0 }: Carried): CompletedTrial {
  const trial = structuredClone(sample);
  assert.ok(trial?.state === 'completed' && trial.measurement.link !== null);
  const { slices, link, ledger } = trial.measurement;
  slices[0]!.exchanges = REQUESTS;
  Object.assign(link, { connections, bytes });
  Object.assign(ledger, { clientHandshakesFull: full, clientHandshakesResumed: resumed });
  return trial;
}

interface Row {
  why: string;
  scenario?: Partial<ScenarioInput>;
  client?: NonNullable<ScenarioInput['clients']>[string];
  carried: Carried;
  serviceMs?: number | null;
  expected: { roundTrips: number; meanMs: number; perSec: number | null };
}

function modelOf({ scenario, client = {}, carried, serviceMs = 5 }: Omit<Row, 'why' | 'expected'>) {
  const whole = Scenario.parse({
    name: 'x',
    question: 'x',
    link: { roundTripMs: 21 },
    clients: { arm: client },
    baseline: 'arm',
    ...scenario,
  });
  return modelArm({ scenario: whole, serviceMs }, whole.clients['arm']!, [carrying(carried)]);
}

const tls = (version: '1.2' | '1.3'): Partial<ScenarioInput> => ({ target: { tls: version } });
const SHORT = { connections: REQUESTS };

const rows: Row[] = [
  {
    why: "the article's persistent row: a round trip and the service, 100 users",
    carried: { connections: 0 },
    expected: { roundTrips: 1, meanMs: 26, perSec: 100 / 0.026 },
  },
  {
    why: "the article's short row: TCP 1, TLS 1.2 in full 2, the request 1",
    scenario: tls('1.2'),
    carried: { ...SHORT, full: REQUESTS },
    expected: { roundTrips: 4, meanMs: 89, perSec: 100 / 0.089 },
  },
  {
    why: 'resumed in TLS 1.2: one less',
    scenario: tls('1.2'),
    carried: { ...SHORT, resumed: 2_500 },
    expected: { roundTrips: 3, meanMs: 68, perSec: 100 / 0.068 },
  },
  {
    why: 'as it was counted: one handshake in four was full, whatever was asked for',
    scenario: tls('1.2'),
    carried: { ...SHORT, full: 500, resumed: 1_500 },
    expected: { roundTrips: 3.25, meanMs: 73.25, perSec: 100 / 0.07325 },
  },
  {
    why: 'TLS 1.3: one, resumed or not',
    scenario: tls('1.3'),
    carried: { ...SHORT, full: 10, resumed: 990 },
    expected: { roundTrips: 3, meanMs: 68, perSec: 100 / 0.068 },
  },
  {
    why: 'plain TCP: only its own',
    carried: SHORT,
    expected: { roundTrips: 2, meanMs: 47, perSec: 100 / 0.047 },
  },
  {
    why: 'five requests on each connection share its opening',
    carried: { connections: REQUESTS / 5 },
    expected: { roundTrips: 1.2, meanMs: 30.2, perSec: 100 / 0.0302 },
  },
  {
    why: 'jitter adds its mean to each trip',
    scenario: { link: { roundTripMs: 21, jitterMs: 4 } },
    carried: SHORT,
    expected: { roundTrips: 2, meanMs: 55, perSec: 100 / 0.055 },
  },
  {
    why: 'a limited rate adds the time to send what was sent',
    scenario: { link: { roundTripMs: 21, bytesPerSec: 100_000 } },
    carried: { connections: 0, bytes: 1_500 * REQUESTS },
    expected: { roundTrips: 1, meanMs: 41, perSec: 100 / 0.041 },
  },
  {
    why: 'a service time that is not known is taken as none',
    carried: { connections: 0 },
    serviceMs: null,
    expected: { roundTrips: 1, meanMs: 21, perSec: 100 / 0.021 },
  },
  {
    why: 'ten connections for a hundred users: nine of ten wait',
    client: { pool: { maxConnections: 10 } },
    carried: { connections: 0 },
    expected: { roundTrips: 1, meanMs: 260, perSec: 10 / 0.026 },
  },
  {
    why: 'enough connections: no waiting',
    client: { pool: { maxConnections: 300 } },
    carried: { connections: 0 },
    expected: { roundTrips: 1, meanMs: 26, perSec: 100 / 0.026 },
  },
  {
    why: 'a user who thinks asks less often, and is not slower for it',
    scenario: { load: { concurrency: 10, thinkMs: 74 } },
    carried: { connections: 0 },
    expected: { roundTrips: 1, meanMs: 26, perSec: 100 },
  },
  {
    why: 'users who think, yet are too many for the connections',
    scenario: { load: { concurrency: 100, thinkMs: 74 } },
    client: { pool: { maxConnections: 10 } },
    carried: { connections: 0 },
    expected: { roundTrips: 1, meanMs: 260 - 74, perSec: 10 / 0.026 },
  },
  {
    why: 'an open load has the rate that is asked for',
    scenario: { load: { model: 'open', ratePerSec: 300 } },
    carried: SHORT,
    expected: { roundTrips: 2, meanMs: 47, perSec: 300 },
  },
  {
    why: 'and so have bursts',
    scenario: { load: { model: 'burst', size: 20, everyMs: 100 } },
    carried: { connections: 0 },
    expected: { roundTrips: 1, meanMs: 26, perSec: 200 },
  },
  {
    why: 'a search for the rate has none to predict',
    scenario: { load: { model: 'capacity', objective: { p99Ms: 100 } } },
    carried: { connections: 0 },
    expected: { roundTrips: 1, meanMs: 26, perSec: null },
  },
  {
    why: 'HTTP/2: as many streams on one connection as there are users, and no waiting',
    scenario: { target: { tls: '1.3', protocol: 'h2' } },
    client: { protocol: 'h2', pool: { maxConnections: 1 } },
    carried: { connections: 0 },
    expected: { roundTrips: 1, meanMs: 26, perSec: 100 / 0.026 },
  },
  {
    why: 'HTTP/2: fewer streams than users, and they wait',
    scenario: { target: { tls: '1.3', protocol: 'h2', maxConcurrentStreams: 40 } },
    client: { protocol: 'h2', pool: { maxConnections: 2, maxConcurrentStreams: 5 } },
    carried: { connections: 0 },
    expected: { roundTrips: 1, meanMs: 260, perSec: 10 / 0.026 },
  },
];

suite('link model', () => {
  for (const { why, expected, ...of } of rows) {
    test(why, () => {
      const model = modelOf(of);
      assert.ok(isPrediction(model), JSON.stringify(model));
      const near = (actual: number, wanted: number) =>
        assert.ok(Math.abs(actual - wanted) <= 1e-9 * wanted, `${actual}, not ${wanted}`);
      near(model.roundTrips, expected.roundTrips);
      near(model.meanUs, expected.meanMs * 1_000);
      if (expected.perSec === null) assert.equal(model.requestsPerSec, null);
      else near(model.requestsPerSec!, expected.perSec);
    });
  }

  const none: [why: string, of: Parameters<typeof modelOf>[0], RegExp][] = [
    ['pipelined', { client: { pool: { pipelining: 4 } }, carried: { connections: 0 } }, /pipelining/],
    ['no link', { scenario: { link: undefined }, carried: SHORT }, /no link/],
  ];
  for (const [why, of, told] of none) {
    test(`no model, and why: ${why}`, () => {
      const model = modelOf(of);
      assert.ok(!isPrediction(model));
      assert.match(model.why, told);
    });
  }

  test('trials add up: the share of each in connections and requests, not their mean', () => {
    const scenario = Scenario.parse({
      name: 'x',
      question: 'x',
      link: { roundTripMs: 10 },
      clients: { arm: {} },
      baseline: 'arm',
    });
    const small = carrying({ connections: 100 });
    small.measurement.slices[0]!.exchanges = 100;
    const trials = [small, carrying({ connections: 10 })];
    const model = modelArm({ scenario, serviceMs: 0 }, scenario.clients['arm']!, trials);
    assert.equal((model as Prediction).roundTrips, 1 + 110 / 1_100);
    const empty = modelArm({ scenario, serviceMs: 0 }, scenario.clients['arm']!, []);
    assert.deepEqual(empty, { why: 'no request was answered' });
  });
});

test('a gap is its round trips and the rest, below 0 where the model expects more', () => {
  const arm = (meanUs: number, roundTripsUs: number) => ({
    meanUs,
    model: { roundTrips: 0, roundTripsUs, meanUs: 0, requestsPerSec: null },
  });
  assert.deepEqual(splitGap(arm(133_000, 84_000), arm(30_000, 21_000)), {
    us: 103_000,
    roundTripsUs: 63_000,
    restUs: 40_000,
  });
  assert.equal(splitGap(arm(80_000, 84_000), arm(30_000, 21_000)).restUs, -13_000);
});
