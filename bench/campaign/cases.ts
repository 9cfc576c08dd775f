// Runs the cases of the campaign, judges how each ended and what it left on disk, and counts what was found wrong by kind.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Table from 'cli-table3';
import type { Run } from '../../results/model/run.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import type { Random } from '../../results/random.ts';
import { sumOf } from '../../results/stats.ts';
import { LATEST_FILE, RUN_FILE, RUNS_FOLDER, readRun, TRIALS_FILE } from '../../results/store.ts';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { type CliResult, CONNTAX, type RunningCli, type Scope, startProgram } from '../e2e/testing/cli.ts';
import { RUN_FILES } from '../e2e/testing/workspace.ts';

/** Every kind that is counted; all of them have to be zero. */
const DEFECTS = ['orphans', 'halfWritten', 'stacks', 'wrongStatus', 'hangs', 'unmarked'] as const;
type Defect = (typeof DEFECTS)[number];

/** One thing that is wrong. */
export interface Finding {
  defect: Defect;
  detail: string;
}

/** What one part of the campaign has found: cases tried, a number for each kind of defect, and some of them in words. */
export interface Counts {
  tried: number;
  examples: readonly string[];
  [defect: string]: number | readonly string[];
}

const MAX_EXAMPLES = 20;

/** @param cases by name; a name says how to see the case again */
export function countFindings(cases: ReadonlyMap<string, readonly Finding[]>): Counts {
  const all = [...cases].flatMap(([name, findings]) => findings.map(finding => ({ name, ...finding })));
  return {
    tried: cases.size,
    ...Object.fromEntries(DEFECTS.map(kind => [kind, all.filter(({ defect }) => defect === kind).length])),
    examples: all.slice(0, MAX_EXAMPLES).map(({ name, defect, detail }) => `${name}: ${defect}: ${detail}`),
  };
}

function defectsOf({ tried, examples, ...defects }: Counts): [string, number][] {
  return Object.entries(defects).map(([name, value]) => [name, Number(value)]);
}

export function isClean(counts: Counts): boolean {
  return defectsOf(counts).every(([, count]) => count === 0);
}

/** One line a part: how many cases, and each kind of defect. */
export function formatCounts(parts: ReadonlyMap<string, Counts>): string {
  const table = new Table({ head: ['part', 'tried', 'defects'], style: { head: [], border: [] } });
  for (const [name, counts] of parts) {
    const words = defectsOf(counts).map(([defect, count]) => `${defect} ${count}`);
    table.push([name, counts.tried, words.join(', ')]);
  }
  return table.toString();
}

export interface PartOptions {
  seed: number;
  /** The first case: with the same seed a case has the same number in every piece of a part. */
  from: number;
  /** How many cases. */
  count: number;
  /** How many cases run side by side, in parts whose cases are runs; no case depends on how fast the machine is. */
  atOnce: number;
  say: (line: string) => void;
}

/** Does at the end of a case what was registered with it, the last first. */
export class CaseScope implements Scope, AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();

  after(act: () => unknown): void {
    this.#stack.defer(async () => void (await act()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

const LONGEST_RUN_MS = 120_000;

export interface Case {
  scenario: ScenarioInput;
  /** What stands before the command, such as `prlimit --nofile=70`. */
  wrapper?: readonly string[];
  /** Options of the parent's own node. */
  nodeOptions?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Options beside the scenario and the seed. */
  words?: readonly string[];
  /** What happens meanwhile; a run that is over before it came to that is a case as well. */
  meanwhile?(cli: RunningCli, dir: string): Promise<void>;
}

export interface CaseResult {
  /** Of the case, where `results` is; gone when `inspect` has returned. */
  dir: string;
  ended: CliResult;
}

/** Runs conntax once in a folder of its own, and hands what is left of it to `inspect`. */
export async function runCase(
  { scenario, wrapper = [], nodeOptions = [], env = {}, words = [], meanwhile }: Case,
  inspect: (result: CaseResult) => Finding[],
): Promise<Finding[]> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'conntax-campaign-'));
  await using scope = new CaseScope();
  const dir = folder.path;
  await writeFile(join(dir, 'tiny.json'), JSON.stringify(scenario));
  const [node, ...main] = CONNTAX;
  const command = [...wrapper, node!, ...nodeOptions, ...main, 'run', './tiny.json', '--seed', '1', ...words];
  const cli = startProgram(scope, command, { cwd: dir, env });
  const doing = meanwhile?.(cli, dir).catch(() => {}); // it ended before
  const giveUp = new AbortController();
  const outcome = await Promise.race<CliResult | Finding>([
    cli.result.catch(
      (error: unknown): Finding => ({ defect: 'orphans', detail: String(error).slice(0, 500) }),
    ),
    delay(LONGEST_RUN_MS, undefined, { signal: giveUp.signal }).then(
      (): Finding => ({
        defect: 'hangs',
        detail: cli.stderr().slice(-500),
      }),
    ),
  ]);
  giveUp.abort();
  await doing;
  return 'defect' in outcome ? [outcome] : inspect({ dir, ended: outcome });
}

/** Runs cases, several at a time, and prints each with what was found. */
export async function runAll<T extends { name: string }>(
  cases: readonly T[],
  run: (one: T) => Promise<Finding[]>,
  { atOnce, say }: { atOnce: number; say: (line: string) => void },
): Promise<Map<string, readonly Finding[]>> {
  const found = new Map<string, readonly Finding[]>();
  const queue = cases.values();
  async function work(): Promise<void> {
    for (const one of queue) {
      const findings = await run(one);
      found.set(one.name, findings);
      const words = findings.map(({ defect, detail }) => `${defect}: ${detail}`).join('; ');
      say(`${found.size}/${cases.length} ${one.name}: ${words || 'fine'}`);
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work));
  return found;
}

/** For how long a process is stopped. */
export function drawStopMs(random: Random): number {
  return Math.round(50 + random() * 1_450);
}

const STACK = /^ +at .*(?:file:|node:|\.ts:\d)|internal error|Unhandled|uncaught/im;

export function judgeEnd(
  { status, stdout, stderr }: CliResult,
  right: readonly (number | null)[],
): Finding[] {
  const findings: Finding[] = [];
  if (!right.includes(status)) {
    const last = stderr.trim().split('\n').slice(-3).join(' | ');
    findings.push({ defect: 'wrongStatus', detail: `${status}, not ${right.join(' or ')}: ${last}` });
  }
  const text = `${stdout}\n${stderr}`;
  const at = text.search(STACK);
  if (at >= 0) findings.push({ defect: 'stacks', detail: text.slice(Math.max(0, at - 300), at + 200) });
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
    : [`latest names ${id}, which is not a whole run`];
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
  const open = sumOf(ledgers, ({ unfinished }) => unfinished);
  const compare = (what: string, reported: number, logged: number): Finding[] => {
    if (reported <= logged && logged <= reported + open) return [];
    const detail = `${what}: ${reported} reported, ${logged} logged, ${open} unfinished`;
    return [{ defect: 'unmarked', detail }];
  };
  const answered = sumOf(ledgers, ledger => ledger.answered);
  const failed = sumOf(ledgers, ledger => ledger.failed);
  return [...compare('answers', answered, served.good - asked), ...compare('errors', failed, served.bad)];
}
