// The main job, from the command line to the files: measured, stored, shown, and rendered again without measuring.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { TrialResult } from '../../results/model/trial.ts';
import { callCli } from '../testing/in-process.ts';
import { type CliResult, runCli, runHere } from './testing/cli.ts';
import { reasonNotTo } from './testing/privileges.ts';
import { openWorkspace, RUN_FILES, tinyScenario } from './testing/workspace.ts';

const ESCAPE = '\u001b';

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false });
addFormats.default(ajv);

function committedSchema(name: string): ValidateFunction {
  return ajv.compile(JSON.parse(readFileSync(new URL(`../../results/${name}`, import.meta.url), 'utf8')));
}

function assertValid(validate: ValidateFunction, value: unknown): void {
  assert.ok(validate(value), ajv.errorsText(validate.errors));
}

function ledgerOf(trials: readonly TrialResult[], arm: string) {
  const trial = trials.find(result => result.trial.arm === arm);
  assert.ok(trial?.state === 'completed', `${arm} has a completed trial`);
  return trial.measurement.ledger;
}

const ANSWER = /^Undecided: one replicate is too few to compare persistent and short$/m;

/** Every heading and title that the terminal must show, whatever else it says. */
function assertReport(text: string): void {
  for (const column of [
    ...['requests/s', 'mean', 'p50', 'p90', 'p99', 'p99.9', 'max', 'error rate'],
    ...['opened', 'accepted', 'needed', 'client CPU', 'server CPU'],
    ...['connection policy', 'concurrency', 'mean latency', 'QPS'],
    ...['ratio', 'verdict', '95 % interval'],
  ]) {
    assert.ok(text.includes(column), `no "${column}" in:\n${text}`);
  }
  assert.match(text, ANSWER, 'the answer comes first');
  assert.match(text, /^requests\/s +persistent +\S+×/m, 'the ratio of requests/s');
  assert.match(text, /^short +4 /m, "the article's row of the short mode");
  assert.match(text, /\d+ audits?\b/, 'the outcome of the audits');
}

