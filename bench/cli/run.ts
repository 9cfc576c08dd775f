// The `run` command: plans, measures, stores and reports; the exit status reflects the result.
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describeFound, foreignRemarks } from '../../report/words/conditions.ts';
import { EXIT } from '../../results/errors.ts';
import { hdrLog } from '../../results/histogram.ts';
import type { CellResult, ForeignServer, Host, Run } from '../../results/model/run.ts';
import type { CompletedTrial, TrialResult } from '../../results/model/trial.ts';
import { createRandom } from '../../results/random.ts';
import { newRunId, openRunStore, type RunStore } from '../../results/store.ts';
import { type Variant, withNullArm } from '../../scenarios/model/sweep.ts';
import { prepareRequests } from '../clients/request.ts';
import {
  countSpareCores,
  leaveOutMissing,
  leaveOutUnreadable,
  type Plan,
  planRun,
  settleGenerators,
} from '../plan/plan.ts';
import { loadPlugins } from '../plan/read-scenarios.ts';
import { describeGit, describeHost } from '../probes/host.ts';
import type { RunEvent } from '../run/context.ts';
import { type FoundServer, findServers, locateServers } from '../run/external-server.ts';
import { checkPlan, requireFit } from '../run/preflight.ts';
import { rehearseServers } from '../run/rehearse.ts';
import { runPlan } from '../run/run.ts';
import { readScenarios } from '../run/scenario-questions.ts';
import { type CommonOptions, type Context, exitStatusOf } from './context.ts';
import { estimateLines, printPlan } from './dry-run.ts';
import { tellGithub } from './github.ts';
import type { LiveMetrics } from './live-metrics.ts';
import { createProgress, type Progress } from './progress.ts';
import { render } from './report.ts';

/** In a run's folder, with a folder for each scenario. */
const PROFILE_FOLDER = 'profiles';

/** Options of every command that measures. */
export interface MeasureOptions extends CommonOptions {
  results: string;
  /** Hosts beyond loopback that load may go to. */
  allowHost: readonly string[];
  dryRun?: boolean;
  seed?: number;
  /** Port that serves the metrics during the run; 0: any free port. */
  metricsPort?: number;
  /** CPU profiles and heap snapshots of clients and targets, taken after the figures. */
  profile?: boolean;
  /** An inconclusive expectation fails the run. */
  strict?: boolean;
  /** A failed expectation is re-measured before it counts; by default in CI only. */
  confirm?: boolean;
}

/** The seed given, or one from the clock. */
export function seedOf({ seed }: MeasureOptions, startedAt: Date): number {
  return seed ?? startedAt.getTime() % 2 ** 31;
}

/** What a command may say of a finished run. */
export interface Conclusion {
  run: Run;
  /** The external servers that were asked. */
  servers: readonly ForeignServer[];
}

interface Measuring {
  startedAt: Date;
  options: MeasureOptions;
  context: Context;
  /** Lines that follow the report on the terminal. */
  conclude?: ((conclusion: Conclusion) => string[]) | undefined;
}

/**
 * Measures a plan and stores the run; with `dryRun` only prints what it would do.
 *
 * @returns the exit status. @throws UsageError for a host that load may not be sent to; MeasureError when the machine does not fit
 * the plan, or an external server does not answer
 */
export async function measurePlan(
  planned: Plan,
  { startedAt, options, context, conclude }: Measuring,
): Promise<number> {
  const { output, plugins } = context;
  requireRequests(planned, context.env);
  const located = await locateServers(planned, options.allowHost, undefined, context.signal);
  const host = await describeHost();
  const plan = settleGenerators(planned, countSpareCores(host), await loadPlugins(plugins.transports));
  const checks = checkPlan(plan, host, located, options.allowHost);
  if (options.dryRun) {
    printPlan(plan, checks, options, output);
    requireFit(checks);
    return 0;
  }
  requireFit(checks);
  const isConfirming = options.confirm ?? Boolean(context.env['CI']);
  for (const line of estimateLines(plan, isConfirming)) output.note(line);
  for (const { state, sentence } of checks) if (state !== 'pass') output.note(`  ! ${sentence}`);
  const started = await rehearseServers(plan, {
    cpu: host.pinning?.targetCpu ?? null,
    signal: context.signal,
    onStart: (command, folder) =>
      output.note(`Starting once to see whether it answers: ${command} (${folder})`),
  });
  const asked = await findServers(located, context.signal);
  const answered = new Map<string, readonly FoundServer[]>(started);
  for (const [id, server] of asked) answered.set(id, [server]);
  noteServers(plan, answered, output);
  // The baseline's server is first.
  const servers = new Map([...answered].map(([id, [server]]) => [id, server!]));
  const measured = await withoutUnreadable(plan, servers, context);
  for (const line of leftOutLines(measured)) output.note(line);
  context.signal.throwIfAborted();
  const store = openRunStore(
    options.results,
    newRunId(startedAt, createRandom(plan.seed, 'run', startedAt.getTime())),
  );
  const progress = createProgress(output);
  const work: Work = {
    plan: measured,
    servers,
    host,
    store,
    progress,
    startedAt,
    isConfirming,
    options,
    context,
    conclude,
  };
  try {
    return await context.keep(() => measureAndReport(work), progress.say);
  } finally {
    store.close();
  }
}

