// In: a scenario. Out: what the command line makes of it, in a folder of its own that is gone afterwards.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Run } from '../../core/run-types.ts';
import type { ScenarioInput } from '../../core/scenario.ts';
import type { CompletedTrial, TrialResult } from '../../core/types.ts';
import { storedRuns } from '../../e2e/testing/workspace.ts';
import type { Seen } from './protocol.ts';

const CLI = fileURLToPath(new URL('../../cli.ts', import.meta.url));
const LIMIT_MS = 180_000;

export interface Measured {
  run: Run;
  trials: TrialResult[];
  /** The logs of the clients that wrote one, a process each. */
  logs: Seen[][];
}

/** @param scenarioOf is given the folder that logging clients write to */
export async function runConntax(scenarioOf: (logDir: string) => ScenarioInput): Promise<Measured> {
  const dir = await mkdtemp(join(tmpdir(), 'conntax-truth-'));
  try {
    const logDir = await mkdtemp(join(dir, 'logs-'));
    await writeFile(join(dir, 'truth.json'), JSON.stringify(scenarioOf(logDir)));
    // A run whose figures are marked ends with another status than 0, and is read all the same.
    const said = await new Promise<string>(resolve => {
      const args = [CLI, 'run', './truth.json'];
      execFile(process.execPath, args, { cwd: dir, timeout: LIMIT_MS }, (_, stdout, stderr) =>
        resolve(stdout + stderr),
      );
    });
    const [stored] = storedRuns(join(dir, 'results'));
    if (stored?.run === undefined) throw new Error(`nothing was measured:\n${said}`);
    const files = await readdir(logDir);
    const logs = await Promise.all(
      files.map(async file => JSON.parse(await readFile(join(logDir, file), 'utf8')) as Seen[]),
    );
    return { run: stored.run, trials: stored.trials, logs };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
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
