// The page in Chromium: it works from disk, loads nothing, fits, and is legible.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium } from 'playwright-core';
import { summariseRun } from '../../results/baselines.ts';
import { gateRun } from '../../results/gate.ts';
import { findTrendsUpTo } from '../../results/history.ts';
import { sampleHistory } from '../../results/testing/sample-history.ts';
import { buildReport } from '../build.ts';
import { buildGateReport } from '../gate.ts';
import { buildHistoryReport } from '../history.ts';
import type { CellReport, Figure, Report } from '../model.ts';
import { charts, sweepCharts } from '../testing/plugins.ts';
import { sampleRuns } from '../testing/sample-runs.ts';
import { sampleSweeps } from '../testing/sample-sweeps.ts';
import format from './html.ts';
import { inspectPage } from './testing/inspect-page.ts';

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const isMissing = !existsSync(CHROMIUM) && process.env['CI'] === undefined;
const skip = isMissing ? `there is no ${CHROMIUM}; CHROMIUM_PATH names another` : false;

let browser: Browser;
let folder: string;

before(async () => {
  if (isMissing) return;
  folder = mkdtempSync(join(tmpdir(), 'conntax-page-'));
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  });
});

after(async () => {
  if (isMissing) return;
  await browser.close();
  rmSync(folder, { recursive: true });
});

const now = summariseRun(sampleRuns['two arms']!.run);
const history = sampleHistory(now, { count: 13, metric: 'requestsPerSec', atLevel: 5, factor: 1.1 });

function reportOf(sample: string): Report {
  switch (sample) {
    case 'a history':
      return buildHistoryReport([history[0]!, ...history.slice(1), now]);
    case 'a gate with a history': {
      const trends = findTrendsUpTo(now, history);
      const result = gateRun(history[0]!, now, { minEffect: 0.05 });
      return buildGateReport({ before: history[0]!, after: now, result, trends });
    }
    default:
      return buildReport({ ...(sampleRuns[sample] ?? sampleSweeps[sample])!, charts, sweepCharts });
  }
}

/** The pictures of a cell that are seen before anything is opened. */
function shownIn({ forest, sections }: CellReport): Figure[] {
  const open = sections.filter(({ isFolded }) => !isFolded).flatMap(({ figures }) => figures);
  return forest === null ? open : [forest, ...open];
}

async function openReport(sample: string) {
  const report = reportOf(sample);
  const file = join(folder, `${sample.replaceAll(' ', '-')}.html`);
  writeFileSync(file, await format.render(report, { hasColour: false, columns: 100 }));
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on('request', request => requests.push(request.url()));
  page.on('console', message => complaints.push(message.text()));
  page.on('pageerror', error => complaints.push(error.message));
  page.on('dialog', dialog => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  const url = pathToFileURL(file).href;
  await page.goto(url);
  const own = report.cells.filter(({ sweep }) => sweep === null).flatMap(shownIn);
  const swept = report.sweeps.flatMap(({ measures }) => measures.flatMap(({ pictures }) => pictures));
  const folded = report.cells.filter(({ sweep }) => sweep !== null);
  const figures = report.figures.length + own.length + swept.length;
  const leastTables = report.figures.length + report.tables.length + own.length + 2 * report.cells.length;
  return { page, requests, complaints, url, folded, figures, leastTables };
}

for (const sample of [
  'an invalid trial of six arms',
  'a hostile name',
  'no completed trial',
  'every phase',
  'two scenarios',
  'an invalid trial of a capacity search',
  'a sweep of two settings',
  'a history',
  'a gate with a history',
]) {
  test(`${sample}: works from disk, loads nothing, fits and can be read`, { skip }, async () => {
    const { page, requests, complaints, url, figures, leastTables } = await openReport(sample);
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 900 });
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        const seen = await inspectPage(page);
        assert.equal(seen.pictures.length, figures, 'one picture of each figure is shown');
        for (const { label, width: shown, height, right, marks } of seen.pictures) {
          assert.ok(shown > 200 && height > 60 && right <= width && marks > 0, label);
        }
        assert.deepEqual(seen.overlaps, [], 'no label covers another or is cut off');
        assert.ok(seen.scrollWidth <= width, `the page is ${seen.scrollWidth} px wide`);
        assert.ok(seen.tables >= leastTables, `${seen.tables} of ${leastTables} tables`);
        assert.ok(seen.leastContrast.ratio >= 4.5, JSON.stringify(seen.leastContrast));
      }
    }
    assert.deepEqual(complaints, []);
    assert.deepEqual(requests, [url]);
    await page.close();
  });
}

