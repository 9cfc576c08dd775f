// Runs that were remembered, with a step among them: shown on their own and in a gate; nothing is measured.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type RunSummary, saveBaseline, summariseRun } from '../../results/baselines.ts';
import { sampleHistory, sampleRun } from '../../results/testing/sample-run.ts';
import { openWorkspace } from '../e2e/testing/workspace.ts';
import { callCli } from '../testing/in-process.ts';

const { run, trials } = sampleRun();
const now = summariseRun(run);
/** Twelve runs with the present one, the last five of them 1.3 times as costly. */
const history = sampleHistory(now, { count: 11, metric: 'cpuUsPerRequest', atLevel: 4, factor: 1 / 1.3 });
const dated =
  /^(?:- )?Client CPU per request of persistent in short-vs-persistent rose\s+by\s.*p\s=\s+0\.0\d\d\)\s+on\s+2026-11-19,.*\sin\s+run\s+2026-11-19T12-25-52Z-0007\./ms;

function lines(values: readonly unknown[]): string {
  return values.map(value => `${JSON.stringify(value)}\n`).join('');
}

test('conntax history', async t => {
  const { dir, results } = await openWorkspace(t);
  const cli = (...args: string[]) => callCli(['history', ...args], { cwd: dir });
  const remember = (runs: readonly RunSummary[]): void => {
    mkdirSync(results, { recursive: true });
    writeFileSync(join(results, 'history.ndjson'), lines(runs));
  };

  await t.test('where there is none it says how to begin', async () => {
    const { status, stdout, stderr } = await cli();
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /^error: no history in results yet: every "conntax ci" run adds to it$/m);
    assert.ok(!existsSync(results));
  });

  await t.test('of too few runs it says how many it takes', async () => {
    remember(history.slice(-3));
    const { status, stdout } = await cli();
    assert.equal(status, 0);
    assert.match(stdout, /^Too few runs for a trend\n+3 runs; a trend needs 6 under the same conditions\.$/m);
  });

  await t.test('it tells since when which ratio is worse, and writes a page', async () => {
    remember([...history, now]);
    const { status, stdout, stderr } = await cli();
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^Client CPU per request of persistent rose by [\d.]+ % on 2026-11-19$/m);
    assert.match(stdout, /Changed\s+since\s+the\s+previous\s+run:\s+commit /);
    const { stdout: all } = await cli('--verbose');
    assert.match(all, /^worse +short-vs-persistent +persistent +client CPU per request +12$/m);
    assert.match(stderr, /^Report: results\/history\.html$/m);
    assert.match(
      readFileSync(join(results, 'history.html'), 'utf8'),
      /<svg role="img" aria-label="Client CPU/,
    );
  });

  await t.test('for machines: raw figures, the same at every call', async () => {
    const first = await cli('--json');
    const { tables, figures } = JSON.parse(first.stdout);
    const [rate, cpu] = tables.history.rows;
    assert.deepEqual([rate.metric, rate.runs, rate.state, rate.since], ['requestsPerSec', 12, null, null]);
    assert.deepEqual([cpu.metric, cpu.state, cpu.since], ['cpuUsPerRequest', 'worse', history[7]!.runId]);
    assert.ok(cpu.change.low > 1.2 && cpu.change.high < 1.4 && cpu.p <= 0.01, JSON.stringify(cpu));
    assert.deepEqual(
      figures.map(({ rows }: { rows: unknown[] }) => rows.length),
      [12, 12],
    );
    assert.equal((await cli('--json')).stdout, first.stdout);
  });

  await t.test('of the cells that are named', async () => {
    const sweep = now.cells.map(cell => ({ ...cell, cell: 'sizes[bytes=1]' }));
    remember([...history, now].map(one => ({ ...one, cells: [...one.cells, ...sweep] })));
    const cellsOf = async (...names: string[]) => {
      const { stdout } = await cli(...names, '--json');
      const { rows } = JSON.parse(stdout).tables.history as { rows: { cell: string }[] };
      return [...new Set(rows.map(({ cell }) => cell))];
    };
    assert.deepEqual(await cellsOf(), ['short-vs-persistent', 'sizes[bytes=1]']);
    assert.deepEqual(await cellsOf('sizes'), ['sizes[bytes=1]'], 'a scenario stands for its cells');
    assert.deepEqual(await cellsOf('sizes[bytes=1]'), ['sizes[bytes=1]']);
    const { status, stdout, stderr } = await cli('size');
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /no cell "size" in the history \(did you mean sizes\? Known: short-vs-/);
  });

  await t.test('a line that is not ours is named', async () => {
    writeFileSync(join(results, 'history.ndjson'), '{"schemaVersion":9}\n');
    const { status, stderr } = await cli();
    assert.equal(status, 2);
    assert.match(stderr, /history\.ndjson, line 1 is not a run of conntax/);
  });
});

function chartsIn(page: string): number {
  return page.match(/<svg role="img" aria-label="/g)?.length ?? 0;
}

test('a gate with a history', async t => {
  const { dir, results } = await openWorkspace(t);
  const cli = (...args: string[]) => callCli(args, { cwd: dir });
  const folder = join(results, 'runs', run.id);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'run.json'), JSON.stringify(run));
  writeFileSync(join(folder, 'trials.ndjson'), lines(trials));
  writeFileSync(join(results, 'latest'), `${run.id}\n`);
  saveBaseline(results, 'main', history[0]!);
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

  await t.test('is as before where there is none', async () => {
    const { status, stdout } = await cli('gate');
    assert.equal(status, 1);
    assert.match(stdout, /^FAIL: client CPU per request of persistent rose by /m);
    assert.doesNotMatch(stdout, /history/);
    assert.equal(chartsIn(read('gate.html')), 1, 'the changes');
  });

  await t.test('is dated by it, in every form', async () => {
    // The job remembers a run before it judges it.
    writeFileSync(join(results, 'history.ndjson'), lines([...history, now]));
    const brief = await cli('gate');
    assert.equal(brief.status, 1, brief.stderr);
    assert.match(brief.stdout, /^REGRESSION +client CPU per request of persistent/m);
    assert.match(brief.stdout, dated);
    assert.ok(brief.stdout.trimEnd().split('\n').length <= 25, brief.stdout);
    const { stdout } = await cli('gate', '--verbose');
    assert.match(stdout, /^Regression: from .* that of short in short-vs-persistent/m);
    assert.match(stdout, dated);
    assert.match(stdout, /^History: clients relative to/m);
    assert.match(read('gate.md'), /^- Client CPU per request of .* in run 2026-11-19T12-25-52Z-0007/m);
    assert.equal(chartsIn(read('gate.html')), 3, 'the changes and two ratios');
  });

  await t.test('two runs side by side have no history', async () => {
    const { status, stdout } = await cli('compare', run.id, run.id);
    assert.equal(status, 0);
    assert.doesNotMatch(stdout, /history/);
    assert.equal(chartsIn(read('compare.html')), 3, 'the changes, and the ratios and latencies of both runs');
  });
});
