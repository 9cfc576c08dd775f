// Runs the command line once in a folder of its own, or many times side by side, and cleans up.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { CONNTAX, type RunningCli, type Scope, startProgram } from '../e2e/testing/cli.ts';
import type { Ended, Finding } from './verdict.ts';

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
  ended: Ended;
  findings: Finding[];
}

/** Runs the case, and hands what is left of it to `inspect`. */
export async function runCase(
  { scenario, wrapper = [], nodeOptions = [], env = {}, words: more = [], meanwhile }: Case,
  inspect: (result: CaseResult) => Finding[],
): Promise<Finding[]> {
  const cleanups: (() => unknown)[] = [];
  const scope: Scope = { after: act => cleanups.push(act) };
  const dir = await mkdtemp(join(tmpdir(), 'conntax-campaign-'));
  try {
    await writeFile(join(dir, 'tiny.json'), JSON.stringify(scenario));
    const [node, ...words] = CONNTAX;
    const command = [
      ...wrapper,
      node!,
      ...nodeOptions,
      ...words,
      'run',
      './tiny.json',
      '--seed',
      '1',
      ...more,
    ];
    const cli = startProgram(scope, command, { cwd: dir, env });
    const doing = meanwhile?.(cli, dir).catch(() => {}); // it ended before
    const giveUp = new AbortController();
    const ended = cli.result.then(
      (end): CaseResult => ({ dir, ended: end, findings: [] }),
      (error: unknown): CaseResult => ({
        dir,
        ended: { status: null, stdout: '', stderr: cli.stderr() },
        findings: [{ defect: 'orphans', detail: String(error).slice(0, 500) }],
      }),
    );
    const late = delay(LONGEST_RUN_MS, undefined, { signal: giveUp.signal }).then(
      (): CaseResult => ({
        dir,
        ended: { status: null, stdout: '', stderr: cli.stderr() },
        findings: [{ defect: 'hangs', detail: cli.stderr().slice(-500) }],
      }),
      () => undefined,
    );
    const result = (await Promise.race([ended, late]))!;
    giveUp.abort();
    await doing;
    return result.findings.length > 0 ? result.findings : inspect(result);
  } finally {
    for (const act of cleanups) await act();
    await rm(dir, { recursive: true, force: true });
  }
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
