// Runs conntax, also against the server of a witness, and puts its figures beside those of the witness.
import { execFile } from 'node:child_process';
import { mkdtemp, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { summariseArms } from '../../../results/compare.ts';
import type { Run } from '../../../results/model/run.ts';
import type { CompletedTrial, TrialResult } from '../../../results/model/trial.ts';
import type { ScenarioInput } from '../../../scenarios/model/scenario.ts';
import { storedRuns } from '../../e2e/testing/workspace.ts';
import { countAccepted, type Figures, figuresOf, inWindows, type Seen, type Server } from './witnesses.ts';

const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const LIMIT_MS = 180_000;
/** The file of an authority, beside the scenario. */
const AUTHORITY = 'ca.pem';

interface Folder extends AsyncDisposable {
  /** Where logging clients write to. */
  logDir: string;
  /** To a file with its name. */
  writeScenario(settings: Settings): Promise<void>;
  /** For a server with TLS. */
  writeAuthority(pem: string): Promise<void>;
  conntax(...args: string[]): Promise<{ status: number; text: string }>;
  /** What the last run has stored. */
  last(): { run: Run; trials: TrialResult[] } | undefined;
}

/** A folder in which conntax is run; it is gone afterwards. */
export async function openFolder(): Promise<Folder> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'conntax-truth-'));
  const dir = folder.path;
  return {
    logDir: await mkdtemp(join(dir, 'logs-')),
    writeScenario(settings) {
      const scenario = scenarioOf(settings);
      return writeFile(join(dir, `${scenario.name}.json`), JSON.stringify(scenario));
    },
    writeAuthority: pem => writeFile(join(dir, AUTHORITY), pem),
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
    [Symbol.asyncDispose]: folder.remove,
  };
}

export interface Measured {
  run: Run;
  trials: TrialResult[];
  /** What clients logged, a process each, by the name of their arm in the order of replicates. */
  logs: Map<string, Seen[][]>;
  /** What it printed. */
  text: string;
}

