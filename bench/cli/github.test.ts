// What a GitHub job shows of a run: an annotation a check that did not pass, and the report as the step's summary.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { buildReport } from '../../report/build.ts';
import type { Check } from '../../report/model.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { annotations, tellGithub } from './github.ts';
import type { Output } from './output.ts';

const check: Check = {
  group: 'cell',
  name: 'p99: no regression',
  subject: 'p99',
  isFigure: true,
  state: 'pass',
  detail: '5 ms',
};

suite('annotations', () => {
  const cases: [why: string, check: Partial<Check>, lines: string[]][] = [
    ['what passes is not worth one', {}, []],
    ['slow is an error', { state: 'fail' }, ['::error title=conntax%3A cell::p99: 5 ms']],
    ['so is what could not be measured', { state: 'broken' }, ['::error title=conntax%3A cell::p99: 5 ms']],
    [
      'a name from elsewhere can neither end the command nor begin another',
      { state: 'fail', group: 'a,b:c', detail: '100 %\n::set-env name=X::y' },
      ['::error title=conntax%3A a%2Cb%3Ac::p99: 100 %25%0A::set-env name=X::y'],
    ],
  ];
  for (const [why, changed, lines] of cases) {
    test(why, () => assert.deepEqual(annotations([{ ...check, ...changed }]), lines));
  }

  test('what is unsure is one warning, however much it is, and claims nothing', () => {
    const unsure = { ...check, state: 'unsure' as const };
    const gap = { ...unsure, subject: 'not compared', isFigure: false, detail: 'a was not measured' };
    assert.deepEqual(annotations([check, unsure, { ...unsure, group: 'another' }]), [
      '::warning title=conntax::2 of 3 figures: unsure',
    ]);
    assert.deepEqual(annotations([gap]), ['::warning title=conntax::not compared: a was not measured']);
    assert.deepEqual(annotations([unsure, gap, { ...check, state: 'fail' }]), [
      '::error title=conntax%3A cell::p99: 5 ms',
      '::warning title=conntax::1 of 2 figures: unsure; not compared: a was not measured',
    ]);
  });
});

suite('a GitHub job', () => {
  const report = {
    ...buildReport({ ...sampleRun(), charts: [] }),
    checks: [{ ...check, state: 'fail' as const }],
  };
  const tell = (env: NodeJS.ProcessEnv, markdown = '# report\n'): string[] => {
    const notes: string[] = [];
    const output: Output = {
      out: () => {},
      note: text => notes.push(text),
      isTty: false,
      hasColour: false,
      columns: 80,
    };
    tellGithub(report, markdown, output, env);
    return notes;
  };

  test('elsewhere nothing is said', () =>
    assert.deepEqual(tell({ GITHUB_STEP_SUMMARY: '/nowhere/at/all' }), []));

  test('the summary is appended to, and replaced by its verdict when too long', t => {
    const dir = mkdtempSync(join(tmpdir(), 'conntax-github-'));
    t.after(() => rmSync(dir, { recursive: true }));
    const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: join(dir, 'summary.md') };
    assert.equal(tell(env).length, 1);
    tell(env, 'x'.repeat(2_000_000));
    const text = readFileSync(env.GITHUB_STEP_SUMMARY, 'utf8');
    assert.ok(text.startsWith('# report\n'));
    assert.ok(text.length < 1_000 && text.includes(report.answer.verdict));
  });

  const bad: [why: string, make: (dir: string) => string][] = [
    ['a folder', dir => dir],
    ['in a folder that is not there', dir => join(dir, 'none', 'summary.md')],
    ['on a disk that is full', () => '/dev/full'],
    [
      'within a file',
      dir => {
        writeFileSync(join(dir, 'file'), '');
        return join(dir, 'file', 'summary.md');
      },
    ],
  ];
  for (const [why, make] of bad) {
    test(`a summary that is ${why}: a sentence, and nothing is thrown`, t => {
      const dir = mkdtempSync(join(tmpdir(), 'conntax-github-'));
      t.after(() => rmSync(dir, { recursive: true }));
      const [annotation, said, ...more] = tell({ GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: make(dir) });
      assert.match(annotation!, /^::error /);
      assert.match(said!, /^::warning title=conntax::cannot write the job summary .*\(E[A-Z]+\)$/);
      assert.deepEqual(more, []);
    });
  }

  test('what is in the summary already counts: all of it is lost when it is too long', t => {
    const dir = mkdtempSync(join(tmpdir(), 'conntax-github-'));
    t.after(() => rmSync(dir, { recursive: true }));
    const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: join(dir, 'summary.md') };
    for (let reports = 0; reports < 3; reports++) tell(env, 'x'.repeat(400_000));
    const text = readFileSync(env.GITHUB_STEP_SUMMARY, 'utf8');
    assert.ok(text.length < 1_000_000 && text.includes(report.answer.verdict), String(text.length));
  });
});
