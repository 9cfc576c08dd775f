// A run is stored whole and found again; damage is named, not trusted.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MeasureError, UsageError } from './errors.ts';
import { TrialResult } from './model/trial.ts';
import { createRandom } from './random.ts';
import { isRunId, newRunId, openRunStore, readRun } from './store.ts';
import { sampleRun } from './testing/sample-run.ts';

const sample = sampleRun({ replicates: 2, blocks: 3 });
const { id } = sample.run;
let dir = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'conntax-store-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function store(run = sample.run, trials: readonly TrialResult[] = sample.trials): string {
  const opened = openRunStore(dir, run.id);
  for (const trial of trials) opened.appendTrial(trial);
  opened.finish({ run, files: [{ name: 'report.md', content: '# report\n' }] });
  return opened.dir;
}

test('a run is read back as it was stored: as the latest, by id, by folder, by file', () => {
  const runDir = store();
  for (const ref of [undefined, id, runDir, join(runDir, 'run.json')]) {
    assert.deepEqual(readRun(dir, ref), { dir: runDir, ...sample, isPage: false, isTorn: false });
  }
  assert.deepEqual(readdirSync(runDir).sort(), ['report.md', 'run.json', 'trials.ndjson']);
  assert.deepEqual(readdirSync(dir).sort(), ['latest', 'runs']);
});

test('the latest run is the one that finished last', () => {
  store();
  const second = { ...sample.run, id: '2026-11-24T08-00-00Z-0a0a' };
  store(second);
  assert.equal(readRun(dir).run.id, second.id);
  assert.equal(readRun(dir, id).run.id, id);
});

test('a trial is on disk as soon as it is appended', () => {
  const opened = openRunStore(dir, id);
  opened.appendTrial(sample.trials[0]!);
  const lines = readFileSync(join(opened.dir, 'trials.ndjson'), 'utf8').split('\n');
  assert.deepEqual(TrialResult.parse(JSON.parse(lines[0]!)), sample.trials[0]);
  opened.close();
  opened.close();
});

