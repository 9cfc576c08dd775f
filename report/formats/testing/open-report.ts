// Opens the reports of recorded runs in Chromium, notes what the page requests and complains of, and inspects it as a reader sees it.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { summariseRun } from '../../../results/baselines.ts';
import { gateRun } from '../../../results/gate.ts';
import { findTrendsUpTo } from '../../../results/history.ts';
import { sampleHistory } from '../../../results/testing/sample-run.ts';
import { buildReport } from '../../build.ts';
import { buildGateReport } from '../../gate.ts';
import { buildHistoryReport } from '../../history.ts';
import type { Report } from '../../model.ts';
import { charts, sweepCharts } from '../../testing/plugins.ts';
import { sampleRuns } from '../../testing/sample-runs.ts';
import { sampleSweeps } from '../../testing/sample-sweeps.ts';
import format from '../html.ts';

const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
const isMissing = !existsSync(CHROMIUM) && process.env['CI'] === undefined;
/** Why tests in a browser are skipped. */
export const skip = isMissing ? `there is no ${CHROMIUM}; CHROMIUM_PATH names another` : false;

const now = summariseRun(sampleRuns['two arms']!.run);
const history = sampleHistory(now, { count: 13, metric: 'requestsPerSec', atLevel: 5, factor: 1.1 });

/** Of a recorded run by its name, or of several runs. */
export function reportOf(sample: string): Report {
  switch (sample) {
    case 'a history':
      return buildHistoryReport([history[0]!, ...history.slice(1), now]);
    case 'a gate with a history': {
      const trends = findTrendsUpTo(now, history);
      const result = gateRun(history[0]!, now, { minEffect: 0.05 });
      return buildGateReport({ before: history[0]!, after: now, result, trends });
    }
    default:
      return buildReport({ ...sampleOf(sample), charts, sweepCharts });
  }
}

function sampleOf(sample: string) {
  return (sampleRuns[sample] ?? sampleSweeps[sample])!;
}

interface OpenedReport {
  page: Page;
  report: Report;
  requests: string[];
  complaints: string[];
  url: string;
}

/** A browser with one tab, and a folder for its pages. */
export class ReportBrowser {
  readonly #browser: Browser;
  readonly #page: Page;
  /** Of the report that is open. */
  #requests: string[] = [];
  #complaints: string[] = [];
  /** Pages that were written, by sample: what takes long is to draw them. */
  readonly #written = new Map<string, Promise<{ report: Report; url: string }>>();
  readonly #folder = mkdtempSync(join(tmpdir(), 'conntax-page-'));

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
    page.on('request', request => this.#requests.push(request.url()));
    page.on('console', message => this.#complaints.push(message.text()));
    page.on('pageerror', error => this.#complaints.push(error.message));
    page.on('dialog', dialog => {
      this.#complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  static async launch(): Promise<ReportBrowser> {
    const args = [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
    ];
    const browser = await chromium.launch({ executablePath: CHROMIUM, args });
    return new ReportBrowser(browser, await browser.newPage());
  }

  /** Writes the page as it is stored, and opens it from disk at 1280 px, instead of the one before: a tab of its own takes processes. */
  async open(sample: string): Promise<OpenedReport> {
    const writing = this.#written.get(sample) ?? this.#write(sample);
    this.#written.set(sample, writing);
    const { report, url } = await writing;
    const page = this.#page;
    await page.mouse.move(0, 0);
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.emulateMedia({ colorScheme: 'light' });
    const requests: string[] = [];
    const complaints: string[] = [];
    this.#requests = requests;
    this.#complaints = complaints;
    await page.goto(url);
    return { page, report, requests, complaints, url };
  }

  async #write(sample: string): Promise<{ report: Report; url: string }> {
    const report = reportOf(sample);
    const file = join(this.#folder, `${sample.replaceAll(' ', '-')}.html`);
    const isRun = report.cells.length > 0;
    const measured = isRun ? { measured: sampleOf(sample) } : {};
    writeFileSync(file, await format.render(report, { hasColour: false, columns: 100, ...measured }));
    return { report, url: pathToFileURL(file).href };
  }

  async close(): Promise<void> {
    await this.#browser.close();
    rmSync(this.#folder, { recursive: true });
  }
}

interface Inspection {
  pictures: { label: string; width: number; height: number; right: number; marks: number }[];
  /** Labels within one picture that cover each other, or reach out of it. */
  overlaps: string[];
  scrollWidth: number;
  tables: number;
  leastContrast: { ratio: number; text: string };
}

/** Runs in the page: a string, because this project's types know no browser. */
const INSPECT = `(() => {
  const pictures = [...document.querySelectorAll('.picture svg')].filter(svg => svg.checkVisibility() && svg.getBoundingClientRect().width > 0);
  const isShown = text => Number(text.getAttribute('opacity') ?? 1) > 0 && text.textContent.trim() !== '';
  const overlaps = [];
  for (const svg of pictures) {
    const frame = svg.getBoundingClientRect();
    const labels = [...svg.querySelectorAll('text')].filter(isShown).map(text => ({ words: text.textContent, box: text.getBoundingClientRect() }));
    for (const [index, { words, box }] of labels.entries()) {
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1) overlaps.push(words + ' is cut off');
      for (const other of labels.slice(index + 1)) {
        const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
        const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
        if (across > 1 && down > 3) overlaps.push(words + ' / ' + other.words);
      }
    }
  }
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = colour => {
    const [r, g, b] = channels(colour).slice(0, 3).map(value => value / 255).map(value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = element => {
    for (let at = element; at; at = at.parentElement) {
      const ground = getComputedStyle(at).backgroundColor;
      if (channels(ground)[3] !== 0) return ground;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = [...document.querySelectorAll('h1, h2, h3, p, li, th, td, dt, dd, summary, button, .pill, .unit, svg text')].filter(element => element.getClientRects().length > 0);
  const contrasts = texts.map(element => {
    const style = getComputedStyle(element);
    const [a, b] = [luminance(element.closest('svg') ? style.fill : style.color), luminance(groundOf(element))];
    return { ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), text: element.textContent.slice(0, 60) };
  });
  return {
    pictures: pictures.map(svg => {
      const { width, height, right } = svg.getBoundingClientRect();
      return { label: svg.getAttribute('aria-label'), width, height, right, marks: svg.querySelectorAll('[data-tip]').length };
    }),
    overlaps,
    scrollWidth: document.documentElement.scrollWidth,
    tables: document.querySelectorAll('table').length,
    leastContrast: contrasts.reduce((least, contrast) => contrast.ratio < least.ratio ? contrast : least),
  };
})()`;

/** Pictures, colliding labels, width, contrast. */
export function inspectPage(page: Page): Promise<Inspection> {
  return page.evaluate<Inspection>(INSPECT);
}