test('the cells of a sweep are folded to one line each, and complete when opened', { skip }, async () => {
  const { page, figures, folded, complaints } = await openReport('a troubled sweep');
  const folds = page.locator('details.fold');
  assert.equal(await folds.count(), folded.length);
  assert.equal((await inspectPage(page)).pictures.length, figures);
  for (const [index, { sweep, answer }] of folded.entries()) {
    const fold = folds.nth(index);
    const summary = (await fold.locator('> summary').textContent()) ?? '';
    assert.ok(summary.replaceAll('\u00a0', ' ').includes(`${sweep!.place} ${answer.verdict}`), summary);
    assert.equal(await fold.locator('h3').first().isVisible(), false);
    await fold.locator('> summary').click();
  }
  const seen = await inspectPage(page);
  assert.equal(seen.pictures.length, figures + folded.flatMap(shownIn).length);
  assert.deepEqual(seen.overlaps, []);
  assert.ok(seen.scrollWidth <= 1280);
  assert.ok(seen.leastContrast.ratio >= 4.5, JSON.stringify(seen.leastContrast));
  assert.deepEqual(complaints, []);
  await page.close();
});

test('the answer, its picture and its table are seen without scrolling, and links reach every part', {
  skip,
}, async () => {
  const { page } = await openReport('two arms');
  await page.setViewportSize({ width: 1280, height: 800 });
  const bottoms = await page.evaluate<number[]>(
    `['h1', '.badges', '.first .picture.wide svg', '.first table'].map(found => document.querySelector(found).getBoundingClientRect().bottom)`,
  );
  for (const bottom of bottoms) assert.ok(bottom <= 800, String(bottoms));
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 800 });
    const clipped = await page.evaluate<string[]>(
      `[...document.querySelectorAll('.first > div .scroll, header .scroll')].filter(frame => frame.scrollWidth > frame.clientWidth).map(frame => frame.getAttribute('aria-label'))`,
    );
    assert.deepEqual(clipped, [], `${width} px`);
  }
  const broken = await page.evaluate<string[]>(
    `[...document.querySelectorAll('a[href^="#"]')].map(link => link.getAttribute('href')).filter(href => document.getElementById(href.slice(1)) === null)`,
  );
  assert.deepEqual(broken, []);
  await page.close();
});

for (const sample of ['an invalid trial of six arms', 'every phase', 'a link']) {
  test(`${sample}: with everything opened, no table is cut off at 1280 px`, { skip }, async () => {
    const { page } = await openReport(sample);
    const clipped = await page.evaluate<string[]>(`(() => {
      for (const fold of document.querySelectorAll('details')) fold.open = true;
      return [...document.querySelectorAll('.scroll')]
        .filter(frame => frame.scrollWidth > frame.clientWidth)
        .map(frame => frame.getAttribute('aria-label') + ': ' + frame.scrollWidth + ' of ' + frame.clientWidth + ' px');
    })()`);
    assert.deepEqual(clipped, []);
    await page.close();
  });
}

test('a failed limit is the first word of the page, in red', { skip }, async () => {
  const { page } = await openReport('a sweep');
  const text = await page.evaluate<string>('document.body.innerText');
  assert.match(text, /^FAIL/);
  assert.match((await page.locator('h1').textContent()) ?? '', /^FAIL: /);
  await page.close();
});

test('pointing at a mark tells its figure, and the data can be downloaded', { skip }, async () => {
  const { page, complaints } = await openReport('two arms');
  const mark = page.locator('.picture.wide path[aria-label$=" better"]').first();
  await mark.hover();
  assert.equal(await page.locator('.tip').textContent(), await mark.getAttribute('aria-label'));
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#download').click()]);
  assert.match(download.suggestedFilename(), /\.json$/);
  assert.deepEqual(complaints, []);
  await page.close();
});

test('pointing at a change of level tells since when it is, and by how much', { skip }, async () => {
  const { page, complaints } = await openReport('a gate with a history');
  const change = page.locator('.picture.wide line[aria-label*="since run"]').first();
  await change.scrollIntoViewIfNeeded();
  const { x, y, width } = (await change.boundingBox())!;
  await page.mouse.move(x + width / 2, y + 1);
  assert.match(
    (await page.locator('.tip').textContent()) ?? '',
    /^Requests\/s of persistent in short-vs-persistent: .*since run 2026-11-18.*p = 0\.00\d/,
  );
  assert.deepEqual(complaints, []);
  await page.close();
});