const damages: { what: string; damage: (runDir: string) => void; says: RegExp; ref?: string }[] = [
  {
    what: 'no such run',
    damage: () => {},
    says: /unknown run 2026-11-23T12-25-52Z-k3f8: .*nearest: 2026-11-23T12-25-52Z-k3f9/,
    ref: '2026-11-23T12-25-52Z-k3f8',
  },
  {
    what: 'a way out of the folder',
    damage: () => {},
    says: /unknown run|not a run|has no run\.json/,
    ref: '../..',
  },
  {
    what: 'no latest',
    damage: () => unlinkSync(join(dir, 'latest')),
    says: /no latest run in .*newest: 2026-11-23T12/,
  },
  {
    what: 'latest is a path',
    damage: () => writeFileSync(join(dir, 'latest'), '../../etc'),
    says: /does not contain a run id/,
  },
  {
    what: "latest's folder is gone",
    damage: r => rmSync(r, { recursive: true }),
    says: /whose folder does not exist/,
  },
  {
    what: 'crashed',
    damage: r => unlinkSync(join(r, 'run.json')),
    says: /has no run\.json: the run was not finished/,
  },
  { what: 'another folder', damage: () => {}, says: /not the folder of a run/, ref: tmpdir() },
  {
    what: 'not JSON',
    damage: r => writeFileSync(join(r, 'run.json'), '{"id":'),
    says: /run\.json is not JSON/,
  },
  {
    what: 'another version',
    damage: r => writeFileSync(join(r, 'run.json'), '{"schemaVersion": 2}'),
    says: /has schema version 2; this conntax reads version 1/,
  },
  {
    what: 'another kind',
    damage: r => writeFileSync(join(r, 'run.json'), '[]'),
    says: /run\.json is not a run: it has no schema version/,
  },
  {
    what: 'a field wrong',
    damage: r => writeFileSync(join(r, 'run.json'), JSON.stringify({ ...sample.run, seed: 'x' })),
    says: /run\.json was not written by this conntax: seed: /,
  },
  {
    what: 'of a newer version, with a field of its own',
    damage: r =>
      writeFileSync(
        join(r, 'run.json'),
        JSON.stringify({ ...sample.run, conntax: '0.10.0', weather: 'wet' }),
      ),
    says: /run\.json was written by conntax 0\.10\.0, and this is 0\.\d+\.\d+, which does not know all that is in it \(weather: is not known here\); expected: conntax 0\.10\.0 or newer/,
  },
  {
    what: 'of a newer version, with a field of its own in a trial',
    damage: r => {
      writeFileSync(join(r, 'run.json'), JSON.stringify({ ...sample.run, conntax: '99.0.0' }));
      appendFileSync(
        join(r, 'trials.ndjson'),
        `${JSON.stringify({ ...sample.trials[0], weather: 'wet' })}\n`,
      );
    },
    says: /trials\.ndjson, line 5, was written by conntax 99\.0\.0, .*\(weather: is not known here\)/,
  },
  {
    what: 'of a newer version, in another format',
    damage: r => writeFileSync(join(r, 'run.json'), '{"schemaVersion": 2, "conntax": "99.0.0"}'),
    says: /has schema version 2; this conntax reads version 1: use conntax 99\.0\.0, which wrote it, or a newer one/,
  },
  {
    what: 'an unknown field, of no newer version',
    damage: r =>
      writeFileSync(join(r, 'run.json'), JSON.stringify({ ...sample.run, conntax: '0.0.9', weather: 'wet' })),
    says: /run\.json was not written by this conntax: weather: is not known here$/,
  },
  {
    what: 'all trials lost',
    damage: r => writeFileSync(join(r, 'trials.ndjson'), ''),
    says: /has 0 of the 2 completed trials of \w+ in .* that run\.json was made of: lines are missing/,
  },
  {
    what: 'the last trial lost',
    damage: r => {
      const lines = readFileSync(join(r, 'trials.ndjson'), 'utf8').trimEnd().split('\n');
      writeFileSync(join(r, 'trials.ndjson'), `${lines.slice(0, -1).join('\n')}\n`);
    },
    says: /has 1 of the 2 completed trials of /,
  },
  {
    what: 'a trial twice in place of another',
    damage: r => {
      const [first, , ...rest] = readFileSync(join(r, 'trials.ndjson'), 'utf8').trimEnd().split('\n');
      writeFileSync(join(r, 'trials.ndjson'), `${[first, first, ...rest].join('\n')}\n`);
    },
    says: /has 1 of the 2 completed trials of /,
  },
  {
    what: 'a pipe that nobody writes to',
    damage: r => {
      unlinkSync(join(r, 'run.json'));
      assert.equal(spawnSync('mkfifo', [join(r, 'run.json')]).status, 0);
    },
    says: /cannot read .*run\.json: it is a pipe, socket or device/,
  },
  { what: 'no trials', damage: r => unlinkSync(join(r, 'trials.ndjson')), says: /has no trials\.ndjson/ },
  {
    what: 'a line of rubbish',
    damage: r => appendFileSync(join(r, 'trials.ndjson'), 'rubbish\n{}\n'),
    says: /line 5 is not JSON/,
  },
  {
    what: 'a line of another kind',
    damage: r => appendFileSync(join(r, 'trials.ndjson'), '{}\n'),
    says: /trials\.ndjson, line 5, was not written by this conntax/,
  },
  {
    what: 'a torn line in a complete run',
    damage: r => appendFileSync(join(r, 'trials.ndjson'), '{"trial"'),
    says: /line 5 is incomplete/,
  },
];

for (const { what, damage, says, ref } of damages) {
  test(`reading names what is wrong: ${what}`, () => {
    damage(store());
    assert.throws(
      () => readRun(dir, ref),
      (error: unknown) => {
        assert.ok(error instanceof UsageError, String(error));
        assert.match(error.message, says);
        return true;
      },
    );
  });
}

