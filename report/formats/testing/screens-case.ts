// What a reader sees first of each kind of report, on a desk and on a phone, and that axe-core finds nothing against WCAG 2.1 AA.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { Page } from 'playwright-core';
import { type ReportBrowser, skip } from './open-report.ts';

/** Pictures of each page are kept in the folder that this variable names, for someone to look at. */
const SCREENS = process.env['SCREENS'];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  nodes: { html: string }[];
}

/**
 * Takes out what is hidden from assistive technology, and more than all other elements: the parts of a drawing, by its role, and what
 * is folded. axe-core would read the style of each.
 */
const REMOVE_HIDDEN = `for (const part of document.querySelectorAll('svg > *, details:not([open]) > :not(summary)')) part.remove()`;

/**
 * Leaves one of the rows of a table that are built alike, but for their words: no style depends on the place of a row. axe-core takes
 * most of its time for cells.
 */
const REMOVE_ALIKE = `(() => {
  const words = ['id', 'title', 'href', 'aria-label', 'aria-describedby', 'data-tip'];
  const shapeOf = element => [
    element.tagName,
    ...[...element.attributes].filter(({ name }) => !words.includes(name)).map(({ name, value }) => name + '=' + value),
    ...[...element.childNodes].map(part => part.nodeType === Node.ELEMENT_NODE ? '(' + shapeOf(part) + ')' : part.textContent.trim() === '' ? '' : 'words'),
  ].join(' ');
  for (const table of document.querySelectorAll('table')) {
    const seen = new Set();
    for (const row of table.querySelectorAll('tbody tr')) {
      const shape = shapeOf(row);
      if (seen.has(shape)) row.remove();
      seen.add(shape);
    }
  }
})()`;

/** What axe-core finds against WCAG 2.1 AA, and of the order of headings and unlike landmarks. @param rules only these */
async function findViolations(page: Page, rules?: readonly string[]): Promise<string[]> {
  const all = {
    runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] },
    rules: { 'heading-order': { enabled: true }, 'landmark-unique': { enabled: true } },
  };
  const options = rules === undefined ? all : { runOnly: { type: 'rule', values: rules } };
  const violations = await page.evaluate<Violation[]>(
    `axe.run(document, ${JSON.stringify({ ...options, resultTypes: ['violations'] })}).then(({ violations }) => violations)`,
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map(({ html }) => `${id}: ${html.slice(0, 200)}`),
  );
}

interface Layout {
  scrollWidth: number;
  /** Bottom of the verdict. */
  verdict: number;
  /** Bottom of what says how sure it is and what limited it: the badges, or the lines where there are none. */
  certainty: number;
  /** Top of the first chart or table, and bottom of the first chart. */
  firstFigure: number;
  firstChartEnd: number | null;
  /** Headings of columns of the first table, and the right edge of each. */
  columns: { heading: string; right: number }[];
  /** Tables that are cut off, and do not say so; what changed is never cut off. */
  cut: string[];
  /** The smallest text, as it is seen: a chart's letters shrink with it. */
  smallest: { px: number; text: string };
  /** What is pressed and is lower than a finger needs (WCAG 2.2, 2.5.8), but for links within sentences. */
  lowTargets: string[];
}

const LAYOUT = `(() => {
  const isShown = element => element.checkVisibility() && element.getBoundingClientRect().width > 0;
  const all = selector => [...document.querySelectorAll(selector)].filter(isShown);
  const [chart] = all('.picture svg');
  const [table] = all('main table, header table:not(.limits)');
  const top = element => element ? element.getBoundingClientRect().top : Infinity;
  const bottom = element => element.getBoundingClientRect().bottom;
  const isAloud = element => getComputedStyle(element.parentElement).clipPath === 'none' && getComputedStyle(element).clipPath === 'none';
  const scaleOf = svg => svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
  const texts = all('svg text, h1, h2, h3, h4, p, li, a, th, td, dt, dd, summary, button, span').filter(element => isAloud(element) && element.textContent.trim() !== '');
  const sizes = texts.map(element => ({
    px: parseFloat(getComputedStyle(element).fontSize) * scaleOf(element.closest('.picture svg')),
    text: element.textContent.trim().slice(0, 60),
  }));
  return {
    scrollWidth: document.documentElement.scrollWidth,
    verdict: bottom(document.querySelector('h1')),
    certainty: Math.max(...(all('#answer > .badges').length > 0 ? all('#answer > .badges') : all('#answer > .remark')).map(bottom)),
    firstFigure: Math.min(top(chart), top(table)),
    firstChartEnd: chart ? bottom(chart) : null,
    columns: table ? [...table.querySelectorAll('thead th')].map(head => ({ heading: head.textContent, right: head.getBoundingClientRect().right })) : [],
    cut: all('.scroll').filter(frame => frame.scrollWidth > frame.clientWidth && (frame.closest('#changes .first > div') || !getComputedStyle(frame, '::after').content.includes('scroll'))).map(frame => frame.getAttribute('aria-label')),
    smallest: sizes.reduce((least, size) => size.px < least.px ? size : least),
    lowTargets: all('a, button, summary').filter(target => !target.closest('p, td, dd') && target.getBoundingClientRect().height < 24).map(target => target.textContent.trim() + ': ' + target.getBoundingClientRect().height),
  };
})()`;