/** @param settingsOf is given the folder that logging clients write to */
export async function runConntax(
  settingsOf: (logDir: string) => Settings,
  caPem?: string,
): Promise<Measured> {
  await using folder = await openFolder();
  const { logDir, writeScenario, writeAuthority, conntax, last } = folder;
  if (caPem !== undefined) await writeAuthority(caPem);
  await writeScenario(settingsOf(logDir));
  // A run whose figures are marked ends with another status than 0, and is read all the same.
  const { text } = await conntax('run', './truth.json');
  const stored = last();
  if (stored === undefined) throw new Error(`nothing was measured:\n${text}`);
  return { ...stored, logs: await readLogs(logDir), text };
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

/** A figure of conntax beside that of a witness. */
export interface Line {
  figure: string;
  conntax: number;
  witness: number;
  /** Who the witness is. */
  by: string;
  /** By which share the two may differ. */
  within: number;
  /** The interval of the figure, where that has to hold the witness's instead. */
  interval?: { low: number; high: number } | null;
  /** What the report says against the figure; none: nothing. */
  marks: readonly string[];
}

/** A set of figures, by how they are measured. */
export interface Row {
  name: string;
  measure: () => Promise<Line[]>;
}

export type Verdict = 'right' | 'marked' | 'WRONG';

export function verdictOf({ conntax, witness, within, interval, marks }: Line): Verdict {
  const isRight =
    interval === undefined || interval === null
      ? Math.abs(conntax - witness) <= within * Math.abs(witness)
      : interval.low <= witness && witness <= interval.high;
  if (isRight) return 'right';
  return marks.length > 0 ? 'marked' : 'WRONG';
}

export const USERS = 20;
export const ARM = 'arm';
export const WITHIN = 0.02;
const WITHIN_P999 = 0.05;

/**
 * The figures of the arm's times, beside a witness's. `service`: from when a request was sent, for a witness that does not know
 * when it was due; in a closed load that is the response time.
 */
export function latencyLines(
  measured: Measured,
  witness: Partial<Figures>,
  by: string,
  { marks = marksOf(measured, ARM), of = 'service' }: { marks?: string[]; of?: 'service' | 'response' } = {},
): Line[] {
  const [trial] = completedOf(measured, ARM);
  const { censored, [of]: times } = trial!.measurement;
  const rows: [string, number, number | undefined, number][] = [
    ['mean', times.meanUs, witness.meanMs, WITHIN],
    ['p50', times.p50Us, witness.p50Ms, WITHIN],
    ['p99', times.p99Us, witness.p99Ms, WITHIN],
    ['p99.9', times.p999Us, witness.p999Ms, WITHIN_P999],
  ];
  return rows.flatMap(([name, us, ms, within]) => {
    if (ms === undefined) return [];
    const isBound = censored !== null && (name === 'mean' || us >= censored.leastUs);
    return [
      {
        figure: `${of === 'response' ? 'from due, ' : ''}${name}, ms`,
        conntax: us / 1_000,
        witness: ms,
        by,
        within,
        marks: isBound ? [...marks, '≥'] : marks,
      },
    ];
  });
}

export function rateLine(measured: Measured, perSec: number, by: string, within = WITHIN): Line {
  const conntax = summariseArms(measured.trials).find(({ arm }) => arm === ARM)!.requestsPerSec?.value ?? 0;
  return {
    figure: 'requests/s',
    conntax,
    witness: perSec,
    by,
    within,
    marks: marksOf(measured, ARM),
  };
}

/**
 * @param counts of those who count connections; undefined: does not
 * @param asked how many of them asked the server something before the run
 */
function connectionLines(
  measured: Measured,
  counts: { server: number | undefined; kernel: number | undefined },
  asked: number,
): Line[] {
  const conntax = completedOf(measured, ARM).reduce(
    (sum, { measurement }) => sum + measurement.ledger.opened,
    0,
  );
  const marks = marksOf(measured, ARM);
  return Object.entries(counts).flatMap(([by, count]) =>
    count === undefined
      ? []
      : [{ figure: 'connections', conntax, witness: count - asked, by, within: 0, marks }],
  );
}

/** Of a closed load, by the times of its requests, or from one request to the next on a connection, as the server saw them. */
export function serverLines(measured: Measured, requests: readonly Seen[]): Line[] {
  const witness = figuresOf(requests);
  return [
    rateLine(measured, (USERS * 1_000) / witness.meanMs, 'users / mean of server'),
    ...latencyLines(measured, witness, 'server'),
  ];
}

/** What has to be so: a number that is exact. */
export function exactLine(figure: string, conntax: number, witness: number, by = 'what was asked for'): Line {
  return { figure, conntax, witness, by, within: 0, marks: [] };
}

export type Clients = NonNullable<ScenarioInput['clients']>;
type Timing = NonNullable<ScenarioInput['timing']>;

export const POOL = { maxConnections: USERS, idleTimeoutMs: 60_000 };
export const LOGGING = fileURLToPath(new URL('./logging-client.ts', import.meta.url));
const TIMING = { warmupMinMs: 500, warmupMaxMs: 1_000, measureMs: 8_000, budgetMs: 60_000 };
const ONCE = { minReplicates: 1, maxReplicates: 1 };

/** @param more settings over those of one replicate of 8 s */
export function timing(more: Timing = {}): Timing {
  return { ...TIMING, ...ONCE, ...more };
}

type Settings = Partial<ScenarioInput> & { clients: Clients };

function scenarioOf(settings: Settings): ScenarioInput & { name: string } {
  return {
    name: 'truth',
    question: 'Is each figure what an independent witness says?',
    baseline: Object.keys(settings.clients)[0]!,
    load: { concurrency: USERS },
    timing: timing(),
    ...settings,
  };
}

/** A client that logs; it supports no other setting of a pool than this one. */
export function loggingClient(
  options: Record<string, string | number | boolean>,
  maxConnections = USERS,
): Clients[string] {
  return { transport: LOGGING, pool: { maxConnections }, options };
}

export function targetOf(
  { url, caPem }: Server,
  protocol: 'http1' | 'h2' = 'http1',
): ScenarioInput['target'] {
  return { url, protocol, ...(caPem === undefined ? {} : { caFile: `./${AUTHORITY}` }) };
}

/** Runs conntax against the server of a witness, while server and kernel count connections. */
export async function measureAgainst(
  server: Server,
  settingsOf: (logDir: string) => Settings,
  protocol?: 'http1' | 'h2',
): Promise<{ measured: Measured; log: Seen[]; connections: Line[] }> {
  const target = targetOf(server, protocol);
  const { result: measured, accepted: kernel } = await countAccepted(() =>
    runConntax(logDir => ({ target, ...settingsOf(logDir) }), server.caPem),
  );
  // Over TLS, one more connection asks for versions and protocols before the run.
  const asked = server.caPem === undefined ? 1 : 2;
  const connections = connectionLines(measured, { server: await server.accepted(), kernel }, asked);
  // The first asks whether the server is there.
  return { measured, log: (await server.read()).slice(1), connections };
}

/** The requests of the arm's windows, by the log of its client in a run of one replicate. */
export function loggedInWindows(measured: Measured, arm = ARM): { found: Seen[]; offBy: number } {
  const [trial] = completedOf(measured, arm);
  if (trial === undefined) throw new Error(`no trial of ${arm} was completed:\n${measured.text}`);
  return inWindows(measured.logs.get(arm)!.at(-1)!, trial.measurement.slices);
}
