// A cell whose server is not ours, measured by real processes: nothing is started, and where it may not go nothing is sent.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { afterEach, suite, test } from 'node:test';
import { CellResult } from '../../results/model/run.ts';
import { withUnknowns } from '../../scenarios/model/target.ts';
import type { OpenTarget } from '../../servers/app.ts';
import { openTestTarget } from '../../servers/testing/target.ts';
import { findServers, locateServers } from './find-servers.ts';
import { measureCell } from './run.ts';
import { childrenWith, ourChildren } from './testing/processes.ts';
import { completed, isMeasuring, makeTinyCell, states, type TinyCell } from './testing/tiny-cell.ts';

const CLIENTS = { kept: { pool: { maxConnections: 4, idleTimeoutMs: 60_000 } } };

const MAX_FILES = 1_234;

function openFileLimits(): string[] {
  return childrenWith('generator-child').map(
    ({ pid }) => /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'latin1'))![1]!,
  );
}

function makeForeignCell(
  server: OpenTarget,
  onEvent: Parameters<typeof makeTinyCell>[1] = () => {},
): TinyCell {
  const target = withUnknowns({ url: `${server.endpoint.origin}/`, maxRequestsPerSocket: 3 });
  const timing = { minReplicates: 3, maxReplicates: 3 };
  const limits = { openFiles: MAX_FILES };
  return makeTinyCell({ target, limits, clients: CLIENTS, baseline: 'kept', timing }, onEvent);
}

async function measure({ options }: TinyCell): Promise<CellResult> {
  const plan = { seed: 7, cells: [options.cell], estimatedMs: 0 };
  const servers = await findServers(await locateServers(plan, []));
  return measureCell({ ...options, server: servers.get(options.cell.id) });
}

suite("a cell with someone else's server", () => {
  afterEach(() => {
    assert.deepEqual(ourChildren(), []);
  });

  test('it starts generators only, and what it counts the server counts too', async t => {
    const server = await openTestTarget(t, { maxRequestsPerSocket: 3 });
    const targets: number[] = [];
    const limits = new Set<string>();
    const tiny = makeForeignCell(server, event => {
      if (!isMeasuring(event)) return;
      targets.push(childrenWith('target-child').length);
      for (const limit of openFileLimits()) limits.add(limit);
    });
    const cell = await measure(tiny);
    assert.deepEqual(CellResult.parse(JSON.parse(JSON.stringify(cell))), cell);
    assert.ok(targets.length > 0 && targets.every(count => count === 0));
    assert.deepEqual([...limits], [String(MAX_FILES)], 'limits hold for its clients');
    const results = completed(tiny.results());
    assert.equal(results.length, 3);
    const sum = (read: (result: (typeof results)[number]) => number) =>
      results.reduce((total, result) => total + read(result), 0);
    const { accepted, requests } = server.read();
    const ofPreflight = 1 + 2; // before the run, and before each replicate but the first
    assert.equal(sum(({ measurement }) => measurement.ledger.opened) + ofPreflight, accepted);
    assert.equal(sum(({ measurement }) => measurement.ledger.requestsSent) + ofPreflight, requests);
    for (const { measurement } of results) {
      const { ledger } = measurement;
      assert.deepEqual([ledger.accepted, ledger.acceptedBy], [ledger.opened, 'kernel']);
      assert.deepEqual([measurement.target, ledger.requestsSeen], [null, null]);
    }
    assert.deepEqual([cell.arms[0]?.targetCpuUsPerRequest, cell.arms[0]?.acceptedBy], [null, 'kernel']);
    assert.equal(cell.server?.url, `${server.endpoint.origin}/`);
  });

  test('when it ends, the replicates after that fail, with the cause', async t => {
    const server = await openTestTarget(t);
    let isClosed = false;
    const tiny = makeForeignCell(server, event => {
      if (event.type !== 'trial' || isClosed) return;
      isClosed = true;
      void server.close();
    });
    const cell = await measure(tiny);
    assert.deepEqual([cell.stop, cell.failedTrials], ['failed', 2]);
    assert.deepEqual(states(tiny.results().slice(1)), { kept: 'target-died' });
    assert.match(cell.stopDetail, /http:\/\/127\.0\.0\.1:\d+\/ no longer answers: .*ECONNREFUSED/);
  });

  test('one that was not checked gets nothing', async t => {
    const server = await openTestTarget(t);
    await assert.rejects(measureCell(makeForeignCell(server).options), /was not checked/);
    assert.equal(server.read().accepted, 0);
  });
});
