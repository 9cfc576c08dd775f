// In: how a run ended, and what it left on disk. Out: what is wrong with that. The case says which ends are right.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '../../results/model/run.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import { LATEST_FILE, RUN_FILE, RUNS_FOLDER, readRun, TRIALS_FILE } from '../../results/store.ts';
import { RUN_FILES } from '../e2e/testing/workspace.ts';
import type { Finding } from './counts.ts';

export interface Ended {
  /** null when a signal ended it. */
  status: number | null;
  stdout: string;
  stderr: string;
}

const STACK = /^ +at .*(?:file:|node:|\.ts:\d)|internal error|Unhandled|uncaught/im;

export function judgeEnd({ status, stdout, stderr }: Ended, right: readonly (number | null)[]): Finding[] {
  const findings: Finding[] = [];
  if (!right.includes(status)) {
    const last = stderr.trim().split('\n').slice(-3).join(' | ');
    findings.push({ defect: 'wrongStatus', detail: `${status}, not ${right.join(' or ')}: ${last}` });
  }
  const stack = STACK.exec(`${stdout}\n${stderr}`);
  if (stack !== null) {
    const text = `${stdout}\n${stderr}`;
    findings.push({
      defect: 'stacks',
      detail: text.slice(Math.max(0, stack.index - 300), stack.index + 200),
    });
  }
  return findings;
}

/**
 * Whether what is stored is whole.
 * @param isTearable whether the process was killed, so that it may have been in the middle of a line
 */
export function judgeFiles(results: string, { isTearable }: { isTearable: boolean }): Finding[] {
  const runs = join(results, RUNS_FOLDER);
  if (!existsSync(runs)) return [];
  const half = (detail: string): Finding => ({ defect: 'halfWritten', detail });
  const findings = readdirSync(runs).flatMap(id => {
    const dir = join(runs, id);
    const files = readdirSync(dir);
    const parts = isTearable ? [] : files.filter(name => name.endsWith('.part'));
    return [
      ...parts.map(name => half(`${name} was left`)),
      ...judgeTrials(dir, files, isTearable).map(half),
      ...judgeRun(results, id, files).map(half),
    ];
  });
  return [...findings, ...judgeLatest(results).map(half)];
}

function judgeTrials(dir: string, files: readonly string[], isTearable: boolean): string[] {
  if (!files.includes(TRIALS_FILE)) return [];
  const lines = readFileSync(join(dir, TRIALS_FILE), 'utf8').split('\n');
  const rest = lines.pop();
  const torn = rest === '' || isTearable ? [] : [`the last line of ${TRIALS_FILE} is not whole`];
  return [
    ...torn,
    ...lines.flatMap((line, index) =>
      isJson(line) ? [] : [`line ${index + 1} of ${TRIALS_FILE} is not JSON`],
    ),
  ];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A run.json says that everything else is there. */
function judgeRun(results: string, id: string, files: readonly string[]): string[] {
  if (!files.includes(RUN_FILE)) return [];
  const missing = RUN_FILES.filter(name => !files.includes(name));
  try {
    readRun(results, id);
  } catch (error) {
    return [`${id} cannot be read: ${String(error)}`];
  }
  return missing.length === 0 ? [] : [`${id} has no ${missing.join(', ')}`];
}

function judgeLatest(results: string): string[] {
  const path = join(results, LATEST_FILE);
  if (!existsSync(path)) return [];
  const id = readFileSync(path, 'utf8').trim();
  return existsSync(join(results, RUNS_FOLDER, id, RUN_FILE))
    ? []
    : [`latest names ${id}, which is no whole run`];
}

/** What a server has logged: requests that it answered in full, by what it answered. */
export interface Served {
  good: number;
  bad: number;
}

/** The run that was stored to its end; a killed process may have left the others torn. */
export function wholeRunId(results: string): string | undefined {
  const runs = join(results, RUNS_FOLDER);
  if (!existsSync(runs)) return undefined;
  return readdirSync(runs).find(id => existsSync(join(runs, id, RUN_FILE)));
}

/** Whether a run says itself that its figures are not to be relied on. */
export function isMarked({ state, cells }: Run): boolean {
  return (
    state !== 'complete' ||
    cells.some(
      ({ failedTrials, findings }) => failedTrials > 0 || findings.some(finding => finding.state === 'fail'),
    )
  );
}

/**
 * Whether the counts of a run that is not marked are those of the server's own log.
 * @param asked requests that conntax sent to learn of the server, before load
 */
export function judgeCounts(trials: readonly TrialResult[], served: Served, asked: number): Finding[] {
  const ledgers = trials.flatMap(trial => (trial.state === 'completed' ? [trial.measurement.ledger] : []));
  const sum = (read: (ledger: (typeof ledgers)[number]) => number): number =>
    ledgers.reduce((total, ledger) => total + read(ledger), 0);
  const open = sum(({ unfinished }) => unfinished);
  const compare = (what: string, reported: number, logged: number): Finding[] =>
    reported <= logged && logged <= reported + open
      ? []
      : [
          {
            defect: 'unmarked',
            detail: `${what}: ${reported} reported, ${logged} logged, ${open} unfinished`,
          },
        ];
  return [
    ...compare(
      'answers',
      sum(({ answered }) => answered),
      served.good - asked,
    ),
    ...compare(
      'errors',
      sum(({ failed }) => failed),
      served.bad,
    ),
  ];
}
