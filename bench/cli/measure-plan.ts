// What every measuring command does with its plan: checks it, asks external servers, measures, stores and reports.

import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describeFound, serverRemarks } from '../../report/words/target.ts';
import { EXIT } from '../../results/errors.ts';
import type { CellResult, ForeignServer, Host, Run } from '../../results/model/run.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import type { MeasuredRun } from '../../results/page-data.ts';
import { createRandom } from '../../results/random.ts';
import { latencyLog } from '../../results/run-clock.ts';
import { sumOf } from '../../results/stats.ts';
import { newRunId, openRunStore, type RunStore } from '../../results/store.ts';
import { prepareRequests } from '../clients/request.ts';
import { leaveOutUnreadable } from '../plan/left-out.ts';
import { countSpareCores, type Plan, settleGenerators } from '../plan/plan.ts';
import { loadPlugins } from '../plan/read-scenarios.ts';
import { describeGit, describeHost, readSlowness } from '../probes/host.ts';
import type { RunEvent } from '../run/context.ts';
import {
  type FoundTarget,
  findServers,
  type LocatedTarget,
  locateServers,
  requireWelcome,
} from '../run/find-servers.ts';
import { describeSkipped, requireSomething, skipImpossible } from '../run/limited-machine.ts';
import { type Check, checkPlan, requireFit } from '../run/preflight.ts';
import { runPlan } from '../run/run.ts';
import { rehearseServers } from '../run/started-server.ts';
import type { CommonOptions, Context } from './context.ts';
import { estimateLines, printPlan } from './dry-run.ts';
import { exitStatusOf } from './exit-status.ts';
import { tellGithub } from './github.ts';
import type { LiveMetrics } from './live-metrics.ts';
import type { LivePage } from './live-page.ts';
import { type MachineOptions, type OtherMachines, openMachines } from './machines.ts';
import { createProgress, type Progress } from './progress.ts';
import { announcePage, PAGE_FILE, render, renderPage, showAddress } from './report.ts';

/** In a run's folder, with a folder for each scenario. */
const PROFILE_FOLDER = 'profiles';

/** Options of every command that measures. */
export interface MeasureOptions extends CommonOptions, MachineOptions {
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
  /** Serves the page while it grows. */
  ui?: boolean;
}

/** A measurement begins now. Its plan has the seed given, or one from the clock. */
export function begin({ seed }: MeasureOptions): Begun {
  const startedAt = new Date();
  const pace = { seed: seed ?? startedAt.getTime() % 2 ** 31, slowness: readSlowness() };
  return { startedAt, startedAtMs: performance.now(), pace };
}

interface Begun {
  startedAt: Date;
  /** The same moment by the monotonic clock, which nobody sets. */
  startedAtMs: number;
  /** What a plan is made with. */
  pace: { seed: number; slowness: number };
}

/** What a command may say of a finished run. */
export interface Conclusion {
  run: Run;
  trials: readonly TrialResult[];
  /** The external servers that were asked. */
  servers: readonly ForeignServer[];
}

interface Measuring extends Omit<Begun, 'pace'> {
  options: MeasureOptions;
  context: Context;
  /** Whether a server in trouble, such as one that responds with 503, gets no load. */
  mustBeGood?: boolean;
  /**
   * The plan that the first answers of external servers leave; undefined: the same. It must not add limits of the machine to the
   * plan that was used for asking, because limits are tested only once, before that.
   */
  settle?: ((answers: readonly ForeignServer[]) => Plan | undefined) | undefined;
  /** What a reader may do next: sentences. */
  conclude?: ((conclusion: Conclusion) => string[]) | undefined;
}

/**
 * Measures a plan and stores the run; with `dryRun` only prints what it would do.
 *
 * @returns the exit status. @throws UsageError for a host that load may not be sent to; MeasureError when the machine does not fit
 * the plan, or an external server does not answer
 */
export async function measurePlan(planned: Plan, measuring: Measuring): Promise<number> {
  requireRequests(planned, measuring.context.env);
  const { options, context } = measuring;
  const machines = await openMachines(options, context);
  try {
    return await measureWith(machines, planned, measuring);
  } finally {
    await machines?.close();
  }
}