/** @throws UsageError when a secret of a request is not in the environment, or the file of its body cannot be read */
function requireRequests({ cells }: Plan, env: Context['env']): void {
  for (const { scenario } of cells) prepareRequests(scenario, '/', env);
}

/** The plan without load tools that would miscount these servers' answers. */
async function withoutUnreadable(
  plan: Plan,
  servers: ReadonlyMap<string, FoundServer>,
  { plugins }: Context,
): Promise<Plan> {
  if (servers.size === 0) return plan;
  const facts = new Map(
    [...servers].map(([cell, { answers }]) => [cell, answers.map(answer => answer.facts)]),
  );
  return leaveOutUnreadable(plan, facts, await loadPlugins(plugins.transports));
}

/** Prints what each server that is not conntax's own answered, once. */
function noteServers(
  plan: Plan,
  servers: ReadonlyMap<string, readonly FoundServer[]>,
  output: Context['output'],
): void {
  const lines = plan.cells.flatMap(({ id, scenario }) =>
    (servers.get(id) ?? []).flatMap(({ answers }) =>
      answers.flatMap(({ name, facts }) => {
        const asked = name === undefined ? '' : `${name}: `;
        const remarks = foreignRemarks(facts, scenario.target).map(remark => `  ! ${asked}${remark}`);
        return [`  ${asked}${facts.url}: ${describeFound(facts)}`, ...remarks];
      }),
    ),
  );
  for (const line of new Set(lines)) output.note(line);
}

/** One line per client and scenario, even if a sweep makes many cells of it. */
function leftOutLines({ cells }: Plan): Set<string> {
  return new Set(
    cells.flatMap(({ scenario, leftOut }) =>
      leftOut.map(({ arm, message, hint }) => `  ! ${scenario.name}: skipping ${arm}: ${message} (${hint})`),
    ),
  );
}

interface Work extends Measuring {
  plan: Plan;
  servers: ReadonlyMap<string, FoundServer>;
  host: Host;
  store: RunStore;
  progress: Progress;
  isConfirming: boolean;
}

async function measureAndReport({
  plan,
  servers,
  host,
  store,
  progress,
  startedAt,
  isConfirming,
  options,
  context,
  conclude,
}: Work): Promise<number> {
  const { plugins, output, env, signal, createSource } = context;
  const metrics = await startMetrics(basename(store.dir), options.metricsPort);
  if (metrics !== undefined) output.note(`Metrics: ${metrics.url}`);
  const trials: TrialResult[] = [];
  const emit = (event: RunEvent): void => {
    if (event.type === 'trial') {
      trials.push(event.result);
      store.appendTrial(event.result);
    }
    progress.show(event);
    metrics?.show(event);
  };
  let cells: CellResult[];
  try {
    const profileDir = options.profile === true ? join(store.dir, PROFILE_FOLDER) : undefined;
    const run = { pinning: host.pinning, signal, emit, isConfirming, createSource, profileDir };
    cells = await runPlan({ plan, servers }, run);
  } finally {
    progress.end();
    await metrics?.close();
  }
  if (signal.aborted && trials.length === 0) {
    store.discard();
    output.note('Nothing was measured yet, so nothing is stored.');
    return EXIT.interrupted;
  }
  const run: Run = {
    schemaVersion: 1,
    id: basename(store.dir),
    state: stateOf(cells, plan),
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    conntax: context.version,
    command: ['conntax', ...context.argv],
    seed: plan.seed,
    git: await describeGit(context.cwd),
    host,
    cells,
  };
  const { files, text, json, report, markdown } = await render(
    { run, trials },
    { plugins, output, isBrief: options.verbose !== true },
  );
  tellGithub(report, markdown, output, env);
  // The result is shown even if it cannot be stored.
  output.out(options.json ? json : text);
  const facts = [...servers.values()].map(server => server.facts);
  for (const line of conclude?.({ run, servers: facts }) ?? []) output.note(line);
  store.finish({ run, files: [...files, { name: 'latency.hlog', content: latencyLog(trials, startedAt) }] });
  for (const line of profileLines(join(store.dir, PROFILE_FOLDER))) output.note(line);
  output.note(`Report: ${join(store.dir, 'report.html')}`);
  return signal.aborted ? EXIT.interrupted : exitStatusOf(run, { isStrict: options.strict === true });
}

