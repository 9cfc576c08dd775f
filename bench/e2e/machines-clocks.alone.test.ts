// Clocks of machines: one that is wrong does not matter, and one that is not known well enough is named by an audit.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { MachineShare } from '../../results/model/trial.ts';
import { CONNTAX, runCli } from './testing/cli.ts';
import { reasonWithout } from './testing/server-program.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const AHEAD_MS = 3_000;
const HELD_MS = 30;
const HOLD = fileURLToPath(new URL('testing/held-messages.ts', import.meta.url));
const AGENT = `${CONNTAX.join(' ')} agent`;
const MACHINES = {
  plain: AGENT,
  ahead: `faketime -f +${AHEAD_MS / 1_000}s ${AGENT}`,
  // Answers only, so that each question shows another clock than the right one.
  held: `${process.execPath} ${HOLD} 0 ${HELD_MS} '${AGENT}'`,
};

async function runOver(t: TestContext, names: readonly (keyof typeof MACHINES)[]) {
  const workspace = await openWorkspace(t);
  // Users that pause, so that generators do not wait for each other on one core.
  const scenario = { ...tinyScenario({ measureMs: 800 }), load: { concurrency: 4, thinkMs: 20 } };
  const file = await workspace.writeScenario(scenario);
  const machines = names.map(name => ({ name, command: MACHINES[name] }));
  writeFileSync(join(workspace.dir, 'machines.json'), JSON.stringify(machines));
  const outcome = await runCli(t, ['run', file, '--machines', 'machines.json'], { cwd: workspace.dir });
  const { run, trials } = workspace.onlyRun();
  const completed = trials.map(result => {
    assert.ok(result.state === 'completed', JSON.stringify(result));
    return result.measurement;
  });
  assert.equal(completed.length, 2);
  for (const { ledger } of completed) assert.equal(ledger.requestsSeen, ledger.requestsSent);
  const findings = run!.cells.flatMap(cell => cell.findings.filter(({ rule }) => rule === 'machines'));
  assert.equal(findings.length, 2, 'one for each client');
  const shares = completed.flatMap(({ machines: all = [] }) => all);
  return { ...outcome, findings, shares };
}

/** Another program may delay some slices, however quiet the machine should be. */
const MOST_LATE_RATIO = 0.25;

/** faketime also moves the clock that nobody sets: to that of the date. */
function requireInStep(shares: readonly MachineShare[], detail: string): void {
  const ahead = shares.filter(({ name }) => name === 'ahead');
  assert.equal(ahead.length, 2);
  for (const { offsetMs } of ahead) assert.ok(offsetMs >= AHEAD_MS, `${offsetMs} ms`);
  for (const { name, lateSlices, slices } of shares) {
    if (name !== 'held') assert.ok(lateSlices <= slices * MOST_LATE_RATIO, detail);
  }
}

test('a clock that is 3 s ahead is found out, and does not matter', {
  skip: reasonWithout('faketime'),
}, async t => {
  const { findings, shares } = await runOver(t, ['plain', 'ahead']);
  requireInStep(shares, JSON.stringify(findings));
});

test('one whose answers are held is named, and its trials are invalid', {
  skip: reasonWithout('faketime'),
}, async t => {
  const { findings, shares, status, stdout } = await runOver(t, ['ahead', 'held']);
  requireInStep(shares, JSON.stringify(findings));
  for (const { state, detail } of findings) {
    assert.equal(state, 'fail');
    assert.match(detail, /held in (\d+) of \1 slices/);
  }
  for (const { errorMs } of shares.filter(({ name }) => name === 'held')) {
    assert.ok(errorMs >= HELD_MS / 2, `${errorMs} ms`);
  }
  assert.equal(status, 3);
  assert.match(stdout, /not reliable: an audit failed/);
});
