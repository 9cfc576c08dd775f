// A page is enough: report, compare and gate read the run back from it, with the same figures; what is no such page is refused.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { openRunStore } from '../../results/store.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { openWorkspace } from '../e2e/testing/workspace.ts';
import { callCli, testContext } from '../testing/in-process.ts';
import { render } from './report.ts';

const { run, trials } = sampleRun();
let page: string;

before(async () => {
  const { context } = testContext();
  const { files } = await render({ run, trials }, {}, context);
  page = files.find(({ name }) => name === 'report.html')!.content;
});

/** A folder with nothing but this page, and how to call conntax in it. */
async function folderWith(t: TestContext, content: string) {
  const { dir } = await openWorkspace(t);
  mkdirSync(join(dir, 'sent'));
  writeFileSync(join(dir, 'sent', 'a.html'), content);
  return { dir, cli: (...args: string[]) => callCli(args, { cwd: dir }) };
}

test('the report of a page has the figures of the run, and no file is written', async t => {
  const { dir, cli } = await folderWith(t, page);
  const { status, stdout, stderr } = await cli('report', 'sent/a.html', '--json');
  assert.equal(status, 0, stderr);
  const { context } = testContext();
  const { shown } = await render({ run, trials }, { json: true }, context);
  assert.deepEqual(JSON.parse(stdout), JSON.parse(shown));
  assert.match(stderr, /^Read from its page; no file was written\.$/m);
  assert.deepEqual(readdirSync(join(dir, 'sent')), ['a.html']);
});

test('a page can be compared with a stored run', async t => {
  const { dir, cli } = await folderWith(t, page);
  const stored = openRunStore(join(dir, 'results'), run.id);
  for (const trial of trials) stored.appendTrial(trial);
  stored.finish({ run, files: [] });
  const compared = await cli('compare', 'sent/a.html', 'latest');
  assert.equal(compared.status, 0, compared.stderr);
  assert.match(compared.stdout, /^No regression /);
});

const refused: [why: string, change: (page: string) => string, message: RegExp][] = [
  [
    'of a comparison',
    () => '<!doctype html><title>x</title>',
    /^error: sent\/a\.html holds no run; expected: the report\.html of a run/m,
  ],
  [
    'whose run is damaged',
    text => text.replace(/(id="run-data">.{40})..../, '$1AAAA'),
    /^error: sent\/a\.html: the run in this page is damaged$/m,
  ],
];
for (const [why, change, message] of refused) {
  test(`a page ${why} is refused`, async t => {
    const { cli } = await folderWith(t, change(page));
    const { status, stdout, stderr } = await cli('report', 'sent/a.html');
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, message);
  });
}
