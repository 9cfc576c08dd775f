// Finds the first worse version by halves: which version to measure next, by which limit, and what the steps say together.
import type { Expectation, ExpectationResult } from '../scenarios/model/scenario.ts';
import type { Interval } from './stats.ts';

/** What a step found of its version, against the first version of the range. */
export type StepState =
  /** Beyond the limit. */
  | 'worse'
  | 'fine'
  /** Its time was spent before it was decided. */
  | 'unsure'
  /** Not measured, or not reliably. */
  | 'failed';

/** A limit, and how sure its outcome is (0.95 to 1; null: it has none). */
export interface JudgedLimit {
  result: ExpectationResult;
  sureness: number | null;
}

/** One comparison with the first version of the range. */
export interface BisectStep {
  version: string;
  state: StepState;
  cell: string;
  /** Empty where nothing was measured. */
  limits: readonly JudgedLimit[];
  replicates: number;
  elapsedMs: number;
  /** The stored run; null where there is none. */
  runId: string | null;
  /** Why it failed; null unless it did. */
  cause: string | null;
}

/** Steps beyond those that halving takes, for versions that cannot be measured or are not decided. */
const SPARE_STEPS = 2;

/**
 * The most steps of a bisection; all of them share one error.
 *
 * @param versionCount at least two
 * @param cellCount comparisons of the ends, of which the first that shows a regression is followed
 */
export function mostSteps(versionCount: number, cellCount: number): number {
  return cellCount + Math.ceil(Math.log2(versionCount - 1)) + SPARE_STEPS;
}

/**
 * The limit that tells the versions in between apart: half of the change between the ends, by the logarithm. A version is as far
 * from it as it can be if it is like either end, so it is decided soon, and by a small change of the limit not differently.
 *
 * @param limit that the last version of the range is beyond. @param change of the last version, by how much
 */
export function halfwayLimit({ metric, of, over, atLeast }: Expectation, change: Interval): Expectation {
  const half = Number(Math.sqrt(change.value).toPrecision(4));
  return {
    metric,
    of,
    ...(over === undefined ? {} : { over }),
    ...(atLeast === undefined ? { atMost: half } : { atLeast: half }),
  };
}

type Known = Pick<BisectStep, 'version' | 'state'>;

/** Where the first worse version must be: after `fine` and not after `worse`, as indices. */
function boundsOf(versions: readonly string[], steps: readonly Known[]): { fine: number; worse: number } {
  const indices = (state: StepState): number[] =>
    steps.filter(step => step.state === state).map(({ version }) => versions.indexOf(version));
  const worse = Math.min(versions.length - 1, ...indices('worse'));
  return { fine: Math.max(0, ...indices('fine')), worse };
}

/**
 * The version to measure next: of those that may be the first worse one and were not tried, the one nearest to the middle.
 *
 * @param versions of the range, of which the first is fine and the last is worse
 * @returns undefined when no measurement would say more
 */
export function nextVersion(versions: readonly string[], steps: readonly Known[]): string | undefined {
  const { fine, worse } = boundsOf(versions, steps);
  const middle = (fine + worse) / 2;
  return versions
    .slice(fine + 1, worse)
    .filter(version => steps.every(step => step.version !== version))
    .toSorted((a, b) => Math.abs(versions.indexOf(a) - middle) - Math.abs(versions.indexOf(b) - middle))[0];
}

/** What is known once the ends differ: the last version that is fine, and those of which one is the first worse version. */
export interface Suspects {
  lastFine: string;
  suspects: readonly [string, ...string[]];
}

export function suspectsOf(versions: readonly string[], steps: readonly Known[]): Suspects {
  const { fine, worse } = boundsOf(versions, steps);
  const [first, ...others] = versions.slice(fine + 1, worse + 1);
  return { lastFine: versions[fine]!, suspects: [first!, ...others] };
}

/** The outcome of a step by that of its limits: one that fails is enough, and all have to pass. */
export function stateOfLimits(limits: readonly JudgedLimit[]): StepState {
  if (limits.some(({ result }) => result.state === 'fail')) return 'worse';
  const isFine = limits.length > 0 && limits.every(({ result }) => result.state === 'pass');
  return isFine ? 'fine' : 'unsure';
}

/** What a bisection has found so far, and what it was asked. */
export interface Bisection {
  kind: 'versions' | 'commits';
  /** What stands before a version, such as `undici`, or `commit`. */
  name: string;
  /** Those in the range, oldest first. */
  versions: readonly [string, string, ...string[]];
  /** What else they are called: by version, the first line of the message of a commit. */
  titles: Readonly<Record<string, string>>;
  /** The smallest change between the ends that counts (0.02 = 2 %). */
  minEffect: number;
  /** The first ones compare the ends, in one scenario after another. */
  steps: readonly BisectStep[];
  /** The most steps there could have been; all share one error. */
  mostSteps: number;
  startedAt: string;
  isInterrupted: boolean;
}

/** How a bisection ended. */
export type BisectionState =
  | { kind: 'interrupted' }
  /** The last version is not worse than the first. */
  | { kind: 'none' }
  /** Whether it is was not decided, or could not be measured. */
  | { kind: 'ends-unsure' | 'ends-failed' }
  | { kind: 'found'; end: BisectStep; suspects: Suspects }
  /** Several versions may be the first worse one. */
  | { kind: 'narrowed'; end: BisectStep; suspects: Suspects };

export function stateOf({ versions, steps, isInterrupted }: Bisection): BisectionState {
  const ends = steps.filter(({ version }) => version === versions.at(-1));
  const end = ends.find(({ state }) => state === 'worse');
  if (end !== undefined) {
    const suspects = suspectsOf(versions, steps);
    if (suspects.suspects.length === 1) return { kind: 'found', end, suspects };
    return { kind: 'narrowed', end, suspects };
  }
  if (isInterrupted) return { kind: 'interrupted' };
  if (ends.some(({ state }) => state === 'failed')) return { kind: 'ends-failed' };
  return { kind: ends.every(({ state }) => state === 'fine') ? 'none' : 'ends-unsure' };
}
