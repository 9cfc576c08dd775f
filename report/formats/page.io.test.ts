// The page in Chromium: it works from disk, loads nothing, fits, and is legible.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { CellReport, Figure } from '../model.ts';
import { inspectPage, ReportBrowser, skip } from './testing/open-report.ts';
import { screensCase } from './testing/screens-case.ts';

let browser: ReportBrowser;

before(async () => {
  if (skip === false) browser = await ReportBrowser.launch();
});

after(async () => {
  if (skip === false) await browser.close();
});

screensCase(() => browser);

/** The pictures of a cell that are seen before anything is opened. */
function shownIn({ forest, sections }: CellReport): Figure[] {
  const open = sections.filter(({ isFolded }) => !isFolded).flatMap(({ figures }) => figures);
  return forest === null ? open : [forest, ...open];
}

async function openReport(sample: string) {
  const { report, ...opened } = await browser.open(sample);
  const own = report.cells.filter(({ sweep }) => sweep === null).flatMap(shownIn);
  const swept = report.sweeps.flatMap(({ measures }) => measures.flatMap(({ pictures }) => pictures));
  const folded = report.cells.filter(({ sweep }) => sweep !== null);
  const figures = report.figures.length + own.length + swept.length;
  const leastTables = report.figures.length + report.tables.length + own.length + 2 * report.cells.length;
  return { ...opened, folded, figures, leastTables };
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
    // Where a part is does not depend on its colour, nor its colour on the width.
    for (const [width, colorScheme] of [
      [1280, 'light'],
      [390, 'dark'],
    ] as const) {
      await page.setViewportSize({ width, height: 900 });
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
    assert.deepEqual(complaints, []);
    assert.deepEqual(requests, [url]);
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
});

test('the answer, its picture and its table are seen without scrolling, and links reach every part', {
  skip,
}, async () => {
  const { page } = await openReport('two arms');
  await page.setViewportSize({ width: 1280, height: 800 });
  const bottoms = await page.evaluate<number[]>(
    `['h1', '.badges', '.first .picture svg', '.first table'].map(found => document.querySelector(found).getBoundingClientRect().bottom)`,
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
  });
}

test('the bar that stays in sight has the date and the run', { skip }, async () => {
  const { page } = await browser.open('two arms');
  await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
  const bar = page.locator('nav.top');
  assert.equal((await bar.boundingBox())!.y, 0);
  assert.match((await bar.textContent()) ?? '', /2026-\d\d-\d\d, run \w{4}/);
});

test('a failed limit is the first word of the page, in red', { skip }, async () => {
  const { page } = await openReport('a sweep');
  const text = await page.evaluate<string>('document.body.innerText');
  assert.match(text, /^FAIL/);
  assert.match((await page.locator('h1').textContent()) ?? '', /^FAIL: /);
});

test('pointing at a mark tells its figure until Escape, and the pointer may rest on the tip', {
  skip,
}, async () => {
  const { page, complaints } = await openReport('two arms');
  const mark = page.locator('.picture circle[data-tip$=" better"]').first();
  const tip = page.locator('.tip');
  await mark.hover();
  assert.equal(await tip.textContent(), await mark.getAttribute('data-tip'));
  await tip.hover();
  await page.waitForTimeout(TIP_LASTS_MS);
  assert.ok(await tip.isVisible(), 'it stays while the pointer is on it');
  await page.keyboard.press('Escape');
  assert.ok(!(await tip.isVisible()));
  assert.deepEqual(complaints, []);
});

/** A tip is hidden this long after the pointer has left it. */
const TIP_LASTS_MS = 400;

test('arrow keys read the values of a chart', { skip }, async () => {
  const { page, complaints } = await openReport('two arms');
  const marks = await page.evaluate<string[]>(
    `[...document.querySelectorAll('.first .picture [data-tip]')].map(mark => mark.dataset.tip)`,
  );
  const tip = page.locator('.tip');
  const isReached = (): Promise<boolean> =>
    page.evaluate<boolean>(`document.activeElement.matches('.first .picture')`);
  for (let stop = 0; stop < 30 && !(await isReached()); stop++) await page.keyboard.press('Tab');
  const seen: (string | null)[] = [];
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowLeft', 'End', 'ArrowRight', 'Home']) {
    await page.keyboard.press(key);
    seen.push(await tip.textContent());
  }
  assert.deepEqual(seen, [marks[0], marks[1], marks[0], marks.at(-1), marks[0], marks[0]]);
  await page.keyboard.press('Escape');
  assert.ok(!(await tip.isVisible()));
  assert.deepEqual(complaints, []);
});

