// Report of a bisection: the first version that is worse, and how sure each of its steps was.
import {
  type Bisection,
  type BisectionState,
  type BisectStep,
  type JudgedLimit,
  type StepState,
  type Suspects,
  stateOf,
} from '../results/bisect.ts';
import { METRIC_TABLE } from '../results/metrics.ts';
import { ERROR_PERCENT, INTERVAL_NAME, levelOf } from '../results/stats.ts';
import { type Check, type Report, type Table, type TableCell, WITHOUT_CELLS } from './model.ts';
import { describeJudgement } from './tables/expectations.ts';
import {
  countCell,
  figure,
  figureColumn,
  keyColumn,
  nothing,
  tabulate,
  wordColumn,
  words,
} from './tables/table.ts';
import { formatCount, formatPercent, formatSeconds } from './words/numbers.ts';
import { compact } from './words/text.ts';

const KIND_WORDS: Record<Bisection['kind'], { one: string; many: string; all: string; order: string }> = {
  versions: {
    one: 'version',
    many: 'versions',
    all: 'published versions',
    order: 'Versions are ordered by their numbers',
  },
  commits: {
    one: 'commit',
    many: 'commits',
    all: 'commits',
    order: 'Commits are those of the first parent of each merge',
  },
};

/** `undici 7.16.0 to 7.29.0, 28 published versions`. */
function describeRange({ kind, name, versions }: Bisection): string {
  return `${name} ${versions[0]} to ${versions.at(-1)}, ${formatCount(versions.length)} ${KIND_WORDS[kind].all}`;
}

/** @param origin of what is listed, where its name does not say that */
export function announceBisection(bisection: Bisection, origin?: string): string {
  return `${describeRange(bisection)}${origin === undefined ? '' : ` (${origin})`}: at most ${formatCount(bisection.mostSteps)} comparisons`;
}

export function buildBisectReport(bisection: Bisection): Report {
  const { kind, name, versions, steps, mostSteps, startedAt, isInterrupted } = bisection;
  const { order, one, many } = KIND_WORDS[kind];
  const state = stateOf(bisection);
  const { verdict, headline } = wordOutcome(bisection, state);
  const remarks = remarksOf(bisection, state);
  const table = steps.length === 0 ? null : stepTable(bisection);
  return {
    ...WITHOUT_CELLS,
    title: `conntax: bisection of ${kind === 'commits' ? 'commits' : name}`,
    runId: steps.findLast(({ runId }) => runId !== null)?.runId ?? 'none',
    startedAt,
    subtitle: describeRange(bisection),
    state: isInterrupted ? 'partial' : 'complete',
    verdict: state.kind === 'found' ? headline : null,
    answer: {
      verdict,
      precision: headline,
      context: `${formatCount(versions.length)} ${many}, ${formatCount(steps.length)} of at most ${formatCount(mostSteps)} comparisons.`,
      badges: [],
      notes: remarks,
    },
    headline,
    remarks,
    brief: table,
    tables: table === null ? [] : [table],
    figures: [],
    checks: [checkOf(bisection, state, headline)],
    caveats: [
      `${order}, and taken to get worse once: if several do, one ${one} of them is named. A bisection of a shorter range finds the others.`,
    ],
  };
}

/** `Step 2 of at most 8: undici 7.27.0 is not worse than 7.16.0: requests/s 1.01× (0.98 to 1.04), sure to 99.99 %`. */
export function describeStep(step: BisectStep, { name, versions, steps, mostSteps }: Bisection): string {
  const { version, state, limits, cause } = step;
  const shown = limits.find(({ result }) => result.state === 'fail') ?? limits[0];
  const sure = shown?.sureness == null ? '' : `, sure to ${formatSureness(shown.sureness)}`;
  const figures = shown === undefined ? '' : `: ${describeMeasured(shown)}${sure}`;
  const outcomes: Record<StepState, string> = {
    worse: `is worse than ${versions[0]}${figures}`,
    fine: `is not worse than ${versions[0]}${figures}`,
    unsure: `could not be told from ${versions[0]}${figures}`,
    failed: `could not be measured: ${cause}`,
  };
  return `Step ${steps.length} of at most ${mostSteps}: ${name} ${version} ${outcomes[state]}`;
}

