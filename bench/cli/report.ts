// The `report` command, and what other commands do with a report: render it in the formats, store its files, open its page.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildReport } from '../../report/build.ts';
import type { Chart, SweepChart } from '../../report/charts/chart.ts';
import type { Format, SideFile } from '../../report/formats/format.ts';
import type { Report } from '../../report/model.ts';
import { replaceFile } from '../../results/files.ts';
import type { MeasuredRun } from '../../results/page-data.ts';
import { readRun, type StoredRun } from '../../results/store.ts';
import { loadPlugins } from '../plan/read-scenarios.ts';
import type { CommonOptions, Context, Plugins } from './context.ts';

/** The page among the files of a run. */
export const PAGE_FILE = 'report.html';

interface File {
  name: string;
  content: string;
}

export interface Rendering {
  /** Files for the run's folder. */
  files: File[];
  report: Report;
  markdown: string;
  /** For the terminal, or JSON. */
  shown: string;
}

/** What is measured, as every format shows it. */
async function buildFrom({ run, trials }: MeasuredRun, plugins: Plugins): Promise<Report> {
  const charts = await loadPlugins<Chart>(plugins.charts);
  const sweepCharts = await loadPlugins<SweepChart>(plugins.sweepCharts);
  return buildReport({
    run,
    trials,
    charts: Object.values(charts),
    sweepCharts: Object.values(sweepCharts),
  });
}

/**
 * Renders a run in every format.
 * @param next what a reader may do next: sentences
 */
export async function render(
  { run, trials }: MeasuredRun,
  { json = false, verbose = false }: CommonOptions,
  { plugins, output: { hasColour, columns } }: Pick<Context, 'plugins' | 'output'>,
  next: readonly string[] = [],
): Promise<Rendering> {
  const report = await buildFrom({ run, trials }, plugins);
  const formats = await loadPlugins<Format>(plugins.formats);
  const outputs = await loadPlugins<SideFile>(plugins.outputs);
  const options = { hasColour, columns, isBrief: !verbose, next, measured: { run, trials } };
  const texts: Record<string, string> = {};
  const files: File[] = [];
  for (const [name, format] of Object.entries(formats)) {
    const content = await format.render(report, options);
    texts[name] = content;
    if (format.fileName !== undefined) files.push({ name: format.fileName, content });
  }
  for (const output of Object.values(outputs))
    files.push({ name: output.fileName, content: await output.render({ run, trials, report }) });
  return { files, report, markdown: texts['markdown']!, shown: texts[json ? 'json' : 'terminal']! };
}

/** The page alone, as it would be stored. */
export async function renderPage(
  measured: MeasuredRun,
  { plugins, output: { columns } }: Pick<Context, 'plugins' | 'output'>,
): Promise<string> {
  const report = await buildFrom(measured, plugins);
  const { html } = await loadPlugins<Format>(plugins.formats);
  return html!.render(report, { hasColour: false, columns, measured });
}

/** A report that is not of one run, for the terminal or as JSON, and for files. */
export async function renderReport(
  report: Report,
  { json = false, verbose = false }: CommonOptions,
  { plugins, output: { hasColour, columns } }: Pick<Context, 'plugins' | 'output'>,
): Promise<{ shown: string; markdown: string; html: string }> {
  const formats = await loadPlugins<Format>(plugins.formats);
  const options = { hasColour, columns, isBrief: !verbose };
  const [shown, markdown, html] = await Promise.all(
    [json ? 'json' : 'terminal', 'markdown', 'html'].map(name => formats[name]!.render(report, options)),
  );
  return { shown: shown!, markdown: markdown!, html: html! };
}

/**
 * Writes files to the folder of a stored run, and says where the page among them is. Of a run that was read from its page nothing is
 * written: a page from elsewhere may lie anywhere, where nobody expects further files.
 */
export async function storeFiles(
  { dir, isPage }: Pick<StoredRun, 'dir' | 'isPage'>,
  { files, page }: { files: readonly File[]; page: string },
  options: CommonOptions,
  context: Context,
): Promise<void> {
  if (isPage) {
    context.output.note(
      `Read from its page; no file was written${options.open ? ', so there is none to open' : ''}.`,
    );
    return;
  }
  for (const { name, content } of files) replaceFile(join(dir, name), content);
  await announcePage(join(dir, page), options, context);
}

export interface ReportOptions extends CommonOptions {
  results: string;
}

/** Renders a stored run again. Succeeds also for a partial or invalid run: the report says so. */
export async function reportCommand(
  ref: string | undefined,
  options: ReportOptions,
  context: Context,
): Promise<void> {
  const { output } = context;
  const stored = readRun(options.results, ref);
  if (stored.isTorn) output.note('The last trial of this run is incomplete on disk and was skipped.');
  const { files, shown } = await render(stored, options, context);
  output.out(shown);
  await storeFiles(stored, { files, page: PAGE_FILE }, options, context);
}

/** One that runs on without a failure has opened something. */
const PATIENCE_MS = 3_000;

function openerOf(platform: NodeJS.Platform): [command: string, ...args: string[]] {
  switch (platform) {
    case 'darwin':
      return ['open'];
    case 'win32':
      // `start` takes the first quoted argument for a title.
      return ['cmd', '/c', 'start', '""'];
    default:
      return ['xdg-open'];
  }
}

/**
 * Opens an address. The browser is the user's own program and is left running.
 *
 * @returns why it could not be opened; undefined when it was
 */
async function openAddress(address: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const [command, ...args] = openerOf(process.platform);
  const child = spawn(command, [...args, address], { env, stdio: 'ignore', detached: true });
  child.unref();
  try {
    const [status] = (await once(child, 'exit', { signal: AbortSignal.timeout(PATIENCE_MS) })) as [
      number | null,
    ];
    return status === 0 ? undefined : `${command} failed`;
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return undefined;
    return `${command} could not be started`;
  }
}

/** Prints where a page is stored, as the last line of a command; with `--open` shows it. */
export async function announcePage(
  file: string,
  { open = false }: CommonOptions,
  { output, env }: Pick<Context, 'output' | 'env'>,
): Promise<void> {
  if (open) await showAddress(pathToFileURL(resolve(file)).href, { output, env });
  output.note(`Report: ${file}`);
}

/** Opens an address, or says that it could not be opened. */
export async function showAddress(
  address: string,
  { output, env }: Pick<Context, 'output' | 'env'>,
): Promise<void> {
  const problem = await openAddress(address, env);
  if (problem !== undefined) output.note(`No browser was opened (${problem}). The page is at ${address}`);
}