test('a run is measured, stored, shown, and rendered again', async t => {
  const workspace = await openWorkspace(t);
  const { dir, results } = workspace;
  const file = await workspace.writeScenario(tinyScenario({ warmupMinMs: 200, warmupMaxMs: 500 }));
  const run: CliResult = await runCli(t, ['run', file, '--seed', '7'], { cwd: dir, hasCharts: true });
  const stored = workspace.onlyRun();
  const contents = new Map(stored.files.map(name => [name, readFileSync(join(stored.dir, name), 'utf8')]));

  await t.test('it ends well and says where the report is', () => {
    assert.equal(run.status, 0, run.stderr);
    assert.match(run.stderr, new RegExp(`^Report: results/runs/${stored.id}/report.html$`, 'm'));
  });

  await t.test(
    'progress off a terminal is plain lines: scenario, replicate, phase, arm, rate, time left',
    () => {
      assert.ok(!run.stderr.includes(ESCAPE) && !run.stderr.includes('\r'), JSON.stringify(run.stderr));
      assert.ok(!run.stdout.includes(ESCAPE), 'nor has the report escape codes');
      const lines = run.stderr.split('\n').filter(line => line.includes('replicate 1 '));
      assert.equal(lines.length, 2, run.stderr);
      // On a busy machine the time may be over by then.
      const rest = String.raw`(?:short|persistent) [\d,]+ req/s  (?:\d+m?s left at most|slower than expected, ends with this replicate)`;
      for (const [index, phase] of ['warming up', String.raw`measuring \d+/\d+`].entries()) {
        assert.match(lines[index]!, new RegExp(`^  tiny  replicate 1  ${phase}  ${rest}$`));
      }
    },
  );

  await t.test('all files are there, and the latest run is named', () => {
    assert.deepEqual(stored.files, RUN_FILES);
    assert.equal(readFileSync(join(results, 'latest'), 'utf8'), `${stored.id}\n`);
    assert.match(contents.get('latency.hlog')!, /^#\[/);
    assert.match(contents.get('report.html')!, /^<!doctype html>[\s\S]*<svg role="img" aria-label="/i);
  });

  await t.test('what is stored validates against the committed schemas', () => {
    assertValid(committedSchema('run.schema.json'), stored.run);
    assert.equal(stored.trials.length, 2);
    const validate = committedSchema('trial.schema.json');
    for (const trial of stored.trials) assertValid(validate, trial);
  });

  await t.test('both ends count the same connections, and as many as the mode needs', () => {
    const short = ledgerOf(stored.trials, 'short');
    assert.ok(short.requestsSent > 0);
    assert.deepEqual([short.opened, short.accepted], [short.requestsSent, short.requestsSent]);
    assert.equal(short.requestsSeen, short.requestsSent);
    const persistent = ledgerOf(stored.trials, 'persistent');
    assert.ok(persistent.requestsSent > 0);
    assert.equal(persistent.opened, persistent.accepted);
    assert.ok(persistent.opened >= 1 && persistent.opened <= 4, `${persistent.opened} of a pool of 4`);
  });

  await t.test('the run knows its machine, versions, commit, pinning and seed', () => {
    assert.ok(stored.run);
    const { host, seed, git, conntax, command, state } = stored.run;
    assert.equal(state, 'complete');
    assert.equal(seed, 7);
    assert.deepEqual(command, ['conntax', 'run', file, '--seed', '7']);
    assert.match(conntax, /^\d+\.\d+\.\d+/);
    assert.equal(host.node, process.version);
    assert.match(host.packages['undici'] ?? '', /^\d/);
    assert.ok(host.cpuCount > 0 && host.kernel !== '' && host.descriptorLimit !== null);
    assert.match(host.pinningDetail, /pinned/);
    assert.equal(git, null, 'the working directory is in no repository');
  });

  await t.test('the terminal has the answer within a screenful, first and last', () => {
    const lines = run.stdout.trimEnd().split('\n');
    assert.ok(lines.length <= 25, run.stdout);
    assert.match(lines[0]!, ANSWER);
    assert.equal(lines.at(-1), lines[0]);
  });

  await t.test('--verbose has tables, ratios and audits too', async () =>
    assertReport((await callCli(['report', '--verbose'], { cwd: dir })).stdout),
  );

  // The program is started once: without a network, where this user may take it away.
  const canCutOff = reasonNotTo('unshare') === false;
  await t.test(
    `\`report\` shows the same and changes nothing of it${canCutOff ? ', without a network' : ''}`,
    async t => {
      const wrapper = canCutOff ? ['unshare', '--net'] : [];
      const byProgram = await runCli(t, ['report'], { cwd: dir, wrapper, hasCharts: true });
      assert.deepEqual([byProgram.status, byProgram.stdout], [0, run.stdout], byProgram.stderr);
      assert.deepEqual(workspace.onlyRun().files, RUN_FILES);
      for (const [name, content] of contents) {
        assert.equal(readFileSync(join(stored.dir, name), 'utf8'), content, `${name} is as it was`);
      }
      for (const ref of [[stored.id], [stored.dir], [join(stored.dir, 'run.json')]]) {
        const again = await callCli(['report', ...ref], { cwd: dir, hasCharts: true });
        assert.equal(again.status, 0, again.stderr);
        assert.equal(again.stdout, run.stdout);
        const [, path] = /^Report: (.*)\n$/.exec(again.stderr) ?? assert.fail(again.stderr);
        assert.equal(resolve(dir, path!), join(stored.dir, 'report.html'));
      }
    },
  );

  await t.test('an unknown run is refused with the nearest that there is', async () => {
    const wrong = stored.id.replace(/.$/, letter => (letter === 'x' ? 'y' : 'x'));
    const { status, stdout, stderr } = await callCli(['report', wrong], { cwd: dir });
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, new RegExp(`^error: .*${wrong}.*nearest.*${stored.id}`));
  });

  await t.test('a corrupted run is refused, readably', async () => {
    const copy = join(dir, 'copy');
    await cp(stored.dir, copy, { recursive: true });
    for (const [content, told] of [
      [contents.get('run.json')!.slice(0, 500), /not JSON/],
      [contents.get('run.json')!.replace('"schemaVersion": 1', '"schemaVersion": 99'), /version 99/],
      [contents.get('run.json')!.replace('"state": "complete"', '"state": "fine"'), /state/],
    ] as const) {
      await writeFile(join(copy, 'run.json'), content);
      const { status, stdout, stderr } = await callCli(['report', copy], { cwd: dir });
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, told);
      assert.match(
        stderr,
        /^error: [^\n]*run\.json[^\n]*\n$/,
        'one line that names the file, no stack trace',
      );
    }
  });
});

test('with --json, standard output is one JSON document; seed and timing of the command line hold', async t => {
  const workspace = await openWorkspace(t);
  const { dir } = workspace;
  const file = await workspace.writeScenario(tinyScenario({ maxReplicates: 5 }));
  const words = ['--json', '--budget-sec', '0.5', '--precision', '1'];
  const run = await runHere(t, ['run', file, ...words], { cwd: dir });
  assert.equal(run.status, 0, run.stderr);
  const report = JSON.parse(run.stdout) as { state: string; cells: { cell: string }[] };
  assert.equal(report.state, 'complete');
  assert.deepEqual(
    report.cells.map(({ cell }) => cell),
    ['tiny'],
  );
  const { run: stored } = workspace.onlyRun();
  assert.deepEqual(
    stored?.cells.map(({ scenario, stop }) => [scenario.timing.budgetMs, scenario.timing.precision, stop]),
    [[500, 1, 'budget']],
  );
  const again = await callCli(['report', '--json'], { cwd: dir });
  assert.deepEqual([again.status, again.stdout], [0, run.stdout], again.stderr);
});