/** The outcome in at most 15 words, and in a sentence with its figures. */
function wordOutcome(
  { kind, name, versions, steps, minEffect }: Bisection,
  state: BisectionState,
): { verdict: string; headline: string } {
  const [from, to] = [versions[0]!, versions.at(-1)!];
  const { one, many } = KIND_WORDS[kind];
  switch (state.kind) {
    case 'interrupted':
      return {
        verdict: 'Interrupted before anything was decided',
        headline: `Interrupted before ${name} ${from} and ${to} were told apart.`,
      };
    case 'none':
      return {
        verdict: `No regression from ${name} ${from} to ${to}`,
        headline: `No regression: ${name} ${to} is not worse than ${from} by more than ${formatPercent(minEffect)}.`,
      };
    case 'ends-unsure':
      return {
        verdict: `Undecided: ${name} ${from} to ${to}`,
        headline: `Undecided: whether ${name} ${to} is worse than ${from} could not be told.`,
      };
    case 'ends-failed':
      return {
        verdict: `Not measured: ${name} ${to}`,
        headline: `${name} ${to} could not be compared with ${from}: ${steps.find(({ cause }) => cause !== null)?.cause}.`,
      };
    case 'found': {
      const [version] = state.suspects.suspects;
      const step = steps.find(one => one.version === version && one.state === 'worse')!;
      const first = `${name} ${version} is the first ${one} that is worse`;
      return {
        verdict: `FAIL: ${first}`,
        headline: `${first}: ${describeFailed(step)} in ${step.cell}, compared with ${from}.`,
      };
    }
    case 'narrowed': {
      const { suspects, lastFine } = state.suspects;
      return {
        verdict: `Undecided: a ${one} is worse, but not which is the first`,
        headline: `Undecided: one of the ${formatCount(suspects.length)} ${many} after ${name} ${lastFine}, up to ${suspects.at(-1)}, is the first that is worse (${describeFailed(state.end)} at ${to}, in ${state.end.cell}).`,
      };
    }
    default:
      return state satisfies never;
  }
}

function remarksOf(bisection: Bisection, state: BisectionState): string[] {
  const { name, versions, titles, steps, mostSteps, isInterrupted } = bisection;
  const first = state.kind === 'found' ? state.suspects.suspects[0] : '';
  const title = titles[first];
  const failed = steps.filter(({ version, cause }) => cause !== null && version !== versions.at(-1));
  return compact([
    isInterrupted && state.kind !== 'interrupted' && 'Interrupted: this is what was decided until then.',
    title !== undefined && `${first}: ${title}`,
    state.kind === 'found' && describeBefore(bisection, state.suspects),
    state.kind === 'ends-unsure' &&
      `A step is decided only beyond ${formatSureness(levelOf(mostSteps))}, for which an interval of 95 % beyond the limit is not enough. To tell, measure longer (--budget-sec), so that there are more replicates, or look only for larger changes (--min-effect).`,
    state.kind === 'narrowed' &&
      !isInterrupted &&
      `To tell, measure longer (--budget-sec), from ${name} ${state.suspects.lastFine} to ${state.suspects.suspects.at(-1)}.`,
    ...failed.map(({ version, cause }) => `${name} ${version} could not be measured: ${cause}.`),
  ]);
}

/** What is known of the version before the first worse one. */
function describeBefore({ kind, name, versions, steps }: Bisection, { lastFine }: Suspects): string {
  const { one } = KIND_WORDS[kind];
  const step = steps.find(({ version, state }) => version === lastFine && state === 'fine');
  const [judged] = step?.limits ?? [];
  return step === undefined || judged === undefined
    ? `The ${one} before it is ${name} ${versions[0]}, with which all others were compared.`
    : `${name} ${lastFine}, the ${one} before it, is not: ${describeMeasured(judged)}.`;
}

/** The limit that failed, the first of several. */
function describeFailed({ limits }: BisectStep): string {
  const failed = limits.find(({ result }) => result.state === 'fail');
  return failed === undefined ? '' : describeMeasured(failed);
}

