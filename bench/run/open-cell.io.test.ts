// Open loads measured by real processes against a real target: what a stall does to response times, and which rate an arm sustains.
import assert from 'node:assert/strict';
import { afterEach, suite, test } from 'node:test';
import { CellResult } from '../../results/model/run.ts';
import type { CompletedTrial } from '../../results/model/trial.ts';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { measureCell } from './run.ts';
import { ourChildren } from './testing/processes.ts';
import { completed, makeTinyCell } from './testing/tiny-cell.ts';

async function measureOnly(stated: Partial<ScenarioInput>): Promise<CompletedTrial> {
  const clients = { only: { pool: { maxConnections: 4 } } };
  const tiny = makeTinyCell({ clients, baseline: 'only', ...stated });
  const cell = await measureCell(tiny.options);
  const doubts = cell.findings.filter(({ rule, state }) => rule === 'conservation' && state !== 'pass');
  assert.deepEqual(doubts, []);
  const [result] = completed(tiny.results());
  assert.ok(result !== undefined, JSON.stringify(tiny.results()));
  return result;
}

suite('a cell under an open load', () => {
  afterEach(() => {
    assert.deepEqual(ourChildren(), []);
  });

  /** Answers at once for 100 ms, then not for 100 ms. */
  const target = { behaviour: { name: 'stall', everyMs: 200, stallMs: 100 } };
  const timing = { warmupMinMs: 1, warmupMaxMs: 1, measureMs: 1_000, slicing: 'whole' as const };
  const ratePerSec = 400;
  const maxInFlight = 4;

  test('of a target that stalls, response times are those of the schedule; service times and a closed loop hide it', async () => {
    const open = await measureOnly({
      target,
      timing,
      load: { model: 'open', ratePerSec, arrivals: 'constant', maxInFlight },
    });
    const closed = await measureOnly({ target, timing, load: { concurrency: maxInFlight, thinkMs: 5 } });
    const { response, service, arrivals, lateness } = open.measurement;
    assert.equal(arrivals!.due, ratePerSec, 'a second of a constant rate');
    assert.equal(response.count, arrivals!.due - arrivals!.unfinished - arrivals!.unsent);
    // Half of the requests come while it stalls and wait for what is left of it: evenly, from 0 to 100 ms.
    const p90Us = 80_000;
    assert.ok(response.p90Us > p90Us / 2 && response.p90Us < p90Us * 2, `${response.p90Us} µs`);
    // Of the forty of each stall four are sent, and the others are held back.
    assert.ok(service.p90Us < response.p90Us / 2, `service ${service.p90Us}, response ${response.p90Us}`);
    assert.ok(arrivals!.heldBack > arrivals!.due / 5, `${arrivals!.heldBack} of ${arrivals!.due}`);
    assert.ok(lateness!.count > 0 && lateness!.p50Us < response.p90Us / 4);
    // Four wait for the end of each stall, among dozens that come between two stalls: fewer, the busier the machine.
    assert.ok(
      closed.measurement.response.meanUs < response.meanUs / 2,
      `${closed.measurement.response.meanUs}`,
    );
    assert.deepEqual([closed.measurement.arrivals, closed.measurement.lateness], [null, null]);
    if (process.platform !== 'linux') return;
    for (const { measurement } of [open, closed]) {
      const { client, server, sockets } = measurement.held!;
      assert.ok(client.inFlight.length > 2 && client.inFlight.every(count => count <= maxInFlight));
      assert.equal(client.sent.at(-1), measurement.ledger.requestsSent);
      assert.ok(server!.descriptors.length > 2 && server!.rssBytes.every(bytes => bytes > 1e6));
      // Both ends of the same few connections, whatever else this machine is doing.
      const { client: atClient, server: atServer } = sockets.at(-1)!;
      assert.deepEqual(atClient, { ESTABLISHED: measurement.ledger.opened });
      assert.deepEqual(atServer, atClient);
    }
  });

  test('bursts are whole in every slice', async () => {
    const { measurement } = await measureOnly({
      load: { model: 'burst', size: 7, everyMs: 40 },
      timing: { measureMs: 200, sliceMs: 50 },
    });
    assert.ok(measurement.slices.length >= 2);
    for (const { completed, failed, windowMs } of measurement.slices) {
      assert.equal(completed + failed, (7 * Math.round(windowMs)) / 40);
    }
  });

  test('a search finds the limit set by a pool of one and a known service time, and the arm is measured at that rate', async () => {
    const clients = { only: { pool: { maxConnections: 1 } } };
    const { measurement } = await measureOnly({
      clients,
      target: { behaviour: { name: 'delay', meanMs: 5 } },
      load: {
        model: 'capacity',
        // Out of reach: what fails here is the rate, which no busy machine can make look better than it is.
        objective: { p99Ms: 10_000 },
        arrivals: 'constant',
        minRatePerSec: 60,
        maxRatePerSec: 960,
        resolutionRatio: 0.45,
        probeMs: 300,
      },
      timing: { warmupMinMs: 250, warmupMaxMs: 250, measureMs: 200 },
    });
    const { ratePerSec, notKeptPerSec, isSettled, probes } = measurement.capacity!;
    const told = JSON.stringify(probes);
    assert.ok(isSettled, told);
    // One connection answers two hundred requests a second at most, and chance is allowed some. A busy machine makes it fewer.
    assert.ok(ratePerSec >= 60 && ratePerSec <= 340, told);
    assert.ok(notKeptPerSec !== null && notKeptPerSec / ratePerSec <= 1.45 && notKeptPerSec <= 480, told);
    assert.ok(probes.filter(probe => probe.ratePerSec === ratePerSec && probe.isKept).length >= 2, told);
    const { due } = measurement.arrivals!;
    const askedCount = (ratePerSec * measurement.steadyMs) / 1_000;
    assert.ok(Math.abs(due - askedCount) <= measurement.slices.length, `${due} of ${askedCount}`);
  });

  test('interrupted while it searches: the rates that were tried are kept, and no capacity is claimed', async () => {
    let seen = 0;
    const tiny = makeTinyCell(
      { load: { model: 'capacity', objective: { p99Ms: 5_000 }, minRatePerSec: 50, probeMs: 100 } },
      event => {
        if (event.type === 'progress' && event.phase === 'search' && ++seen === 3) tiny.interrupt();
      },
    );
    const cell = await measureCell(tiny.options);
    assert.equal(cell.stop, 'interrupted');
    const results = completed(tiny.results());
    const probes = results.map(({ measurement }) => measurement.capacity!.probes.length).sort();
    assert.deepEqual(probes, [1, 2]);
    for (const { isPartial, measurement } of results) {
      assert.deepEqual([isPartial, measurement.capacity!.isSettled, measurement.slices], [true, false, []]);
      assert.equal(measurement.ledger.accepted, measurement.ledger.opened);
    }
    assert.ok(cell.arms.every(({ capacityPerSec }) => capacityPerSec === null));
    assert.deepEqual(CellResult.parse(JSON.parse(JSON.stringify(cell))), cell);
  });
});
