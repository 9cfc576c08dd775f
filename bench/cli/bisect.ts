// Finds the version of a package, or the commit of a server, that made it worse: of those that are published, or in the repository here,
// compares by halves, as `ab` does.
import { announceBisection, buildBisectReport, describeStep } from '../../report/bisect.ts';
import {
  type Bisection,
  type BisectionState,
  type BisectStep,
  halfwayLimit,
  type JudgedLimit,
  mostSteps,
  nextVersion,
  stateOf,
  stateOfLimits,
} from '../../results/bisect.ts';
import { EXIT, MeasureError, UsageError } from '../../results/errors.ts';
import { surenessOf } from '../../results/expect.ts';
import { AB_MIN_EFFECT } from '../../results/min-effect.ts';
import type { Run } from '../../results/model/run.ts';
import { readRun, type StoredRun } from '../../results/store.ts';
import type { Expectation } from '../../scenarios/model/scenario.ts';
import type { Code, Variant } from '../../scenarios/model/sweep.ts';
import { planRun } from '../plan/plan.ts';
import {
  openInstallations,
  PACKAGE_NAME,
  publishedVersions,
  type VersionRange,
} from '../run/npm-packages.ts';
import { type AbOptions, beforeAndAfter, chooseScenarios, sideOf } from './ab.ts';
import type { Context } from './context.ts';
import { exitStatusOf } from './exit-status.ts';
import { tellGithub } from './github.ts';
import { begin, type MeasureOptions, measurePlan } from './measure-plan.ts';
import { renderReport, storeFiles } from './report.ts';
import { adjusted, type TimingOptions } from './scenario-options.ts';
import { checkOut, commitsBetween, requireStart, SHORT_SHA, type StartOptions } from './versions.ts';

export interface BisectOptions
  extends MeasureOptions,
    TimingOptions,
    CandidateOptions,
    Pick<AbOptions, 'side' | 'client'> {
  minEffect?: number;
}

/** @returns the exit status. @throws UsageError, MeasureError */
export function bisectCommand(
  range: string,
  selectors: string[],
  options: BisectOptions,
  context: Context,
): Promise<number> {
  // What is installed or checked out is removed, however this ends.
  return context.keep(() => bisect(range, selectors, options, context), context.output.note);
}

async function bisect(
  range: string,
  selectors: string[],
  options: BisectOptions,
  context: Context,
): Promise<number> {
  const { output, signal } = context;
  if (options.ui === true) {
    throw new UsageError(
      'bisect has no --ui: each comparison adds one line, which is printed as it ends; --open shows the page of the result',
    );
  }
  requireOptions(options);
  const chosen = await chooseScenarios(selectors, options, context);
  const cells = chosen.flatMap(({ scenario, arms }) => arms.map(arm => ({ scenario, arm })));
  await using installed = new AsyncDisposableStack();
  const candidates = await findCandidates(range, options, context, installed);
  const search = new Search({ candidates, cells, options, context });
  output.note(announceBisection(search.bisection, candidates.origin));
  if (options.dryRun) return await search.showPlan();
  await search.run();
  await showResult(search, options, context);
  return signal.aborted ? EXIT.interrupted : STATUSES[stateOf(search.bisection).kind];
}

const STATUSES: Record<BisectionState['kind'], number> = {
  none: EXIT.ok,
  found: EXIT.failed,
  'ends-unsure': EXIT.cannotMeasure,
  'ends-failed': EXIT.cannotMeasure,
  narrowed: EXIT.cannotMeasure,
  interrupted: EXIT.interrupted,
};

/** A client of a scenario. */
interface ClientCell {
  scenario: Variant;
  arm: string;
}

interface SearchOptions {
  candidates: Candidates;
  cells: readonly ClientCell[];
  options: BisectOptions;
  context: Context;
}

/** Measures step by step, until nothing more can be said. */
class Search {
  readonly #of: SearchOptions;
  readonly #steps: BisectStep[] = [];
  readonly #begun: ReturnType<typeof begin>;
  readonly #mostSteps: number;
  /** Folder of the last stored run; undefined before the first. */
  #dir: string | undefined;

  constructor(of: SearchOptions) {
    this.#of = of;
    this.#begun = begin(of.options);
    this.#mostSteps = mostSteps(of.candidates.versions.length, of.cells.length);
  }