/** `requests/s 0.51× (0.49 to 0.53)`. */
function describeMeasured({ result: { expectation, first } }: JudgedLimit): string {
  return `${METRIC_TABLE[expectation.metric].title} ${describeJudgement(expectation, first)}`;
}

/** `requests/s ≥ 0.7106×`. */
function describeLimit({ result: { expectation } }: JudgedLimit): string {
  const { metric, atLeast, atMost } = expectation;
  const limit = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  return `${METRIC_TABLE[metric].title} ${limit}×`;
}

const STATE_WORDS: Record<StepState, string> = {
  worse: 'WORSE',
  fine: 'not worse',
  unsure: 'undecided',
  failed: 'not measured',
};

const LIMIT_STATES = { fail: 'worse', pass: 'fine', unsure: 'unsure' } as const;

/** A step, and one of the limits that it was judged by; undefined where nothing was measured. */
interface StepRow {
  step: BisectStep;
  judged: JudgedLimit | undefined;
}

function stepTable({ kind, steps, mostSteps }: Bisection): Table {
  const { one } = KIND_WORDS[kind];
  const rows = steps.flatMap((step): StepRow[] =>
    step.limits.length === 0 ? [{ step, judged: undefined }] : step.limits.map(judged => ({ step, judged })),
  );
  return tabulate(rows, {
    name: 'bisection',
    title: 'Steps, in the order in which they were measured',
    columns: [
      [keyColumn('version', one), ({ step }) => words(step.version)],
      [keyColumn('cell', 'scenario'), ({ step }) => words(step.cell)],
      [keyColumn('limit', 'not worse if'), ({ judged }) => (judged ? words(describeLimit(judged)) : nothing)],
      [figureColumn('interval', 'measured', INTERVAL_NAME), measuredCell],
      [wordColumn('state', 'outcome'), stateCell],
      [figureColumn('sureness', 'sure'), surenessCell],
      [figureColumn('replicateCount', 'replicates'), ({ step }) => countCell(step.replicates)],
      [
        figureColumn('elapsedSec', 'time'),
        ({ step }) => words(formatSeconds(step.elapsedMs), step.elapsedMs / 1_000),
      ],
      [wordColumn('run', 'run'), ({ step }) => (step.runId === null ? nothing : words(step.runId))],
    ],
    notes: [
      `Each ${one} is compared with the first of the range, interleaved in one run. The last one is compared first, with the limits of conntax ab; then those in between, with half of the change that was found there (by its logarithm) as the limit.`,
      `Sure: the highest confidence level whose interval lies on that side of the limit. The ${formatCount(mostSteps)} steps that there are at most share one error of ${ERROR_PERCENT}, so a step is decided only beyond ${formatSureness(levelOf(mostSteps))}.`,
    ],
  });
}

function measuredCell({ judged }: StepRow): TableCell {
  if (judged === undefined) return nothing;
  const { expectation, first } = judged.result;
  return figure(describeJudgement(expectation, first), first.interval);
}

function stateCell({ step, judged }: StepRow): TableCell {
  const state =
    judged === undefined || step.state === 'failed' ? step.state : LIMIT_STATES[judged.result.state];
  return words(STATE_WORDS[state], state);
}

function surenessCell({ judged }: StepRow): TableCell {
  return judged?.sureness == null ? nothing : words(formatSureness(judged.sureness), judged.sureness);
}

/** Always rounded down: `99.38 %`, `>99.99 %`. */
function formatSureness(level: number): string {
  if (level > 0.9999) return '>99.99 %';
  return `${(Math.floor(level * 1e4) / 100).toFixed(2)} %`;
}

function checkOf({ name, versions }: Bisection, { kind }: BisectionState, headline: string): Check {
  const states = {
    none: 'pass',
    found: 'fail',
    narrowed: 'unsure',
    'ends-unsure': 'unsure',
    'ends-failed': 'broken',
    interrupted: 'unsure',
  } as const;
  return {
    group: name,
    name: `${versions.at(-1)} is not worse than ${versions[0]}`,
    subject: `${versions[0]} to ${versions.at(-1)}`,
    isFigure: true,
    state: states[kind],
    detail: headline,
  };
}
