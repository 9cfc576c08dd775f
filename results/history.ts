// In: a run's figures. Out: a line more in the history of all runs; and that history, read back.
import { join } from 'node:path';
import { UsageError } from './errors.ts';
import { readText, replaceFile } from './files.ts';
import { RunSummary } from './run-summary.ts';

const FILE = 'history.ndjson';

/** Adds a run; one that is there already is not added twice. The file is replaced as a whole, so that it is never half written. */
export function appendHistory(resultsDir: string, summary: RunSummary): void {
  const history = readHistory(resultsDir);
  if (history.some(({ runId }) => runId === summary.runId)) return;
  const lines = [...history, summary].map(one => `${JSON.stringify(one)}\n`);
  replaceFile(join(resultsDir, FILE), lines.join(''));
}

/** All runs, oldest first; none where there is no file. @throws UsageError naming the line that is not ours. */
export function readHistory(resultsDir: string): RunSummary[] {
  const file = join(resultsDir, FILE);
  const lines = (readText(file) ?? '').split('\n');
  const runs = lines.flatMap((line, index) =>
    line === '' ? [] : [parseLine(line, `${file}, line ${index + 1}`)],
  );
  return runs.sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
}

function parseLine(line: string, place: string): RunSummary {
  try {
    return RunSummary.parse(JSON.parse(line));
  } catch {
    throw new UsageError(`${place} is no run of conntax: remove the line, or the file`);
  }
}
