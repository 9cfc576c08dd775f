// `--open`: the system's own program gets the page, and where there is none, the user reads where the page is.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { testContext } from '../testing/in-process.ts';
import { announcePage } from './report.ts';

const skip = process.platform !== 'linux' && 'the program is called otherwise here';

/** A folder for the search path with an `xdg-open` that does this. */
function withOpener(t: TestContext, script: string | undefined): NodeJS.ProcessEnv {
  const folder = mkdtempSync(join(tmpdir(), 'conntax-open-'));
  t.after(() => rmSync(folder, { recursive: true }));
  if (script !== undefined) {
    writeFileSync(join(folder, 'xdg-open'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'xdg-open'), 0o755);
  }
  return { PATH: folder, SEEN: join(folder, 'seen') };
}

const cases: [why: string, script: string | undefined, notes: RegExp][] = [
  ['one that opens it', 'echo "$1" > "$SEEN"', /^Report: some folder\/report\.html$/],
  [
    'one that fails',
    'exit 3',
    /^No browser was opened \(xdg-open failed\)\. The page is at file:\/\/\/.*\/some%20folder\/report\.html\nReport: some folder/,
  ],
  ['none at all', undefined, /^No browser was opened \(xdg-open could not be started\)\. /],
];
for (const [why, script, notes] of cases) {
  test(`${why}: ${notes}`, { skip }, async t => {
    const env = withOpener(t, script);
    const { context, printed } = testContext(env);
    await announcePage(join('some folder', 'report.html'), { open: true }, context);
    assert.match(printed.notes.join('\n'), notes);
    const isOpened = existsSync(env['SEEN']!);
    assert.equal(isOpened, script?.startsWith('echo') ?? false);
    if (isOpened)
      assert.match(readFileSync(env['SEEN']!, 'utf8'), /^file:\/\/\/.*\/some%20folder\/report\.html\n$/);
  });
}

test('without --open nothing is started', { skip }, async t => {
  const env = withOpener(t, 'echo "$1" > "$SEEN"');
  const { context, printed } = testContext(env);
  await announcePage('report.html', {}, context);
  assert.deepEqual(printed.notes, ['Report: report.html']);
  assert.ok(!existsSync(env['SEEN']!));
});