/** @param machines the others that take part; undefined: only this one does */
async function measureWith(
  machines: OtherMachines | undefined,
  planned: Plan,
  measuring: Measuring,
): Promise<number> {
  const { startedAt, options, context, settle } = measuring;
  const { output, signal } = context;
  const checked = await checkMachines(machines, planned, measuring);
  const { asking, divide, checks, host } = checked;
  if (options.dryRun) printPlan(asking, checks, options, output);
  requireFit(checks);
  if (options.dryRun) return EXIT.ok;
  const { answered, external } = await askServers(checked, measuring);
  const settled = settle?.([...answered.values()].flatMap(answersOf).map(({ facts }) => facts));
  const plan = settled === undefined ? asking : divide(settled);
  // How long it takes is of interest only where the servers answer.
  const isConfirming = options.confirm ?? Boolean(context.env['CI']);
  for (const line of estimateLines(plan, isConfirming)) output.note(line);
  for (const skipped of plan.skipped ?? []) output.note(`  ! ${describeSkipped(skipped)}`);
  for (const { state, sentence } of checks) if (state !== 'pass') output.note(`  ! ${sentence}`);
  noteServers(plan, answered, output);
  // The baseline's server is first.
  const servers = new Map([...answered].map(([id, [server]]) => [id, server!]));
  const measured = await withoutUnreadable(plan, servers, context);
  for (const line of leftOutLines(measured)) output.note(line);
  const git = await describeGit(context.cwd);
  signal.throwIfAborted();
  const random = createRandom(plan.seed, 'run', startedAt.getTime());
  const store = openRunStore(options.results, newRunId(startedAt, random));
  const progress = createProgress(output);
  const work: Work = {
    ...measuring,
    machines,
    plan: measured,
    servers,
    external,
    host,
    git,
    store,
    progress,
    isConfirming,
  };
  try {
    return await context.keep(() => measureAndReport(work), progress.say);
  } finally {
    store.close();
  }
}

interface CheckedPlan {
  /** The plan as far as this machine can measure it, with which servers are asked. */
  asking: Plan;
  /** Divides a plan among generators. */
  divide(plan: Plan): Plan;
  located: readonly LocatedTarget[];
  host: Host;
  checks: readonly Check[];
}

/** Whether the plan fits the machines that take part, before anything is started or asked. */
async function checkMachines(
  machines: OtherMachines | undefined,
  planned: Plan,
  { options: { allowHost, serverAddress }, context: { plugins, signal, during } }: Measuring,
): Promise<CheckedPlan> {
  const fleet = machines?.fleet;
  const located = await during('looking up the hosts of external servers', () =>
    locateServers(planned, allowHost, undefined, signal),
  );
  const host = await describeHost();
  const transports = await loadPlugins(plugins.transports);
  const divide = (plan: Plan): Plan =>
    fleet === undefined
      ? settleGenerators(plan, countSpareCores(host), transports)
      : fleet.settle(plan, transports);
  const asking = divide(await skipImpossible(planned));
  requireSomething(asking);
  await fleet?.requireFit(asking, transports);
  machines?.requireReachable(asking, located);
  const allowed = allowHost.filter(allowedHost => allowedHost !== serverAddress);
  const checks = checkPlan(asking, host, located, allowed, {
    senders: fleet?.senders ?? [],
    targetHost: serverAddress === undefined ? undefined : machines?.serverMachine?.identity.host,
  });
  return { asking, divide, located, host, checks };
}

interface AskedServers {
  /** Servers by cell, that of the baseline first. */
  answered: ReadonlyMap<string, readonly FoundTarget[]>;
  /** Those that conntax did not start, each once. */
  external: ReadonlySet<FoundTarget>;
}