test('figures are saved as CSV and JSON, charts as SVG and PNG, and the scenario as a file', {
  skip,
}, async () => {
  const { page, report, complaints } = await browser.open('two arms');
  const saved = async (button: string): Promise<{ name: string; content: Buffer }> => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: button, exact: true }).click(),
    ]);
    return { name: download.suggestedFilename(), content: readFileSync(await download.path()) };
  };
  await page.locator('#menu > summary').click();
  const csv = await saved('Tables as CSV');
  assert.match(csv.name, /^2026-.*\.csv$/);
  const lines = csv.content.toString().split('\r\n');
  const head = lines.findIndex(line => line.startsWith('arm,requestsPerSec'));
  assert.ok(head > 0, lines.slice(0, 40).join('\n'));
  assert.match(lines.slice(head, head + 3).join('\n'), /^arm,.*\nshort,[\d.]+,/);
  const json = await saved('Figures as JSON');
  assert.equal(JSON.parse(json.content.toString()).schemaVersion, 1);
  const svg = await saved('Save Against the baseline as SVG');
  assert.equal(svg.name, 'against-the-baseline.svg');
  assert.match(svg.content.toString(), /^<svg [^>]*font-family=.*<rect width="100%"/);
  assert.doesNotMatch(svg.content.toString(), /var\(/);
  const png = await saved('Save Against the baseline as PNG');
  assert.equal(png.content.subarray(1, 4).toString(), 'PNG');
  assert.ok(png.content.length > 5_000);
  await page.getByText('Repeat it: the command').click();
  const scenario = await saved('Save short-vs-persistent.json');
  assert.equal(scenario.name, 'short-vs-persistent.json');
  assert.equal(scenario.content.toString(), report.cells[0]!.repeat!.file!.text);
  assert.deepEqual(complaints, []);
});

test('the result is copied as Markdown, the command that repeats it too, and the theme can be switched', {
  skip,
}, async () => {
  const { page, report, complaints } = await browser.open('two arms');
  await page.evaluate(
    `Object.defineProperty(navigator, 'clipboard', { value: { writeText: async text => { window.copied = text; } } })`,
  );
  await page.locator('#menu > summary').click();
  await page.getByRole('button', { name: 'Copy as Markdown' }).click();
  await page.getByText('Copied').waitFor();
  assert.ok((await page.evaluate<string>('copied')).startsWith(`**${report.answer.verdict}**\n`));
  await page.getByText('Repeat it: the command').click();
  const code = page.locator('pre:visible');
  await code.first().locator('+ .saves').getByRole('button', { name: 'Copy' }).click();
  const { command } = report.cells[0]!.repeat!;
  assert.match(command, / --seed \d+$/);
  assert.equal(await page.evaluate<string>('copied'), command);
  const paper = (): Promise<string> =>
    page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
  const before = await paper();
  await page.getByRole('button', { name: 'Light or dark' }).click();
  assert.notEqual(await paper(), before);
  await page.getByRole('button', { name: 'Light or dark' }).click();
  assert.equal(await paper(), before);
  assert.deepEqual(complaints, []);
});

test('pointing at a change of level tells since when it is, and by how much', { skip }, async () => {
  const { page, complaints } = await openReport('a gate with a history');
  const change = page.locator('.picture path[data-tip*=" fell by "]').first();
  await change.scrollIntoViewIfNeeded();
  const { x, y, width } = (await change.boundingBox())!;
  await page.mouse.move(x + width / 2, y + 1);
  assert.match(
    (await page.locator('.tip').textContent()) ?? '',
    /^Requests\/s of persistent in short-vs-persistent fell by .*p = 0\.00\d\) on 2026-11-18, .* in run 2026-11-18T/,
  );
  assert.deepEqual(complaints, []);
});

test('a table is sorted by the button in a heading, and a third press brings back its own order', {
  skip,
}, async () => {
  const { page, complaints } = await openReport('an invalid trial of six arms');
  const table = page.locator('.first > div table').first();
  const clients = (): Promise<string[]> => table.locator('tbody th').allTextContents();
  const own = await clients();
  const head = table.getByRole('columnheader', { name: /^mean/ });
  const button = head.getByRole('button');
  await button.focus();
  const figures = async (): Promise<number[]> =>
    (await table.locator('tbody tr td:nth-child(3)').allTextContents()).map(text => Number.parseFloat(text));
  for (const [order, sign] of [
    ['descending', -1],
    ['ascending', 1],
  ] as const) {
    await page.keyboard.press('Enter');
    assert.equal(await head.getAttribute('aria-sort'), order);
    const seen = await figures();
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => sign * (a - b)),
    );
  }
  await page.keyboard.press('Enter');
  assert.equal(await head.getAttribute('aria-sort'), null);
  assert.deepEqual(await clients(), own);
  assert.deepEqual(complaints, []);
});