/** Which columns of the first table must be seen on a phone without scrolling, and whether the first chart must end within 800 px. */
const kinds: [sample: string, of: { columns: string[]; hasChart: boolean }][] = [
  ['two arms', { columns: ['client', 'requests/s', 'mean', 'errors'], hasChart: true }],
  ['an invalid trial of six arms', { columns: ['client', 'requests/s', 'mean', 'errors'], hasChart: true }],
  ['two scenarios', { columns: [], hasChart: false }],
  ['a sweep', { columns: ['round trip', 'persistent / short'], hasChart: true }],
  ['failed limits', { columns: [], hasChart: true }],
  ['a capacity search', { columns: ['client', 'capacity', 'mean', 'errors'], hasChart: true }],
  ['a gate with a history', { columns: [], hasChart: false }],
  ['a history', { columns: [], hasChart: true }],
  ['scenarios not begun', { columns: ['client', 'requests/s', 'mean', 'errors'], hasChart: true }],
  ['no completed trial', { columns: [], hasChart: false }],
  ['one arm', { columns: ['client', 'requests/s', 'mean', 'errors'], hasChart: false }],
];

const SCREEN_KINDS = [
  [1280, 'dark'],
  [1280, 'light'],
  [390, 'dark'],
  [390, 'light'],
] as const;

/** Smaller letters are not read on a phone. */
const MIN_TEXT_PX = 11;

/** @param browserOf the browser, once it runs */
export function screensCase(browserOf: () => ReportBrowser): void {
  for (const [sample, { columns, hasChart }] of kinds) {
    suite(sample, () => {
      test('is seen at once at 1280 px and at 390 px, light and dark, and axe finds nothing', {
        skip,
      }, async () => {
        const { page, report } = await browserOf().open(sample);
        for (const [width, colorScheme] of SCREEN_KINDS) {
          await page.setViewportSize({ width, height: 800 });
          await page.emulateMedia({ colorScheme });
          // The page learns of its new width between two frames.
          await page.evaluate(
            'new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))',
          );
          await keepScreen(page, `${sample}-${width}${colorScheme === 'dark' ? '-dark' : ''}`);
          const layout = await page.evaluate<Layout>(LAYOUT);
          const what = `${width} px, ${colorScheme}: ${JSON.stringify(layout)}`;
          assert.ok(layout.scrollWidth <= width, what);
          assert.ok(layout.verdict < 290, what);
          assert.ok(layout.certainty <= 800, what);
          assert.deepEqual(layout.cut, [], what);
          assert.ok(layout.smallest.px >= MIN_TEXT_PX, what);
          if (width === 390) assert.deepEqual(layout.lowTargets, [], what);
          if (width === 390 && sample === 'a history') assert.ok(layout.firstChartEnd! <= 800, what);
          if (width === 1280) assert.ok(layout.firstFigure < 800, what);
          if (width === 1280 && hasChart) assert.ok(layout.firstChartEnd! <= 800, what);
          for (const wanted of columns) {
            const column = layout.columns.find(({ heading }) => heading.includes(wanted));
            assert.ok(column !== undefined && column.right <= width, `${wanted}, ${what}`);
          }
        }
        await page.emulateMedia({ colorScheme: 'light' });
        // What several scenarios fold is what a single one folds.
        if (report.cells.length <= 1)
          await page.evaluate(`for (const fold of document.querySelectorAll('details')) fold.open = true`);
        await page.evaluate(REMOVE_HIDDEN);
        await page.evaluate(REMOVE_ALIKE);
        // Evaluated by the debugger, which the page's policy does not hold for.
        await page.evaluate(AXE);
        assert.deepEqual(await findViolations(page), [], 'light');
        await page.emulateMedia({ colorScheme: 'dark' });
        // Nothing but colours differs.
        assert.deepEqual(await findViolations(page, ['color-contrast']), [], 'dark');
      });
    });
  }
}

async function keepScreen(page: Page, name: string): Promise<void> {
  if (SCREENS === undefined) return;
  mkdirSync(SCREENS, { recursive: true });
  await page.screenshot({ path: join(SCREENS, `${name.replaceAll(' ', '-')}.png`) });
}