/** Starts servers of `target.command` once, and asks external ones. @throws UsageError, MeasureError for one that gets no load */
async function askServers(
  { asking, located, host }: CheckedPlan,
  { context: { output, signal, during }, mustBeGood }: Measuring,
): Promise<AskedServers> {
  const started = await during('starting the server of target.command to see whether it answers', () =>
    rehearseServers(asking, {
      cpu: host.pinning?.targetCpu ?? null,
      signal,
      onStart: (command, folder) =>
        output.note(`Starting once to see whether it answers: ${command} (${folder})`),
    }),
  );
  const urls = [...new Set(located.flatMap(({ servers }) => servers.map(({ url }) => url)))].join(', ');
  const asked = await during(`asking ${urls} for the first time`, () => findServers(located, signal));
  const answered = new Map<string, readonly FoundTarget[]>(started);
  for (const [id, server] of asked) answered.set(id, [server]);
  for (const { id, scenario } of asking.cells)
    for (const found of answered.get(id) ?? []) requireWelcome(scenario, found, mustBeGood);
  return { answered, external: new Set(asked.values()) };
}

/** @throws UsageError when a secret of a request is not in the environment, or the file of its body cannot be read */
function requireRequests({ cells }: Plan, env: Context['env']): void {
  for (const { scenario } of cells) prepareRequests(scenario, '/', env);
}

/** The plan without load tools that would miscount these servers' answers. */
async function withoutUnreadable(
  plan: Plan,
  servers: ReadonlyMap<string, FoundTarget>,
  { plugins }: Context,
): Promise<Plan> {
  if (servers.size === 0) return plan;
  const facts = new Map(
    [...servers].map(([cell, target]) => [cell, answersOf([target]).map(({ facts }) => facts)]),
  );
  return leaveOutUnreadable(plan, facts, await loadPlugins(plugins.transports));
}

/** Prints what each server that is not conntax's own answered, once. */
function noteServers(
  plan: Plan,
  servers: ReadonlyMap<string, readonly FoundTarget[]>,
  output: Context['output'],
): void {
  const lines = plan.cells.flatMap(({ id, scenario }) =>
    answersOf(servers.get(id) ?? []).flatMap(({ name, asked, facts }) => {
      const prefix = name === undefined ? '' : `${name}: `;
      // Several requests of one server have one URL in its facts; what was asked is that of each.
      const remarks = serverRemarks({ ...facts, url: asked }, scenario.target).map(
        remark => `  ! ${prefix}${remark}`,
      );
      return [`  ${prefix}${asked}: ${describeFound(facts)}`, ...remarks];
    }),
  );
  for (const line of new Set(lines)) output.note(line);
}

function answersOf(targets: readonly FoundTarget[]) {
  return targets.flatMap(({ servers }) => servers.flatMap(({ answers }) => answers));
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
  machines: OtherMachines | undefined;
  plan: Plan;
  servers: ReadonlyMap<string, FoundTarget>;
  external: AskedServers['external'];
  host: Host;
  git: Run['git'];
  store: RunStore;
  progress: Progress;
  isConfirming: boolean;
}

async function measureAndReport(work: Work): Promise<number> {
  const { store, options, context } = work;
  const page = options.ui === true ? await openPage(options, context) : undefined;
  try {
    const measured = await measure(work, page);
    if (measured === undefined) {
      await page?.finish(undefined);
      store.discard();
      context.output.note('Nothing was measured yet, so nothing is stored.');
      return EXIT.interrupted;
    }
    context.output.note('Measured; writing the report');
    return await reportRun(measured, work, page);
  } finally {
    await page?.close();
  }
}

/** With `--open`, a browser shows it from the beginning. */
async function openPage({ open = false }: MeasureOptions, context: Context): Promise<LivePage> {
  const { LivePage } = await import('./live-page.ts');
  const page = await LivePage.open();
  context.output.note(`Growing page: ${page.url}`);
  if (open) await showAddress(page.url, context);
  return page;
}