test('a torn last line of a run that is not complete is left out, and said to be', () => {
  const runDir = store({ ...sample.run, state: 'partial' });
  appendFileSync(join(runDir, 'trials.ndjson'), '{"trial": {"id"');
  const { trials, isTorn } = readRun(dir);
  assert.deepEqual([trials, isTorn], [sample.trials, true]);
});

test('nothing can be written: it is said at once, with the path', () => {
  writeFileSync(join(dir, 'file'), '');
  assert.throws(
    () => openRunStore(join(dir, 'file'), id),
    (error: unknown) => {
      assert.ok(error instanceof MeasureError);
      assert.equal(error.code, 'results-not-writable');
      assert.match(error.message, /cannot write .*file.*; expected: .* --results/);
      return true;
    },
  );
  openRunStore(dir, id).close();
  assert.throws(
    () => openRunStore(dir, id),
    (error: unknown) => error instanceof MeasureError && error.code === 'run-exists',
  );
});

test('a write that fails half-way leaves whole lines and a clear error', {
  skip: process.platform === 'win32',
}, () => {
  const script = `
    import { openRunStore } from ${JSON.stringify(new URL('./store.ts', import.meta.url).href)};
    import { sampleRun } from ${JSON.stringify(new URL('./testing/sample-run.ts', import.meta.url).href)};
    const store = openRunStore(process.argv[1], ${JSON.stringify(id)});
    const [trial] = sampleRun({ replicates: 1, blocks: 1 }).trials;
    try {
      for (;;) store.appendTrial(trial);
    } catch (error) {
      process.stdout.write(JSON.stringify({ code: error.code, message: error.message }));
    }
    store.close();`;
  const limited = 'ulimit -f 100 && exec "$0" --input-type=module -e "$1" "$2"';
  const child = spawnSync('sh', ['-c', limited, process.execPath, script, dir], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    encoding: 'utf8',
    timeout: 20_000,
  });
  const { code, message } = JSON.parse(child.stdout);
  assert.equal(code, 'disk-full');
  assert.match(message, /cannot write .*trials\.ndjson: the limit on a file's size/);
  const text = readFileSync(join(dir, 'runs', id, 'trials.ndjson'), 'utf8');
  const lines = text.split('\n');
  assert.equal(lines.pop(), '');
  assert.ok(lines.length > 0);
  for (const line of lines) TrialResult.parse(JSON.parse(line));
});

test("a file that can't be written at the end leaves no run.json and no latest", () => {
  const opened = openRunStore(dir, id);
  mkdirSync(join(opened.dir, 'report.md'));
  assert.throws(
    () => opened.finish({ run: sample.run, files: [{ name: 'report.md', content: '' }] }),
    (error: unknown) => error instanceof MeasureError && error.message.includes('report.md'),
  );
  assert.equal(existsSync(join(opened.dir, 'run.json')), false);
  assert.equal(existsSync(join(dir, 'latest')), false);
  assert.deepEqual(readdirSync(opened.dir).sort(), ['report.md', 'trials.ndjson']);
});

test('a name of a file with a folder in it is refused', () => {
  const opened = openRunStore(dir, id);
  assert.throws(() => opened.finish({ run: sample.run, files: [{ name: '../x', content: '' }] }), TypeError);
});

test('run ids sort by time, differ within a second, and name no other folder', () => {
  const random = createRandom(1);
  const early = newRunId(new Date('2026-11-23T12:25:52.900Z'), random);
  const late = newRunId(new Date('2026-11-23T12:25:53.100Z'), random);
  assert.match(early, /^2026-11-23T12-25-52Z-[0-9a-z]{4}$/);
  assert.ok(early < late && isRunId(early) && isRunId(late));
  assert.notEqual(early, newRunId(new Date('2026-11-23T12:25:52.900Z'), random));
  for (const text of ['', '..', 'latest', `${early}/..`, ` ${early}`]) assert.equal(isRunId(text), false);
});