  get #last(): string {
    return this.#of.candidates.versions.at(-1)!;
  }

  get bisection(): Bisection {
    const { candidates, context, options } = this.#of;
    const { kind, name, versions, titles } = candidates;
    return {
      kind,
      name,
      versions,
      titles,
      minEffect: options.minEffect ?? AB_MIN_EFFECT,
      steps: this.#steps,
      mostSteps: this.#mostSteps,
      startedAt: this.#begun.startedAt.toISOString(),
      isInterrupted: context.signal.aborted,
    };
  }

  /** Where the result is stored. */
  get dir(): string | undefined {
    return this.#dir;
  }

  /** Prints what the comparisons of the ends would do, without installing anything. */
  showPlan(): Promise<number> {
    const { cells, candidates, options, context } = this.#of;
    const { name, versions } = candidates;
    const labelled = (version: string): Code => ({ label: `${name} ${version}`, dir: null, packages: {} });
    const [before, after] = [labelled(versions[0]), labelled(versions.at(-1)!)];
    const variants = cells.map(cell => this.#variantOf(cell, before, after));
    return measurePlan(planRun(variants, this.#begun.pace), { ...this.#begun, options, context });
  }

  /** Measures as far as the signal allows. @throws UsageError where an end of the range cannot be installed */
  async run(): Promise<void> {
    for (const cell of this.#of.cells) {
      const end = await this.#step(this.#last, cell);
      if (end === undefined) return;
      if (end.state === 'worse') return await this.#halve(cell, end);
    }
  }

  async #halve(cell: ClientCell, end: BisectStep): Promise<void> {
    const { expectation, first } = end.limits.find(({ result }) => result.state === 'fail')!.result;
    const limit = halfwayLimit(expectation, first.interval!);
    while (this.#steps.length < this.#mostSteps) {
      const version = nextVersion(this.#of.candidates.versions, this.#steps);
      if (version === undefined) return;
      if ((await this.#step(version, cell, limit)) === undefined) return;
    }
  }

  /**
   * Compares a version with the first of the range.
   *
   * @param limit in place of those of `ab`
   * @returns undefined when it was interrupted before it was decided
   */
  async #step(version: string, cell: ClientCell, limit?: Expectation): Promise<BisectStep | undefined> {
    const { signal, output } = this.#of.context;
    const startedAtMs = performance.now();
    try {
      const found = await this.#compare(version, cell, limit);
      if (found === undefined) return undefined;
      const step = { ...found, version, elapsedMs: performance.now() - startedAtMs };
      this.#steps.push(step);
      output.note(describeStep(step, this.bisection));
      return step;
    } catch (error) {
      // What was decided before is kept.
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  /** @returns undefined when it was interrupted */
  async #compare(
    version: string,
    cell: ClientCell,
    limit: Expectation | undefined,
  ): Promise<Omit<BisectStep, 'version' | 'elapsedMs'> | undefined> {
    const { candidates, context } = this.#of;
    const before = await candidates.codeOf(candidates.versions[0]);
    try {
      const after = await candidates.codeOf(version);
      const stored = await this.#measure(this.#variantOf(cell, before, after, limit));
      return stored === undefined ? undefined : foundIn(stored);
    } catch (error) {
      // One between the ends that cannot be installed, or does not start, is passed over.
      const isPassedOver = error instanceof UsageError || error instanceof MeasureError;
      if (context.signal.aborted || !isPassedOver || version === this.#last) throw error;
      const { name } = this.#variantOf(cell, before, before, limit);
      return { state: 'failed', cell: name, limits: [], replicates: 0, runId: null, cause: error.message };
    }
  }

  #variantOf({ scenario, arm }: ClientCell, before: Code, after: Code, limit?: Expectation): Variant {
    const { options } = this.#of;
    const { minEffect = AB_MIN_EFFECT } = options;
    const [pair] = beforeAndAfter(scenario, [arm], { side: sideOf(options), before, after, minEffect });
    return adjusted(
      { ...pair!, errorSharers: this.#mostSteps, ...(limit === undefined ? {} : { expect: [limit] }) },
      options,
    );
  }

  /** Measures one comparison and stores it as a run of its own. @returns undefined when it was interrupted */
  async #measure(variant: Variant): Promise<StoredRun | undefined> {
    const { options, context } = this.#of;
    const begun = begin(options);
    // The same seed would repeat the orders of the step before.
    const seed = this.#begun.pace.seed + this.#steps.length;
    const { GITHUB_ACTIONS: _, ...env } = context.env;
    let id: string | undefined;
    await measurePlan(planRun([variant], { ...begun.pace, seed }), {
      ...begun,
      // A failure is measured again by the steps that follow, and the page that is opened is that of all.
      options: { ...options, confirm: false, open: false },
      // Each step has its own report in its folder; the result is that of all.
      context: { ...context, env, output: { ...context.output, out: () => {} } },
      conclude: ({ run }) => {
        id = run.id;
        return [];
      },
    });
    if (id === undefined) return undefined;
    const stored = readRun(options.results, id);
    if (exitStatusOf(stored.run) === EXIT.interrupted) return undefined;
    this.#dir = stored.dir;
    return stored;
  }
}

function foundIn({ run, trials }: StoredRun): Omit<BisectStep, 'version' | 'elapsedMs'> {
  const [cell] = run.cells;
  const limits = cell!.expectations.map(
    (result): JudgedLimit => ({
      result,
      sureness: result.state === 'unsure' ? null : surenessOf(result.expectation, trials),
    }),
  );
  const cause = causeOf(run);
  return {
    state: cause === null ? stateOfLimits(limits) : 'failed',
    cell: cell!.cell,
    limits,
    replicates: cell!.replicates,
    runId: run.id,
    cause,
  };
}

/** Why a run is not to be relied on; null if it is. */
function causeOf(run: Run): string | null {
  if (exitStatusOf(run) !== EXIT.cannotMeasure) return null;
  const [cell] = run.cells;
  const finding = cell!.findings.find(({ state }) => state === 'fail');
  if (finding !== undefined) return `the audit ${finding.rule} failed: ${finding.detail}`;
  return cell!.stopDetail;
}

async function showResult(
  { bisection, dir }: Search,
  options: BisectOptions,
  context: Context,
): Promise<void> {
  const report = buildBisectReport(bisection);
  const { shown, markdown, html } = await renderReport(report, options, context);
  context.output.out(shown);
  tellGithub(report, markdown, context.output, context.env);
  if (dir === undefined) return;
  const files = [
    { name: 'bisect.md', content: markdown },
    { name: 'bisect.html', content: html },
  ];
  await storeFiles({ dir, isPage: false }, { files, page: 'bisect.html' }, options, context);
}

interface CandidateOptions extends StartOptions {
  /** Run in the checkout of each commit. */
  install?: string;
}

interface Candidates extends Pick<Bisection, 'kind' | 'name' | 'versions' | 'titles'> {
  /** The range as it was typed, and the repository: `v1.4.0..HEAD of /srv/app`; absent where the name says it all. */
  origin?: string;
  /** Installed or checked out at the first call. @throws UsageError when that fails; the signal's reason when the signal aborts */
  codeOf(version: string): Promise<Code>;
}

/** @throws UsageError for options of a server without the command that starts it */
function requireOptions(options: CandidateOptions): void {
  if (options.start !== undefined) return;
  requireStart(options);
  if (options.install === undefined) return;
  throw new UsageError('--install runs in the checkout of each commit; expected: --start, or no --install');
}

/** `undici@7.16.0..7.29.0`. @throws UsageError */
export function parseVersions(text: string): VersionRange {
  const name = PACKAGE_NAME.exec(text)?.[0] ?? '';
  const ends = /^@(\d+(?:\.\d+){0,2})\.\.(\d+(?:\.\d+){0,2})$/.exec(text.slice(name.length));
  if (name !== '' && ends !== null) return { name, from: ends[1]!, to: ends[2]! };
  throw new UsageError(
    `"${text}" is not a range of versions; expected: a package with its first and last version, no pre-releases, such as undici@7.16.0..7.29.0; of your own server two commits, such as v1.4.0..HEAD, and --start`,
  );
}

/** `v1.4.0..HEAD`. @throws UsageError */
export function parseCommits(text: string): { from: string; to: string } {
  const ends = /^(.*[^.])\.\.([^.].*)$/.exec(text);
  if (ends !== null) return { from: ends[1]!, to: ends[2]! };
  throw new UsageError(
    `"${text}" is not a range of commits; expected: an older and a newer branch, tag or commit, such as v1.4.0..HEAD`,
  );
}

/**
 * Lists the versions of a range; what is installed or checked out of them is removed with `installed`.
 * @throws UsageError for a range that is wrong or has only one version; the signal's reason when the signal aborts
 */
async function findCandidates(
  range: string,
  options: CandidateOptions,
  context: Context,
  installed: AsyncDisposableStack,
): Promise<Candidates> {
  return options.start === undefined
    ? await packageCandidates(parseVersions(range), context, installed)
    : await commitCandidates(parseCommits(range), options, context, installed);
}

/** @throws UsageError for fewer than two */
function requireSeveral(versions: readonly string[], what: string): Bisection['versions'] {
  const [first, second, ...others] = versions;
  if (first !== undefined && second !== undefined) return [first, second, ...others];
  throw new UsageError(`${what}; expected: at least two to compare`);
}

async function packageCandidates(
  range: VersionRange,
  { output, signal }: Context,
  installed: AsyncDisposableStack,
): Promise<Candidates> {
  const { name, from, to } = range;
  const published = await publishedVersions(range, signal);
  const packages = installed.use(openInstallations(signal, output.note));
  return {
    kind: 'versions',
    name,
    versions: requireSeveral(published, `${name}@${from}..${to} holds only one published version`),
    titles: {},
    codeOf: version => packages.install(`${name}@${version}`),
  };
}

async function commitCandidates(
  { from, to }: { from: string; to: string },
  { install, cwd: subfolder = '.' }: CandidateOptions,
  { cwd, output, signal }: Context,
  installed: AsyncDisposableStack,
): Promise<Candidates> {
  const { root, commits: found } = await commitsBetween(from, to, cwd);
  const commits = found.map(commit => ({ ...commit, short: commit.sha.slice(0, SHORT_SHA) }));
  const checkedOut = new Map<string, Code>();
  return {
    kind: 'commits',
    name: 'commit',
    origin: `${from}..${to} of ${root}`,
    versions: requireSeveral(
      commits.map(({ short }) => short),
      `${from} and ${to} are the same commit`,
    ),
    titles: Object.fromEntries(commits.map(({ short, subject }) => [short, subject])),
    async codeOf(version) {
      const known = checkedOut.get(version);
      if (known !== undefined) return known;
      const { sha: ref } = commits.find(({ short }) => short === version)!;
      const code = await checkOut({ ref, cwd, subfolder, install, signal, note: output.note }, installed);
      checkedOut.set(version, code);
      return code;
    },
  };
}
