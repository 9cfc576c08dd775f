// Opens the reports of recorded runs in Chromium, and notes what the page requests and complains of.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { summariseRun } from '../../../results/baselines.ts';
import { gateRun } from '../../../results/gate.ts';
import { findTrendsUpTo } from '../../../results/history.ts';
import { sampleHistory } from '../../../results/testing/sample-history.ts';
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

export interface OpenedReport {
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
