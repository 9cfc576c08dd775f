// The growing page of a run: what is served to whom, that a browser swaps versions in place, and that the last one is the stored one.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { chromium } from 'playwright-core';
import { openWorkspace, tinyScenario } from '../e2e/testing/workspace.ts';
import type { CreateSource } from '../run/context.ts';
import { replay } from '../run/testing/recorded-replicates.ts';
import { replayContext } from '../testing/in-process.ts';
import { LivePage } from './live-page.ts';
import { runCommand } from './run.ts';

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const isMissing = !existsSync(CHROMIUM) && process.env['CI'] === undefined;
const skip = isMissing ? `there is no ${CHROMIUM}; CHROMIUM_PATH names another` : false;

async function openPage(t: TestContext): Promise<LivePage> {
  const page = await LivePage.open();
  t.after(() => page.close());
  return page;
}

/** The news that a browser would get, as they come. */
async function* newsOf(url: string): AsyncGenerator<string> {
  const response = await fetch(new URL('/events', url));
  let text = '';
  for await (const chunk of response.body!) {
    text += new TextDecoder().decode(chunk);
    for (const [event, name] of text.matchAll(/event: (\w+)\ndata: \d+\n\n/g)) {
      text = text.replace(event, '');
      yield name!;
    }
  }
}

test('a version is announced and served; the server ends once every browser has closed its stream', async t => {
  const page = await openPage(t);
  assert.match(page.url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  assert.equal((await fetch(new URL('/report.html', page.url))).status, 404);
  const shell = await fetch(page.url);
  assert.match(
    shell.headers.get('content-security-policy') ?? '',
    /^default-src 'none'; .*frame-ancestors 'none'/,
  );
  assert.match(await shell.text(), /appears after the first replicate/);
  page.grow('<p>one</p>');
  const news = newsOf(page.url);
  assert.equal((await news.next()).value, 'grown', 'who comes late gets the newest');
  page.grow('<p>two</p>');
  assert.equal((await news.next()).value, 'grown');
  assert.equal(await (await fetch(new URL('/report.html?2', page.url))).text(), '<p>two</p>');
  const ended = page.finish('<p>last</p>');
  assert.equal((await news.next()).value, 'final');
  assert.equal(await (await fetch(new URL('/report.html?3', page.url))).text(), '<p>last</p>');
  await news.return(undefined);
  await ended;
  await assert.rejects(fetch(page.url));
});

test('a name that points here must not read it', async t => {
  const page = await openPage(t);
  page.grow('secret');
  const { port } = new URL(page.url);
  const status = await new Promise(resolve => {
    request(
      { host: '127.0.0.1', port, path: '/report.html', headers: { host: `evil.example:${port}` } },
      response => {
        response.resume();
        resolve(response.statusCode);
      },
    ).end();
  });
  assert.equal(status, 403);
});

test('with --ui a run shows each replicate, and in the end what it stores', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario(tinyScenario({ minReplicates: 2, maxReplicates: 2 }));
  const versions: string[] = [];
  const first = Promise.withResolvers<void>();
  /** Replicates that are replayed take no time, so the second waits until the page of the first was read. */
  const createSource: CreateSource = of => {
    const source = replay()(of);
    const next = async (replicate: number) => {
      if (replicate > 0) await first.promise;
      return source.next(replicate);
    };
    return { ...source, next };
  };
  const { context, printed } = replayContext(workspace.dir, { createSource });
  let url = '';
  const watch = async (): Promise<void> => {
    for await (const name of newsOf(url)) {
      versions.push(`${name}: ${await (await fetch(new URL('/report.html', url))).text()}`);
      first.resolve();
      if (name === 'final') break;
    }
  };
  let watching: Promise<void> | undefined;
  const note = (line: string): void => {
    printed.notes.push(line);
    if (!line.startsWith('Growing page: ')) return;
    url = line.slice('Growing page: '.length);
    watching = watch();
  };
  const status = await runCommand(
    [file],
    { results: workspace.results, allowHost: [], ui: true },
    { ...context, output: { ...context.output, note } },
  );
  await watching;
  assert.equal(status, 0, printed.notes.join('\n'));
  const last = versions.pop()!;
  assert.match(versions[0]!, /^grown: <!doctype html>[\s\S]*still measuring/);
  const stored = readFileSync(join(workspace.onlyRun().dir, 'report.html'), 'utf8');
  assert.equal(last, `final: ${stored}`);
  assert.doesNotMatch(stored, /still measuring/);
  await assert.rejects(fetch(url), 'nothing listens any more');
});

test('a browser keeps its place when a version is swapped in, and never shows nothing', { skip }, async t => {
  const page = await openPage(t);
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu'],
  });
  t.after(() => browser.close());
  const tab = await browser.newPage({ viewport: { width: 800, height: 600 } });
  const complaints: string[] = [];
  tab.on('console', message => complaints.push(message.text()));
  tab.on('pageerror', error => complaints.push(error.message));
  await tab.goto(page.url);
  const version = (word: string): string =>
    `<!doctype html><title>${word}</title><details><summary>more</summary>x</details><p style="height:3000px">${word}</p>`;
  page.grow(version('one'));
  const shown = tab.frameLocator('iframe:not(.coming)');
  await shown.getByText('one').waitFor();
  await shown.locator('summary').click();
  await tab.evaluate(`document.querySelector('iframe').contentWindow.scrollTo(0, 700)`);
  await tab.evaluate(
    `(() => { window.blank = 0; new MutationObserver(() => { if (!document.querySelector('iframe:not(.coming)')) window.blank++; }).observe(document.querySelector('main'), { childList: true, subtree: true, attributes: true }); })()`,
  );
  page.grow(version('two'));
  await shown.getByText('two').waitFor();
  assert.equal(await tab.evaluate(`document.querySelector('iframe').contentWindow.scrollY`), 700);
  assert.equal(await shown.locator('details').getAttribute('open'), '');
  const ended = page.finish(version('three'));
  await shown.getByText('three').waitFor();
  await ended;
  assert.match((await tab.locator('p[role=status]').textContent()) ?? '', /^The run is over/);
  assert.equal(await tab.title(), 'three');
  assert.equal(await tab.evaluate('window.blank'), 0);
  assert.deepEqual(complaints, []);
});