/** Says where profiles are and what opens them, if any were taken. */
function profileLines(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return [
    `Profiles: ${dir} (.cpuprofile: Performance panel of Chrome's DevTools; .heapsnapshot: Memory panel; these hold secrets of the process, if it has any)`,
  ];
}

async function startMetrics(runId: string, port: number | undefined): Promise<LiveMetrics | undefined> {
  if (port === undefined) return undefined;
  const { serveMetrics } = await import('./live-metrics.ts');
  return serveMetrics(runId, port);
}

/** A signal after the last measurement does not make the run partial. */
function stateOf(cells: readonly CellResult[], plan: Plan): Run['state'] {
  if (cells.length < plan.cells.length || cells.some(({ stop }) => stop === 'interrupted')) return 'partial';
  return cells.some(isLacking) ? 'failed' : 'complete';
}

/** Whether an arm has no figures. */
function isLacking({ stop, arms }: CellResult): boolean {
  return stop === 'failed' || arms.some(({ trials }) => trials === 0);
}

/** Response times of every completed trial, in HdrHistogram's log format, tagged by trial. */
function latencyLog(trials: readonly TrialResult[], startedAt: Date): string {
  return hdrLog(
    trials
      .filter((trial): trial is CompletedTrial => trial.state === 'completed')
      .map(({ trial, startedAt: trialStartedAt, measurement }) => ({
        tag: trial.id,
        startMs: Date.parse(trialStartedAt) - startedAt.getTime(),
        lengthMs: measurement.steadyMs,
        histogram: measurement.response,
      })),
  );
}

export interface TimingOptions {
  budgetSec?: number;
  precision?: number;
  /** false: `--no-phases`; otherwise the scenario decides. */
  phases?: boolean;
}

export interface RunOptions extends MeasureOptions, TimingOptions {
  /** Whether a copy of the baseline client is added, to measure noise. */
  nullArm?: boolean;
  /** Ids of the cells to measure; default: all. */
  cells?: ReadonlySet<string>;
}

/** Applies the command line's timing and phases, which override the scenario's. */
export function adjusted(variant: Variant, { budgetSec, precision, phases = true }: TimingOptions): Variant {
  return {
    ...variant,
    phases: variant.phases && phases,
    timing: {
      ...variant.timing,
      ...(budgetSec === undefined ? {} : { budgetMs: Math.round(budgetSec * 1_000) }),
      ...(precision === undefined ? {} : { precision, until: 'precise' }),
    },
  };
}

/** @returns the exit status. @throws UsageError, MeasureError */
export async function runCommand(
  selectors: string[],
  options: RunOptions,
  context: Context,
): Promise<number> {
  const { plugins, builtinDir, cwd, signal } = context;
  const variants = leaveOutMissing(
    await readScenarios(selectors, { ...plugins, builtinDir, cwd, signal }),
    await loadPlugins(plugins.transports),
  );
  const startedAt = new Date();
  const plan = planRun(
    variants
      .map(variant => adjusted(variant, options))
      .map(variant => (options.nullArm ? withNullArm(variant) : variant)),
    { seed: seedOf(options, startedAt) },
  );
  const cells = plan.cells.filter(({ id }) => options.cells?.has(id) ?? true);
  return measurePlan({ ...plan, cells }, { startedAt, options, context });
}