/** Measures, stores each trial and shows the progress; undefined if interrupted before anything was measured. */
async function measure(work: Work, page: LivePage | undefined): Promise<MeasuredRun | undefined> {
  const { plan, servers, host, store, progress, isConfirming, options, context, machines } = work;
  const { output, signal, createSource } = context;
  const metrics = await startMetrics(basename(store.dir), options.metricsPort);
  if (metrics !== undefined) output.note(`Metrics: ${metrics.url}`);
  const trials: TrialResult[] = [];
  const done: CellResult[] = [];
  const emit = (event: RunEvent): void => {
    if (event.type === 'trial') {
      trials.push(event.result);
      store.appendTrial(event.result);
    }
    if (event.type === 'cell-finished') done.push(event.result);
    progress.show(event);
    metrics?.show(event);
  };
  const grow = async (soFar: () => CellResult): Promise<void> => {
    if (signal.aborted) return; // the last version is made at once
    const run = buildRun([...done, soFar()], work);
    page?.grow(await renderPage({ run, trials }, context));
  };
  try {
    const profileDir = options.profile === true ? join(store.dir, PROFILE_FOLDER) : undefined;
    const cells = await runPlan(
      { plan, servers },
      {
        pinning: host.pinning,
        signal,
        emit,
        isConfirming,
        fleet: machines?.fleet,
        serverMachine: machines?.serverMachine,
        createSource,
        profileDir,
        between: page === undefined ? undefined : grow,
      },
    );
    if (signal.aborted && trials.length === 0) return undefined;
    return { run: buildRun(cells, work), trials };
  } finally {
    progress.end();
    await metrics?.close();
  }
}

/** The run as it is stored, if it ended here. */
function buildRun(
  cells: CellResult[],
  { plan, external, host, machines, git, store, startedAt, startedAtMs, options, context }: Work,
): Run {
  const notBegun = plan.cells.slice(cells.length).map(({ id }) => id);
  return {
    schemaVersion: 1,
    id: basename(store.dir),
    state: stateOf(cells, plan),
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    elapsedMs: performance.now() - startedAtMs,
    conntax: context.version,
    command: ['conntax', ...context.argv],
    seed: plan.seed,
    git,
    host,
    ...(machines?.fleet === undefined ? {} : { machines: machines.fleet.describe() }),
    ...(machines?.serverMachine === undefined ? {} : { serverMachine: machines.serverMachine.describe() }),
    ...(options.serverAddress === undefined ? {} : { targetAddress: options.serverAddress }),
    cells,
    ...(external.size === 0 ? {} : { asked: sumOfAsked(external) }),
    ...(notBegun.length === 0 ? {} : { notBegun }),
    ...(plan.skipped === undefined ? {} : { skipped: plan.skipped }),
  };
}

function sumOfAsked(targets: ReadonlySet<FoundTarget>): NonNullable<Run['asked']> {
  const asked = [...targets].map(target => target.asked);
  return {
    beforeRun: sumOf(asked, ({ beforeRun }) => beforeRun),
    betweenReplicates: sumOf(asked, ({ betweenReplicates }) => betweenReplicates),
  };
}

/** Shows the result, stores it, and says where it is. @returns the exit status */
async function reportRun(
  { run, trials }: MeasuredRun,
  { servers, store, options, context, conclude }: Work,
  page: LivePage | undefined,
): Promise<number> {
  const { output, env, signal } = context;
  const facts = [...servers.values()].flatMap(target => target.servers.map(server => server.facts));
  const next = conclude?.({ run, trials, servers: facts }) ?? [];
  const { files, shown, report, markdown } = await render({ run, trials }, options, context, next);
  tellGithub(report, markdown, output, env);
  // The result is shown even if it cannot be stored.
  output.out(shown);
  if (options.json) for (const sentence of next) output.note(`Next: ${sentence}`);
  store.finish({
    run,
    files: [...files, { name: 'latency.hlog', content: latencyLog(trials, run) }],
  });
  for (const line of profileLines(join(store.dir, PROFILE_FOLDER))) output.note(line);
  await page?.finish(files.find(({ name }) => name === PAGE_FILE)?.content);
  // With --ui the browser shows it already.
  await announcePage(
    join(store.dir, PAGE_FILE),
    { open: options.open === true && page === undefined },
    context,
  );
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
  const { LiveMetrics } = await import('./live-metrics.ts');
  return LiveMetrics.open(runId, port);
}

/** A signal after the last measurement does not make the run partial. */
function stateOf(cells: readonly CellResult[], plan: Plan): Run['state'] {
  const isCut = cells.some(({ stop }) => stop === 'interrupted' || stop === 'measuring');
  if (cells.length < plan.cells.length || isCut) return 'partial';
  return cells.some(isLacking) ? 'failed' : 'complete';
}

/** Whether an arm has no figures. */
function isLacking({ stop, arms }: CellResult): boolean {
  return stop === 'failed' || arms.some(({ trials }) => trials === 0);
}
