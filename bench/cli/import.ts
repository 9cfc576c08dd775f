// The `import` command: stores the report of another load generator as a run, and shows it.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../results/errors.ts';
import { readTextFile } from '../../results/files.ts';
import { createRandom } from '../../results/random.ts';
import { latencyLog } from '../../results/run-clock.ts';
import { newRunId, openRunStore, RUNS_FOLDER } from '../../results/store.ts';
import { importArtilleryReport } from '../import/artillery.ts';
import type { Context } from './context.ts';
import { exitStatusOf } from './exit-status.ts';
import { announcePage, PAGE_FILE, type ReportOptions, render } from './report.ts';

/** @returns the exit status. @throws UsageError, MeasureError when the run cannot be stored */
export async function importCommand(file: string, options: ReportOptions, context: Context): Promise<number> {
  const { output } = context;
  const text = readTextFile(file);
  if (text === undefined) throw new UsageError(`${file} does not exist; expected: a report of Artillery`);
  const { run, trials } = importArtilleryReport(text, {
    file,
    command: ['conntax', ...context.argv],
    // The same report has the same name, so that it is never stored as two runs.
    idOf: startedAt => newRunId(startedAt, createRandom(0, createHash('sha256').update(text).digest('hex'))),
  });
  if (existsSync(join(options.results, RUNS_FOLDER, run.id)))
    throw new UsageError(`${file} was imported before, as ${run.id}: conntax report ${run.id} shows it`);
  const store = openRunStore(options.results, run.id);
  try {
    for (const trial of trials) store.appendTrial(trial);
    const { files, shown } = await render({ run, trials }, options, context);
    output.out(shown);
    store.finish({ run, files: [...files, { name: 'latency.hlog', content: latencyLog(trials, run) }] });
  } catch (error) {
    store.discard();
    throw error;
  } finally {
    store.close();
  }
  output.note(`Imported as ${run.id}`);
  await announcePage(join(store.dir, PAGE_FILE), options, context);
  return exitStatusOf(run);
}
