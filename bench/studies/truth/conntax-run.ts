// Runs the command line of conntax in a folder of its own that is gone afterwards, and reads what it has stored.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Run } from '../../../results/model/run.ts';
import type { CompletedTrial, TrialResult } from '../../../results/model/trial.ts';
import type { ScenarioInput } from '../../../scenarios/model/scenario.ts';
import { storedRuns } from '../../e2e/testing/workspace.ts';
import type { Seen } from './protocol.ts';

const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const LIMIT_MS = 180_000;

export interface Folder {
  /** Where logging clients write to. */
  logDir: string;
  write(file: string, text: string): Promise<void>;
  conntax(...args: string[]): Promise<{ status: number; text: string }>;
  /** What the last run has stored. */
  last(): { run: Run; trials: TrialResult[] } | undefined;
}

export async function inFolder<T>(use: (folder: Folder) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'conntax-truth-'));
  try {
    return await use({
      logDir: await mkdtemp(join(dir, 'logs-')),
      write: (file, text) => writeFile(join(dir, file), text),
      conntax: (...args) =>
        new Promise(resolve => {
          const options = { cwd: dir, timeout: LIMIT_MS };
          const child = execFile(process.execPath, [CLI, ...args], options, (_, stdout, stderr) =>
            resolve({ status: child.exitCode ?? Number.NaN, text: stdout + stderr }),
          );
        }),
      last() {
        const stored = storedRuns(join(dir, 'results')).at(-1);
        return stored?.run === undefined ? undefined : { run: stored.run, trials: stored.trials };
      },
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export interface Measured {
  run: Run;
  trials: TrialResult[];
  /** What clients logged, a process each, by the name of their arm in the order of replicates. */
  logs: Map<string, Seen[][]>;
  status: number;
  /** What it printed. */
  text: string;
}

/** @param scenarioOf is given the folder that logging clients write to */
export function runConntax(
  scenarioOf: (logDir: string) => ScenarioInput,
  caPem: string | undefined,
): Promise<Measured> {
  return inFolder(async ({ logDir, write, conntax, last }) => {
    if (caPem !== undefined) await write('ca.pem', caPem);
    await write('truth.json', JSON.stringify(scenarioOf(logDir)));
    // A run whose figures are marked ends with another status than 0, and is read all the same.
    const { status, text } = await conntax('run', './truth.json');
    const stored = last();
    if (stored === undefined) throw new Error(`nothing was measured:\n${text}`);
    return { ...stored, logs: await readLogs(logDir), status, text };
  });
}

async function readLogs(logDir: string): Promise<Measured['logs']> {
  const files = await readdir(logDir);
  const read = await Promise.all(
    files.map(async file => ({
      arm: file.split('.')[0]!,
      seen: JSON.parse(await readFile(join(logDir, file), 'utf8')) as Seen[],
    })),
  );
  const ordered = read
    .filter(({ seen }) => seen.length > 0)
    .toSorted((a, b) => a.seen[0]!.startMs - b.seen[0]!.startMs);
  return new Map(
    [...Map.groupBy(ordered, ({ arm }) => arm)].map(([arm, logs]) => [arm, logs.map(({ seen }) => seen)]),
  );
}

export function completedOf({ trials }: Measured, arm: string): CompletedTrial[] {
  return trials.filter(trial => trial.state === 'completed').filter(({ trial }) => trial.arm === arm);
}

/** Audits that say that a time or a rate may be wrong. That others ran on the machine is not among them: it excuses everything. */
const MARKING = ['littles-law', 'slice-length', 'schedule', 'conservation', 'link'];
/** Where the witness is what was asked for, that holds on an idle machine only. */
export const MACHINE = ['contention', 'bottleneck'];

export function marksOf({ run, trials }: Measured, arm: string, more: readonly string[] = []): string[] {
  const marking = [...MARKING, ...more];
  const [cell] = run.cells;
  const failed = trials.filter(trial => trial.state === 'failed' && trial.trial.arm === arm);
  const found = (cell?.findings ?? []).filter(
    finding => finding.arm === arm && finding.state !== 'pass' && marking.includes(finding.rule),
  );
  return [...new Set([...found.map(({ rule }) => rule), ...failed.map(() => 'trial failed')])];
}
