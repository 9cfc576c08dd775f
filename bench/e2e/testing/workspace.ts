// A temporary folder with tiny scenarios for a test, and the runs stored in it.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Run } from '../../../results/model/run.ts';
import type { TrialResult } from '../../../results/model/trial.ts';
import type { ScenarioInput } from '../../../scenarios/model/scenario.ts';
import type { Scope } from './cli.ts';

/** What a run leaves in its folder, whenever it ends. */
export const RUN_FILES = [
  'comment.md',
  'junit.xml',
  'latency.hlog',
  'metrics.prom',
  'report.html',
  'report.md',
  'run.json',
  'trials.ndjson',
];

/** What a run has left on disk. run is undefined when there is no run.json. */
export interface StoredFolder {
  id: string;
  dir: string;
  files: string[];
  run: Run | undefined;
  trials: TrialResult[];
}

export interface Workspace {
  dir: string;
  /** Results folder, not made yet. */
  results: string;
  /** Writes a scenario file. Returns its path as a user would type it. */
  writeScenario(scenario: unknown, name?: string): Promise<string>;
  /** The only run that is stored. */
  onlyRun(): StoredFolder;
}

/**
 * A comparison that is over in about 2 s and means nothing. Nothing is warmed up: that would start every generator twice, once
 * for the target alone.
 */
export function tinyScenario(timing: ScenarioInput['timing'] = {}): ScenarioInput {
  return {
    name: 'tiny',
    question: 'Does it run?',
    // Users that ask again at once would take both cores.
    target: { behaviour: { name: 'delay', meanMs: 5 } },
    load: { concurrency: 4 },
    timing: {
      warmupMinMs: 0,
      warmupMaxMs: 0,
      measureMs: 200,
      sliceMs: 50,
      drainMs: 2_000,
      minReplicates: 1,
      maxReplicates: 1,
      budgetMs: 5_000,
      ...timing,
    },
    clients: { short: { requestsPerConnection: 1 }, persistent: { pool: { maxConnections: 4 } } },
    baseline: 'short',
  };
}

/** The same with one client, where nothing has to be compared: each is a process more, on each machine and in each replicate. */
export function soloScenario(timing: ScenarioInput['timing'] = {}): ScenarioInput {
  const { clients, ...scenario } = tinyScenario(timing);
  return { ...scenario, clients: { short: clients['short']! } };
}

/** The runs in a results folder, oldest first. Fails on a line of trials.ndjson that is not whole. */
export function storedRuns(results: string): StoredFolder[] {
  const folder = join(results, 'runs');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map(id => {
      const dir = join(folder, id);
      const files = readdirSync(dir).sort();
      const read = (name: string): string => readFileSync(join(dir, name), 'utf8');
      const lines = files.includes('trials.ndjson') ? read('trials.ndjson').split('\n') : [''];
      assert.equal(lines.pop(), '', 'the last line of trials.ndjson is whole');
      return {
        id,
        dir,
        files,
        run: files.includes('run.json') ? (JSON.parse(read('run.json')) as Run) : undefined,
        trials: lines.map(line => JSON.parse(line) as TrialResult),
      };
    });
}

export async function openWorkspace(t: Scope): Promise<Workspace> {
  const dir = await mkdtemp(join(tmpdir(), 'conntax-e2e-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const results = join(dir, 'results');
  return {
    dir,
    results,
    async writeScenario(scenario, name = 'tiny.json') {
      await writeFile(join(dir, name), typeof scenario === 'string' ? scenario : JSON.stringify(scenario));
      return `./${name}`;
    },
    onlyRun() {
      const runs = storedRuns(results);
      assert.equal(runs.length, 1, 'exactly one run is stored');
      return runs[0]!;
    },
  };
}
