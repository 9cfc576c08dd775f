// In: the arms of one replicate, each with its target. Out: their turns under load, each booked to the arm whose turn it was.
import { askedPerSec } from '../../results/asked-rate.ts';
import { mostInFlight } from '../../scenarios/model/load.ts';
import type { SliceOrder, SliceReading } from '../../servers/protocol.ts';
import { createRandom } from '../../results/random.ts';
import { longestRoundTripMs, MOST_ROUND_TRIPS } from '../core/round-trips.ts';
import { usesTls } from '../../scenarios/model/target.ts';
import type { TrialResult } from '../../results/model/trial.ts';
import { paced, probeShape } from '../plan/pace.ts';
import { blockOrder, type PlannedCell } from '../plan/plan.ts';
import { type SliceShape, sliceShape } from '../plan/timing.ts';
import { hasKernelCounts, kernelCountsBetween, readKernelCounts } from '../probes/kernel.ts';
import type { Arm } from './arm.ts';
import type { Emit } from './events.ts';
import { findCapacities } from './find-capacities.ts';
import { type LinkSpan, withoutRelay } from './linked-target.ts';
import { failureOf, resultOf } from './outcome.ts';
import { hasSeenAll } from './server-counts.ts';
import { deathCode } from './targets.ts';
import { createTargetAccount, type TargetAccount } from './account.ts';
import { warmUpArms } from './warm-up.ts';

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
    const blockCount = timing.slicing === 'whole' ? 1 : Math.max(1, Math.ceil(timing.measureMs / longestMs));
    for (let block = 0; block < blockCount && !signal.aborted; block++) {
      for (const [position, name] of blockOrder(cell, seed, replicate, block).entries()) {
        const arm = alive().find(candidate => candidate.trial.arm === name);
        if (arm === undefined || signal.aborted) continue;
        const shape = shapes.get(name)!;
        const ratePerSec = rateFor(arm);
        // Every arm is measured for measureMs: where a slow one has few long slices, a fast one's are no shorter than that.
        const windowMs = Math.max(shape.windowMs, Math.ceil(timing.measureMs / blockCount));
        const times = paced({ ...shape, windowMs }, timing, load, ratePerSec);
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
