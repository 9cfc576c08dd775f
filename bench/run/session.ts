// In: the arms of one replicate, each with its target. Out: their turns under load, each booked to the arm whose turn it was.
import { MeasureError } from '../../results/errors.ts';
import { areFailuresExpected } from '../../results/expect.ts';
import { askedPerSec } from '../../results/metrics.ts';
import {
  type FailureCode,
  FailureCode as FailureCodeSchema,
  type Measurement,
  OUTCOME_WORDS,
  type Outcome,
  type Probe,
  type Trial,
  type TrialResult,
} from '../../results/model/trial.ts';
import { createRandom } from '../../results/random.ts';
import { type CapacityLoad, type Load, mostInFlight } from '../../scenarios/model/load.ts';
import type { Scenario, Timing } from '../../scenarios/model/scenario.ts';
import { longestRoundTripMs, MOST_ROUND_TRIPS, usesTls } from '../../scenarios/model/target.ts';
import { createCapacitySearch, endedPerSec, judgeProbe } from '../plan/capacity-search.ts';
import { blockOrder, type PlannedCell } from '../plan/plan.ts';
import {
  isSteady,
  paced,
  probeShape,
  type SliceShape,
  sliceShape,
  spreadRampMs,
  type WarmUpWindow,
  warmUpDrainMs,
  warmUpPerSec,
} from '../plan/timing.ts';
import { hasKernelCounts, kernelCountsBetween, readKernelCounts } from '../probes/kernel.ts';
import type { SliceOrder, SliceReading } from '../protocol.ts';
import { createTargetAccount, hasSeenAll, type TargetAccount } from './account.ts';
import type { Arm, Failure } from './arm.ts';
import { ChildError } from './child.ts';
import type { Emit } from './events.ts';
import { deathCode, type LinkSpan, withoutRelay } from './targets.ts';

// From the arms of a replicate, and how to try one at a rate. Out: each arm's capacity, arms taking turns probe by probe.

interface FindOptions {
  load: CapacityLoad;
  arms: readonly Arm[];
  /** Between 0 and 1: where the grid of an arm's rates begins. */
  offsetOf: (arm: Arm) => number;
  /** Names of the arms in the order of their turns in one round. */
  orderOf: (round: number) => readonly string[];
  /** One turn; undefined where it failed or was cut short, so that it shows nothing. */
  probe: (arm: Arm, ratePerSec: number) => Promise<SliceReading | undefined>;
  onProbe: (arm: Arm, probe: Probe) => void;
  signal: AbortSignal;
}

/** Sets every arm's `capacity`; an arm that was not tried at all keeps null. */
export async function findCapacities(options: FindOptions): Promise<void> {
  const { load, arms, offsetOf, orderOf, probe, onProbe, signal } = options;
  const searches = new Map(arms.map(arm => [arm, createCapacitySearch(load, offsetOf(arm))]));
  const isSearching = (arm: Arm): boolean =>
    arm.failure === undefined && searches.get(arm)!.nextPerSec() !== undefined;

  for (let round = 0; !signal.aborted && arms.some(isSearching); round++) {
    for (const name of orderOf(round)) {
      const arm = arms.find(candidate => candidate.trial.arm === name);
      if (arm === undefined || !isSearching(arm) || signal.aborted) continue;
      const search = searches.get(arm)!;
      const ratePerSec = search.nextPerSec()!;
      const reading = await probe(arm, ratePerSec);
      if (reading === undefined) continue;
      const judged = judgeProbe(load, ratePerSec, reading);
      search.add(judged);
      arm.capacity = search.result();
      // What a slice of the measurement is to hold: response times at about the rate that it will have.
      if (judged.isKept && reading.completed > 0) arm.meanResponseMs = reading.meanUs / 1_000;
      onProbe(arm, judged);
    }
  }
}

// From how a trial ended: a measurement, or an error. Out: its result. A failed trial is data, with a cause.

/** Outcomes after which a trial says something about the machine's limits and nothing about its arm. */
const LIMITS = { portExhausted: 'ports-exhausted', descriptorLimit: 'descriptor-limit' } as const;

/** A message names the commonest kinds of failure, and of each the beginning of an example. */
const MOST_KINDS = 3;
const MOST_SAMPLE = 200;

