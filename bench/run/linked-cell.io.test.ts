// A cell behind a link, by real processes: every count is exact through the relay, and no answer beats the round trips.
import assert from 'node:assert/strict';
import { afterEach, suite, test } from 'node:test';
import type { CompletedTrial } from '../../results/model/trial.ts';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { measureCell } from './run.ts';
import { childrenWith, ourChildren } from './testing/processes.ts';
import { atFirst, completed, isMeasuring, makeTinyCell, states } from './testing/tiny-cell.ts';

const ROUND_TRIP_MS = 10;
/** Writes may be a tenth of a millisecond early, and clocks are read in another process. */
const EARLY_MS = 1;

const linked: Partial<ScenarioInput> = {
  target: { behaviour: { name: 'delay', meanMs: 3 } },
  link: { roundTripMs: ROUND_TRIP_MS },
};

function leastMs({ measurement }: CompletedTrial): number {
  return measurement.response.minUs / 1_000 + EARLY_MS;
}

suite('a cell behind a link', () => {
  afterEach(() => {
    assert.deepEqual(ourChildren(), []);
  });

  test('both ends agree on every connection and request, and answers take their round trips', async () => {
    const clients = {
      one: { requestsPerConnection: 1, pool: { maxConnections: 4 } },
      three: { requestsPerConnection: 3, pool: { maxConnections: 4 } },
      unlimited: { pool: { maxConnections: 4 } },
    };
    const tiny = makeTinyCell({ ...linked, clients, baseline: 'one', timing: { measureMs: 160 } });
    const cell = await measureCell(tiny.options);
    assert.equal(cell.serviceMs, 3);
    const results = completed(tiny.results());
    assert.deepEqual(states(results), { one: 'completed', three: 'completed', unlimited: 'completed' });
    for (const result of results) {
      const { arm } = result.trial;
      const { ledger, link, kernel, slices, failed } = result.measurement;
      assert.deepEqual([failed, ledger.failed, ledger.unfinished], [0, 0, 0], arm);
      assert.equal(ledger.accepted, ledger.opened, arm);
      assert.equal(ledger.requestsSeen, ledger.requestsSent, arm);
      const closed = ledger.requestsPerConnection!;
      const carried = closed.reduce((sum, { requests, connections }) => sum + requests * connections, 0);
      assert.equal(
        carried,
        ledger.requestsSent,
        `${arm}: what each connection carried, booked to its own arm`,
      );
      assert.ok(link !== null && link.bytes > 0 && link.relay.cpuUs > 0 && link.loadNiceness > 0);
      const exchanges = slices.reduce((sum, slice) => sum + slice.exchanges, 0);
      if (arm === 'one') {
        assert.equal(link.connections, exchanges);
        assert.equal(
          slices.reduce((sum, slice) => sum + (slice.opened ?? 0), 0),
          exchanges,
          'exactly one for each request',
        );
        assert.ok(leastMs(result) >= 2 * ROUND_TRIP_MS + 3, `${result.measurement.response.minUs} us`);
      } else {
        assert.ok(link.connections < exchanges);
        assert.ok(leastMs(result) >= ROUND_TRIP_MS + 3, `${result.measurement.response.minUs} us`);
      }
      // Of the whole machine, so of other programs too; but not the relay's own ends.
      assert.ok(kernel.activeOpens >= link.connections, `${arm}: ${JSON.stringify(kernel)}`);
    }
    for (const rule of ['conservation', 'ledger'] as const) {
      const found = cell.findings.filter(finding => finding.rule === rule);
      assert.ok(found.length === 3 && found.every(({ state }) => state === 'pass'), JSON.stringify(found));
    }
    assert.equal(cell.findings.filter(({ rule }) => rule === 'link').length, 3);
  });

  test('a relay that dies fails the replicate; the next one has a fresh relay before a fresh target', async () => {
    let first: number[] = [];
    let second: number[] = [];
    const pids = (): number[] =>
      [...childrenWith('target-child'), ...childrenWith('link-child')].map(({ pid }) => pid);
    const die = atFirst(isMeasuring, () => {
      first = pids();
      process.kill(childrenWith('link-child')[0]!.pid, 'SIGKILL');
    });
    const tiny = makeTinyCell({ ...linked, timing: { minReplicates: 2, maxReplicates: 2 } }, event => {
      die(event);
      if (isMeasuring(event) && event.type === 'progress' && event.replicate === 1) second = pids();
    });
    await measureCell(tiny.options);
    const byReplicate = [0, 1].map(replicate =>
      tiny.results().filter(({ trial }) => trial.replicate === replicate),
    );
    assert.deepEqual(byReplicate.map(states), [
      { short: 'link-died', long: 'link-died' },
      { short: 'completed', long: 'completed' },
    ]);
    const [failed] = byReplicate[0]!;
    assert.match(
      failed?.state === 'failed' ? failed.error.message : '',
      /the relay of the link ended unexpectedly \(SIGKILL\)/,
    );
    assert.ok(first.length === 2 && second.length === 2 && first.every(pid => !second.includes(pid)));
  });
});
