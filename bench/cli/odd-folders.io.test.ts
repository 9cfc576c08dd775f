// A results folder in which something stands in the way: every command says what and where, none ends by an error of Node.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { saveBaseline, summariseRun } from '../../results/baselines.ts';
import { MeasureError, UsageError } from '../../results/errors.ts';
import { appendHistory } from '../../results/history.ts';
import { openRunStore, readRun } from '../../results/store.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { STORED_COMMANDS, testContext } from '../testing/in-process.ts';
import { compareCommand } from './gate.ts';

const sample = sampleRun({ replicates: 2, blocks: 2 });
const runDir = join('runs', sample.run.id);

function soundFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'conntax-odd-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const store = openRunStore(dir, sample.run.id);
  for (const trial of sample.trials) store.appendTrial(trial);
  store.finish({ run: sample.run, files: [] });
  saveBaseline(dir, 'main', summariseRun(sample.run));
  appendHistory(dir, summariseRun(sample.run));
  return dir;
}

function put(make: (path: string) => void, ...names: string[]): (dir: string) => void {
  return dir => {
    for (const name of names) {
      rmSync(join(dir, name), { recursive: true, force: true });
      make(join(dir, name));
    }
  };
}
const file = (path: string): void => writeFileSync(path, 'x');
const folder = (path: string): void => {
  mkdirSync(join(path, 'inner'), { recursive: true });
};
const circle = (path: string): void => symlinkSync(path, path);
const bytes = (path: string): void =>
  writeFileSync(path, Buffer.from([0, 0xff, 0x1b, 0x5b, 0x32, 0x4a, 0x80]));

const STORED = [
  'latest',
  join(runDir, 'run.json'),
  join(runDir, 'trials.ndjson'),
  'history.ndjson',
  'baselines/main.json',
];
const WRITTEN = ['report.html', 'gate.html', 'compare.html'].map(name => join(runDir, name));

/** Commands that have nothing to do with what is odd are left alone by it. */
const ODDITIES: Record<string, { make: (dir: string) => void; fails: RegExp[] }> = {
  'nothing at all': {
    make: dir => rmSync(dir, { recursive: true }),
    fails: [/no latest run in .*no runs are stored/],
  },
  'the results folder is a file': {
    make: put(file, ''),
    fails: [/cannot read .*: a part of the path is a file/],
  },
  'runs is a file': { make: put(file, 'runs'), fails: [/cannot read .*: a part of the path is a file/] },
  'runs is gone': {
    make: dir => rmSync(join(dir, 'runs'), { recursive: true }),
    fails: [/whose folder does not exist/],
  },
  'a run is a file': { make: put(file, runDir), fails: [/cannot read .*: a part of the path is a file/] },
  'stored files are folders': {
    make: put(folder, ...STORED),
    fails: [/cannot read .*: it is a folder, not a file/],
  },
  'stored files are links in a circle': {
    make: put(circle, ...STORED),
    fails: [/cannot read .*: its symbolic links form a loop/],
  },
  'stored files are binary': {
    make: put(bytes, ...STORED),
    fails: [/does not contain a run id|is not JSON|cannot read|is not a run/],
  },
  'reports are folders': {
    make: put(folder, ...WRITTEN),
    fails: [/cannot write .*: it is a folder, not a file/],
  },
  'baselines is a file': {
    make: put(file, 'baselines'),
    fails: [/baselines.*: a part of the path is a file/],
  },
  'history.html is a folder': {
    make: put(folder, 'history.html'),
    fails: [/cannot write .*history.html: it is a folder/],
  },
};

for (const [what, { make, fails }] of Object.entries(ODDITIES)) {
  test(`${what}: said by every command that it concerns`, async t => {
    const dir = soundFolder(t);
    make(dir);
    const said: string[] = [];
    for (const [name, command] of Object.entries(STORED_COMMANDS)) {
      try {
        await command(dir, testContext().context);
      } catch (error) {
        assert.ok(
          error instanceof UsageError || error instanceof MeasureError,
          `${name}: ${(error as Error).stack}`,
        );
        assert.ok(error.message.includes(dir), `${name} says where: ${error.message}`);
        said.push(error.message);
      }
    }
    for (const pattern of fails)
      assert.ok(
        said.some(text => pattern.test(text)),
        `${pattern} in:\n${said.join('\n')}`,
      );
  });
}

test('a run is named by either end of its id, by latest, and by previous', t => {
  const dir = soundFolder(t);
  const older = { ...sample.run, id: '2026-11-20T08-00-00Z-0a0a' };
  const other = { ...sample.run, id: '2026-11-20T08-00-00Z-0b0b' };
  for (const run of [other, older, sample.run]) {
    rmSync(join(dir, 'runs', run.id), { recursive: true, force: true });
    const store = openRunStore(dir, run.id);
    for (const trial of sample.trials) store.appendTrial(trial);
    store.finish({ run, files: [] });
  }
  mkdirSync(join(dir, 'runs', '2026-11-22T08-00-00Z-dead')); // killed before it was finished
  for (const [ref, id] of [
    ['latest', sample.run.id],
    ['previous', other.id],
    ['0a0a', older.id],
    ['2026-11-23', sample.run.id],
  ] as const) {
    assert.equal(readRun(dir, ref).run.id, id, ref);
  }
  assert.throws(() => readRun(dir, '2026-11-20'), /2026-11-20 matches 2 runs: 2026-11-20T08-00-00Z-0b0b, /);
  assert.throws(() => readRun(dir, '0c0c'), /unknown run 0c0c: .*4 stored/);
  rmSync(join(dir, 'runs', older.id), { recursive: true });
  rmSync(join(dir, 'runs', other.id), { recursive: true });
  assert.throws(() => readRun(dir, 'previous'), /no finished run before 2026-11-23/);
});

test('a run whose folder is removed meanwhile is known of at the next trial, not at the end', t => {
  const dir = soundFolder(t);
  const store = openRunStore(dir, '2026-11-24T08-00-00Z-0a0a');
  rmSync(store.dir, { recursive: true });
  assert.throws(
    () => store.appendTrial(sample.trials[0]!),
    /cannot write .*trials\.ndjson: its folder does not exist \(ENOENT\)/,
  );
  store.close();
});

test('two runs with nothing in common are not compared', async t => {
  const dir = soundFolder(t);
  const other = sampleRun({ scenario: 'capacity', replicates: 1, blocks: 1 });
  const store = openRunStore(dir, '2026-11-24T08-00-00Z-0a0a');
  for (const trial of other.trials) store.appendTrial(trial);
  store.finish({ run: { ...other.run, id: '2026-11-24T08-00-00Z-0a0a' }, files: [] });
  await assert.rejects(
    compareCommand('previous', 'latest', { results: dir }, testContext().context),
    (error: unknown) => {
      assert.ok(error instanceof UsageError);
      assert.match(
        error.message,
        /have nothing in common to compare: short-vs-persistent was not measured in this run/,
      );
      return true;
    },
  );
});
