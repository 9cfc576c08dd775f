// Clocks of machines: one that is wrong does not matter, and one that is not known well enough is named by an audit.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CONNTAX, runCli } from './testing/cli.ts';
import { reasonWithout } from './testing/server-programs.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const AHEAD_MS = 3_000;
const HELD_MS = 30;
const HOLD = fileURLToPath(new URL('testing/held-messages.ts', import.meta.url));
const AGENT = `${CONNTAX.join(' ')} agent`;
const MACHINES = {
  plain: AGENT,
  // Also the clock that nobody sets, which becomes that of the date.
  ahead: `faketime -f +${AHEAD_MS / 1_000}s ${AGENT}`,
  // Answers only, so that each question shows another clock than the right one.
  held: `${process.execPath} ${HOLD} 0 ${HELD_MS} '${AGENT}'`,
};
/** Another program may delay some slices, however quiet the machine should be. */
const MAX_LATE_RATIO = 0.25;

test('a clock that is 3 s ahead does not matter; a machine whose answers are held 30 ms is named, and its trials are invalid', {
  skip: reasonWithout('faketime'),
}, async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario({
    ...tinyScenario({ measureMs: 800 }),
    // Users that pause, so that generators do not wait for each other on one core.
    load: { concurrency: 6, thinkMs: 20 },
    clients: { only: { pool: { maxConnections: 6 } } },
    baseline: 'only',
  });
  const machines = Object.entries(MACHINES).map(([name, command]) => ({ name, command }));
  writeFileSync(join(workspace.dir, 'machines.json'), JSON.stringify(machines));
  const words = ['run', file, '--machines', 'machines.json'];
  const { status, stdout } = await runCli(t, words, { cwd: workspace.dir });
  const { run, trials } = workspace.onlyRun();
  const [result] = trials;
  assert.ok(result?.state === 'completed', JSON.stringify(result));
  const { ledger, machines: shares = [], response } = result.measurement;
  assert.deepEqual([ledger.requestsSeen, ledger.accepted], [ledger.requestsSent, ledger.opened]);
  const [plain, ahead, held] = ['plain', 'ahead', 'held'].map(name => shares.find(one => one.name === name)!);
  assert.equal(plain!.completed + ahead!.completed + held!.completed, response.count);
  assert.ok(ahead!.offsetMs >= AHEAD_MS && Math.abs(plain!.offsetMs) < AHEAD_MS, `${ahead!.offsetMs} ms`);
  assert.ok(held!.errorMs >= HELD_MS / 2, `${held!.errorMs} ms`);
  assert.equal(held!.lateSlices, held!.slices);
  for (const { name, lateSlices, slices } of [plain!, ahead!]) {
    assert.ok(lateSlices <= slices * MAX_LATE_RATIO, `${name}: ${lateSlices} of ${slices}`);
  }
  const finding = run?.cells[0]?.findings.find(({ rule }) => rule === 'machines');
  assert.equal(finding?.state, 'fail');
  assert.match(finding.detail, /held in (\d+) of \1 slices/);
  assert.equal(status, 3);
  assert.match(stdout, /not reliable: an audit failed/);
});