/** @param fallback the code for a process that died or failed where it happened. */
export function failureOf(error: unknown, fallback: FailureCode): Failure {
  if (error instanceof ChildError) {
    const code = error.reason === 'hung' ? 'trial-hung' : fallback;
    return { code, message: error.message, ...(error.stderr === '' ? {} : { detail: error.stderr }) };
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof MeasureError ? FailureCodeSchema.safeParse(error.code).data : undefined;
  return { code: code ?? 'internal', message };
}

interface ResultOptions {
  /** Cut short: what is missing may only have lacked the time. */
  isInterrupted: boolean;
  scenario: Pick<Scenario, 'expect' | 'baseline'>;
}

/** A trial that measured something; failed when it hit a limit of the machine, or nothing good came of it. */
export function resultOf(
  trial: Trial,
  startedAt: string,
  measurement: Measurement,
  { isInterrupted, scenario }: ResultOptions,
): TrialResult {
  const error =
    limitHit(measurement) ?? (isInterrupted ? undefined : withoutAnswer(trial, measurement, scenario));
  return error === undefined
    ? { trial, startedAt, state: 'completed', isPartial: isInterrupted, measurement }
    : { trial, startedAt, state: 'failed', error };
}

function limitHit({ outcomes }: Measurement): Failure | undefined {
  for (const [outcome, code] of Object.entries(LIMITS) as [keyof typeof LIMITS, FailureCode][]) {
    const hit = outcomes[outcome];
    if (hit !== undefined) {
      return {
        code,
        message: `${hit.count} requests failed at a limit of this machine: ${hit.sample ?? outcome}`,
      };
    }
  }
  return undefined;
}

/** An arm without good answers has no figures: how fast it fails says nothing of what it was to do. */
function withoutAnswer(
  { arm }: Trial,
  measurement: Measurement,
  scenario: ResultOptions['scenario'],
): Failure | undefined {
  const { completed, failed, ledger, outcomes } = measurement;
  if (completed > 0 || (failed > 0 && areFailuresExpected(arm, scenario))) return undefined;
  const hasOnlyHung = failed === (outcomes.noAnswer?.count ?? 0) && ledger.unfinished > 0;
  if (hasOnlyHung) {
    const hasEnded = ledger.answered + ledger.failed > 0;
    return {
      code: 'no-answer',
      message: hasEnded
        ? `none of ${countText(failed || ledger.unfinished)} requests of ${arm} in the measured windows ended: each was given up at the end of its slice`
        : `none of ${countText(ledger.requestsSent)} requests of ${arm} ended: each was given up at the end of its slice`,
    };
  }
  const hasFailed = failed > 0 || (ledger.failed > 0 && ledger.answered === 0);
  if (!hasFailed || areFailuresExpected(arm, scenario)) return undefined;
  return {
    code: 'no-good-answer',
    message: `none of ${countText(failed || ledger.failed)} requests of ${arm} was answered well${commonestText(measurement)}`,
  };
}

/** `: 90 × connection reset, for example "read ECONNRESET"; 10 × bad status`, the most frequent first. */
function commonestText({ outcomes }: Measurement): string {
  const kinds = (Object.entries(outcomes) as [Outcome, { count: number; sample?: string }][])
    .toSorted(([, a], [, b]) => b.count - a.count)
    .slice(0, MOST_KINDS)
    .map(([outcome, { count, sample }]) => {
      const example = sample === undefined ? '' : `, for example "${sample.slice(0, MOST_SAMPLE)}"`;
      return `${countText(count)} × ${OUTCOME_WORDS[outcome]}${example}`;
    });
  return kinds.length === 0 ? ', and none ended in a measured window' : `: ${kinds.join('; ')}`;
}

function countText(count: number): string {
  return count.toLocaleString('en-US');
}

// From the arms of a replicate, and how to give one a turn. Out: arms under load in turn, each until it is steady.

interface WarmUpOptions {
  timing: Timing;
  load: Load;
  /** Before an arm has answered, the most that the link alone adds to its first answer; 0 without one. */
  firstResponseMs: number;
  /** Those that are still to be measured. */
  alive: () => readonly Arm[];
  turn: (arm: Arm, times: Omit<SliceOrder, 'epochMs'>) => Promise<SliceReading | undefined>;
  onWindow: (arm: Arm, reading: SliceReading) => void;
  signal: AbortSignal;
}

const WINDOW_MS = 250;
const FIRST_RAMP_MS = 20;

async function warmUpArms({
  timing,
  load,
  firstResponseMs,
  alive,
  turn,
  onWindow,
  signal,
}: WarmUpOptions): Promise<void> {
  const windows = new Map<Arm, WarmUpWindow[]>(alive().map(arm => [arm, []]));
  const isDone = (arm: Arm): boolean =>
    arm.warmupMs >= timing.warmupMaxMs || (arm.warmupMs >= timing.warmupMinMs && arm.isSteady);
  while (alive().some(arm => !isDone(arm)) && !signal.aborted) {
    for (const arm of alive().filter(candidate => !isDone(candidate))) {
      if (signal.aborted) return;
      const seen = windows.get(arm)!;
      const ratePerSec = load.model === 'capacity' ? warmUpPerSec(load, seen) : undefined;
      const meanMs = arm.meanResponseMs || firstResponseMs;
      const shape = { ...sliceShape(timing, { meanMs }), drainMs: warmUpDrainMs(meanMs) };
      const rampMs = arm.meanResponseMs === 0 ? Math.max(FIRST_RAMP_MS, firstResponseMs) : shape.rampMs;
      const times = paced({ ...shape, rampMs, windowMs: WINDOW_MS }, timing, load, ratePerSec);
      const order = ratePerSec === undefined ? times : { ...times, ratePerSec };
      const reading = await turn(arm, { ...order, isRecorded: false });
      if (reading === undefined) continue;
      arm.warmupMs += times.rampMs + reading.windowMs;
      arm.meanResponseMs =
        reading.completed === 0 ? Math.max(WINDOW_MS, firstResponseMs) : reading.meanUs / 1_000;
      // A process that has just started is slow to answer once, which says nothing of what is to come.
      if (arm.warmupSpeeds.length > 0) arm.noteSlowest(reading);
      arm.warmupSpeeds.push(speedOf(reading, load));
      arm.isSteady = isSteady(arm.warmupSpeeds);
      if (ratePerSec !== undefined) seen.push({ askedPerSec: ratePerSec, endedPerSec: endedPerSec(reading) });
      onWindow(arm, reading);
    }
  }
}

/** What rises while an arm warms up: where the load sets the rate, only response times can tell. */
function speedOf(reading: SliceReading, { model }: Load): number {
  switch (model) {
    case 'closed':
      return reading.windowMs === 0 ? 0 : reading.completed / reading.windowMs;
    case 'capacity':
      return endedPerSec(reading);
    case 'open':
    case 'burst':
      return reading.meanUs === 0 ? 0 : 1 / reading.meanUs;
    default:
      return model satisfies never;
  }
}

export interface SessionOptions {
  cell: PlannedCell;
  replicate: number;
  seed: number;
  arms: readonly Arm[];
  signal: AbortSignal;
  emit: Emit;
  /** Of the cell's budget, for the progress. */
  leftMs: () => number;
  /** Beyond its own times, how long a slice may take before its generator is taken for hung. */
  sliceGraceMs?: number;
}

const FINISH_TIMEOUT_MS = 20_000;
const SLICE_GRACE_MS = 5_000;
/** A generator that opens thousands of connections at once, or gives them up, hears nothing meanwhile. */
const GRACE_PER_REQUEST_MS = 1;
/** Of the next slice over the last: the rate still rises while an arm warms up. */
const HELD_MARGIN = 1.2;

interface Blocks {
  blocksDone?: number;
  blockCount?: number;
}

/** The turns of one replicate. Everything that an arm does passes through `turn`, so that its target's counts are its own. */
export function createSession(options: SessionOptions) {
  const { cell, replicate, seed, arms, signal, emit, leftMs } = options;
  const { timing, load } = cell.scenario;
  const { sliceGraceMs = SLICE_GRACE_MS + GRACE_PER_REQUEST_MS * mostInFlight(load) } = options;
  const isTls = usesTls(cell.scenario.target);
  const epochMs = Date.now();
  /** Arms that share a target share its account. */
  const accounts = new Map(
    [...new Set(arms.map(({ target }) => target))].map(target => [target, createTargetAccount(target)]),
  );
  const accountOf = ({ target }: Arm): TargetAccount => accounts.get(target)!;
  const isKernelCounting = hasKernelCounts();
  /** Before an arm has answered, the most that the link alone adds to its first answer. */
  const firstResponseMs =
    cell.scenario.link === undefined ? 0 : MOST_ROUND_TRIPS * longestRoundTripMs(cell.scenario.link);
  /** Ports that an arm's own closes leave in TIME_WAIT, where the kernel won't use them again. */
  const heldPerMs = new Map<Arm, number>();

  const alive = (): Arm[] => arms.filter(arm => arm.failure === undefined);

  function progress(
    phase: 'warm-up' | 'search' | 'measure' | 'finish',
    extra: { arm?: string; ratePerSec?: number; isKept?: boolean } & Blocks,
  ): void {
    emit({ type: 'progress', cell: cell.id, replicate, phase, leftMs: leftMs(), ...extra });
  }

  /**
   * Trips of one length keep users in step that have begun in step: all their requests would arrive at once for ever, and
   * wait for each other. So behind a link they begin spread over a response time.
   */
  function spreadOf(arm: Arm, rampMs: number): Pick<SliceOrder, 'spreadMs'> {
    if (arm.target.link === undefined) return {};
    return { spreadMs: Math.min(arm.meanResponseMs || firstResponseMs, rampMs / 2) };
  }

  async function turn(
    arm: Arm,
    times: Omit<SliceOrder, 'epochMs'>,
    place?: { block: number; position: number },
  ) {
    const lengthMs = times.rampMs + times.windowMs;
    const needed =
      mostInFlight(arm.trial.load) + Math.ceil((heldPerMs.get(arm) ?? 0) * lengthMs * HELD_MARGIN);
    const account = accountOf(arm);
    await account.waitForPorts(needed, message => emit({ type: 'notice', cell: cell.id, message }), signal);
    await account.open(arm);
    const heldBefore = account.heldPorts();
    const linkBefore = await arm.target.link?.read();
    const kernelBefore = readKernelCounts();
    const cut = (): void => arm.child.tell({ type: 'cut' });
    signal.addEventListener('abort', cut, { once: true });
    let reading: SliceReading;
    try {
      const timeoutMs = lengthMs + times.drainMs + sliceGraceMs;
      const order = { ...times, ...spreadOf(arm, times.rampMs), epochMs };
      const asked = arm.child.ask({ type: 'slice', order }, 'slice', timeoutMs);
      if (signal.aborted) cut(); // while this turn was being prepared
      ({ reading } = await asked);
    } catch (error) {
      arm.failure = failureOf(error, 'generator-died');
      await arm.child.kill();
      await account.book(arm, () => true);
      emit({ type: 'notice', cell: cell.id, message: arm.failure.message });
      return undefined;
    } finally {
      signal.removeEventListener('abort', cut);
    }
    const counted = kernelCountsBetween(kernelBefore, readKernelCounts());
    const linkAfter = await arm.target.link?.read();
    const link: LinkSpan | undefined = linkBefore && linkAfter && { before: linkBefore, after: linkAfter };
    const kernel = link === undefined ? counted : withoutRelay(counted, link);
    heldPerMs.set(arm, Math.max(0, account.heldPorts() - heldBefore) / lengthMs);
    arm.countKernel(isKernelCounting ? kernel : null);
    // Where the client does not count, the kernel's count, which may be higher, only makes the wait for the accept longer.
    const seen = { opened: reading.opened ?? kernel.activeOpens, isClosed: reading.opened === null, isTls };
    const target = await account.book(arm, (before, after) => hasSeenAll(before, after, seen));
    // A slice cut short before its window opened has measured nothing.
    if (place !== undefined && reading.windowMs > 0) arm.addSlice({ reading, target, kernel, link }, place);
    return reading;
  }

  function warmUp(): Promise<void> {
    const onWindow = (arm: Arm, reading: SliceReading): void =>
      progress('warm-up', { arm: arm.trial.arm, ratePerSec: rateOf(reading) });
    return warmUpArms({ timing, load, firstResponseMs, alive, turn, onWindow, signal });
  }

  /** Of a capacity load: gives every arm the rate at which it is measured then. */
  async function search(): Promise<void> {
    if (load.model !== 'capacity') return;
    await findCapacities({
      load,
      arms,
      signal,
      offsetOf: ({ trial }) => createRandom(trial.seed, 'search')(),
      orderOf: round => blockOrder(cell, seed, replicate, round),
      async probe(arm, ratePerSec) {
        const times = probeShape(load, timing, ratePerSec);
        const reading = await turn(arm, { ...times, isRecorded: false, ratePerSec });
        return signal.aborted ? undefined : reading;
      },
      onProbe: ({ trial }, { ratePerSec, isKept }) =>
        progress('search', { arm: trial.arm, ratePerSec, isKept }),
    });
  }

  /** Makes an arm's slices hold the longest request that it was seen to make, and has the trial say so. */
  function shapeOf(arm: Arm, ratePerSec: number | undefined): SliceShape {
    const seen = {
      meanMs: arm.meanResponseMs || firstResponseMs,
      timeouts: arm.trial.client.timeouts,
      dropsInFlight: arm.dropsInFlight,
    };
    const asked = paced(sliceShape(timing, seen), timing, load, ratePerSec);
    const shape = paced(sliceShape(timing, { ...seen, ...arm.slowest }), timing, load, ratePerSec);
    if (shape.windowMs > asked.windowMs) {
      arm.lengthening = { fromMs: asked.windowMs, toMs: shape.windowMs, longestMs: arm.slowest.longestMs };
    }
    return shape;
  }

  async function measure(): Promise<void> {
    const rateFor = (arm: Arm): number | undefined =>
      load.model === 'capacity' ? (askedPerSec(load, arm.capacity) ?? undefined) : undefined;
    const shapes = new Map(arms.map(arm => [arm.trial.arm, shapeOf(arm, rateFor(arm))]));
    const longestMs = Math.max(...[...shapes.values()].map(shape => shape.windowMs));
    const random = createRandom(seed, 'ramp', cell.id, replicate);
    const blockCount = timing.slicing === 'whole' ? 1 : Math.max(1, Math.ceil(timing.measureMs / longestMs));
    for (let block = 0; block < blockCount && !signal.aborted; block++) {
      for (const [position, name] of blockOrder(cell, seed, replicate, block).entries()) {
        const arm = alive().find(candidate => candidate.trial.arm === name);
        if (arm === undefined || signal.aborted) continue;
        const shape = shapes.get(name)!;
        const ratePerSec = rateFor(arm);
        // Every arm is measured for measureMs: where a slow one has few long slices, a fast one's are no shorter than that.
        const windowMs = Math.max(shape.windowMs, Math.ceil(timing.measureMs / blockCount));
        const rampMs = spreadRampMs(shape.rampMs, timing, load, random());
        const times = paced({ ...shape, rampMs, windowMs }, timing, load, ratePerSec);
        const order = ratePerSec === undefined ? times : { ...times, ratePerSec };
        const reading = await turn(arm, { ...order, isRecorded: true }, { block, position });
        if (reading === undefined) continue;
        arm.noteSlowest(reading);
        progress('measure', { arm: name, ratePerSec: rateOf(reading), blocksDone: block + 1, blockCount });
      }
    }
  }

  async function finish(startedAt: string): Promise<TrialResult[]> {
    const results: TrialResult[] = [];
    for (const arm of arms) {
      if (signal.aborted && arm.sliceCount === 0 && arm.capacity === null && isUntouched(arm)) continue;
      progress('finish', { arm: arm.trial.arm });
      if (arm.failure === undefined) {
        try {
          const { reading } = await arm.child.ask({ type: 'finish' }, 'finished', FINISH_TIMEOUT_MS);
          await accountOf(arm).bookEnds(arm, reading.opened);
          arm.child.requireLoaded();
          const kind = { isInterrupted: signal.aborted, scenario: cell.scenario };
          results.push(resultOf(arm.trial, startedAt, arm.finish(reading), kind));
          continue;
        } catch (error) {
          arm.failure = failureOf(error, arm.target.isAlive ? 'generator-died' : deathCode(arm.target));
        }
      }
      results.push({ trial: arm.trial, startedAt, state: 'failed', error: arm.failure });
    }
    return results;
  }

  return { warmUp, search, measure, finish };
}

/** Not failed; or ended by the Ctrl-C that reaches a process which is just starting before it can ignore it. */
function isUntouched({ failure }: Arm): boolean {
  return failure === undefined || failure.code === 'generator-start';
}

/** Completed per second of the window; 0 where it was cut short before it opened. */
function rateOf({ completed, windowMs }: SliceReading): number {
  return windowMs === 0 ? 0 : (completed / windowMs) * 1_000;
}
