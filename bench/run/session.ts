// In: the target and the arms of one replicate. Out: their turns under load, each booked to the arm whose turn it was.
import { mostInFlight } from '../core/load.ts';
import type { SliceOrder, SliceReading, TargetReading } from '../core/protocol.ts';
import { longestRoundTripMs, MOST_ROUND_TRIPS } from '../core/round-trips.ts';
import type { TrialResult } from '../core/types.ts';
import { blockOrder, type PlannedCell } from '../plan/plan.ts';
import { isSteady, sliceShape } from '../plan/timing.ts';
import { kernelCountsBetween, readKernelCounts } from '../probes/sockets.ts';
import type { Arm } from './arm.ts';
import type { Emit } from './events.ts';
import { type LinkSpan, withoutRelay } from './linked-target.ts';
import { failureOf, resultOf } from './outcome.ts';
import { countHeldPorts, waitForPorts } from './port-watch.ts';
import { deathCode, type TargetProcess } from './target.ts';

export interface SessionOptions {
  cell: PlannedCell;
  replicate: number;
  seed: number;
  target: TargetProcess;
  arms: readonly Arm[];
  signal: AbortSignal;
  emit: Emit;
  /** Of the cell's budget, for the progress. */
  leftMs: () => number;
  /** Beyond its own times, how long a slice may take before its generator is taken for hung; 5 s unless given. */
  sliceGraceMs?: number;
}

const FINISH_TIMEOUT_MS = 20_000;
const SLICE_GRACE_MS = 5_000;
const WARMUP_WINDOW_MS = 250;
/** Of the next slice over the last: the rate still rises while an arm warms up. */
const HELD_MARGIN = 1.2;
const FIRST_RAMP_MS = 20;
/** A connection that the client has may not be counted by the target yet: the accept is still in its queue. */
const ACCEPT_SETTLE = { tries: 20, pauseMs: 5 } as const;

interface Blocks {
  blocksDone?: number;
  blockCount?: number;
}

/** The turns of one replicate. Everything that an arm does passes through `turn`, so that the target's counts are its own. */
export function createSession(options: SessionOptions) {
  const {
    cell,
    replicate,
    seed,
    target,
    arms,
    signal,
    emit,
    leftMs,
    sliceGraceMs = SLICE_GRACE_MS,
  } = options;
  const { timing } = cell.scenario;
  const epochMs = Date.now();
  const ports = [Number(new URL(target.endpoint.origin).port), target.link?.upstreamPort ?? []].flat();
  const heldPorts = (): number => Math.max(...ports.map(countHeldPorts));
  /** Before an arm has answered, the most that the link alone adds to its first answer. */
  const firstResponseMs =
    cell.scenario.link === undefined ? 0 : MOST_ROUND_TRIPS * longestRoundTripMs(cell.scenario.link);
  /** Ports that an arm's own closes leave in TIME_WAIT, where the kernel won't use them again. */
  const heldPerMs = new Map<Arm, number>();
  let last: TargetReading | undefined;

  const alive = (): Arm[] => arms.filter(arm => arm.failure === undefined);

  function progress(
    phase: 'warm-up' | 'measure' | 'finish',
    extra: { arm?: string; ratePerSec?: number } & Blocks,
  ): void {
    emit({ type: 'progress', cell: cell.id, replicate, phase, leftMs: leftMs(), ...extra });
  }

  /** Reads the target and books what it counted since the last reading to the arm, whose turn it was. */
  async function book(
    arm: Arm,
    isComplete: (accepted: number, reading: TargetReading) => boolean,
  ): Promise<TargetReading> {
    await target.link?.settle();
    const before = last ?? (await target.read());
    let after = await target.read();
    for (let i = 0; i < ACCEPT_SETTLE.tries && !isComplete(after.accepted - before.accepted, after); i++) {
      await new Promise(resolve => setTimeout(resolve, ACCEPT_SETTLE.pauseMs));
      after = await target.read();
    }
    arm.countTarget(before, after);
    last = after;
    return before;
  }

  /**
   * Trips of one length keep users in step that have begun in step: all their requests would arrive at once for ever, and
   * wait for each other. So behind a link they begin spread over a response time.
   */
  function spreadOf(arm: Arm, rampMs: number): Pick<SliceOrder, 'spreadMs'> {
    if (target.link === undefined) return {};
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
    for (const port of ports) {
      await waitForPorts(port, needed, message => emit({ type: 'notice', cell: cell.id, message }), signal);
    }
    last ??= await target.read();
    const heldBefore = heldPorts();
    const linkBefore = await target.link?.read();
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
      await book(arm, () => true);
      emit({ type: 'notice', cell: cell.id, message: arm.failure.message });
      return undefined;
    } finally {
      signal.removeEventListener('abort', cut);
    }
    const counted = kernelCountsBetween(kernelBefore, readKernelCounts());
    const linkAfter = await target.link?.read();
    const link: LinkSpan | undefined = linkBefore && linkAfter && { before: linkBefore, after: linkAfter };
    const kernel = link === undefined ? counted : withoutRelay(counted, link);
    heldPerMs.set(arm, Math.max(0, heldPorts() - heldBefore) / lengthMs);
    const targetBefore = await book(arm, accepted => accepted >= (reading.opened ?? 0));
    // A slice cut short before its window opened has measured nothing.
    if (place !== undefined && reading.windowMs > 0)
      arm.addSlice({ reading, targetBefore, targetAfter: last!, kernel, link }, place);
    return reading;
  }

  async function warmUp(): Promise<void> {
    const isDone = (arm: Arm): boolean =>
      arm.warmupMs >= timing.warmupMaxMs || (arm.warmupMs >= timing.warmupMinMs && arm.isSteady);
    while (alive().some(arm => !isDone(arm)) && !signal.aborted) {
      for (const arm of alive().filter(candidate => !isDone(candidate))) {
        if (signal.aborted) return;
        const shape = sliceShape(timing, arm.meanResponseMs || firstResponseMs);
        const rampMs = arm.meanResponseMs === 0 ? Math.max(FIRST_RAMP_MS, firstResponseMs) : shape.rampMs;
        const { drainMs } = shape;
        const reading = await turn(arm, { rampMs, windowMs: WARMUP_WINDOW_MS, drainMs, isRecorded: false });
        if (reading === undefined) continue;
        arm.warmupMs += rampMs + reading.windowMs;
        arm.meanResponseMs =
          reading.completed === 0 ? Math.max(WARMUP_WINDOW_MS, firstResponseMs) : reading.meanUs / 1_000;
        arm.warmupRatesPerSec.push(rateOf(reading));
        arm.isSteady = isSteady(arm.warmupRatesPerSec);
        progress('warm-up', { arm: arm.trial.arm, ratePerSec: arm.warmupRatesPerSec.at(-1)! });
      }
    }
  }

  async function measure(): Promise<void> {
    const shapes = new Map(
      arms.map(arm => [arm.trial.arm, sliceShape(timing, arm.meanResponseMs || firstResponseMs)]),
    );
    const longestMs = Math.max(...[...shapes.values()].map(shape => shape.windowMs));
    const blockCount = timing.slicing === 'whole' ? 1 : Math.max(1, Math.ceil(timing.measureMs / longestMs));
    for (let block = 0; block < blockCount && !signal.aborted; block++) {
      for (const [position, name] of blockOrder(cell, seed, replicate, block).entries()) {
        const arm = alive().find(candidate => candidate.trial.arm === name);
        if (arm === undefined || signal.aborted) continue;
        const shape = shapes.get(name)!;
        // Every arm is measured for measureMs: where a slow one has few long slices, a fast one's are no shorter than that.
        const windowMs = Math.max(shape.windowMs, Math.ceil(timing.measureMs / blockCount));
        const reading = await turn(arm, { ...shape, windowMs, isRecorded: true }, { block, position });
        if (reading === undefined) continue;
        progress('measure', { arm: name, ratePerSec: rateOf(reading), blocksDone: block + 1, blockCount });
      }
    }
  }

  async function finish(startedAt: string): Promise<TrialResult[]> {
    const results: TrialResult[] = [];
    for (const arm of arms) {
      if (signal.aborted && arm.sliceCount === 0 && isUntouched(arm)) continue;
      progress('finish', { arm: arm.trial.arm });
      if (arm.failure === undefined) {
        try {
          const { reading } = await arm.child.ask({ type: 'finish' }, 'finished', FINISH_TIMEOUT_MS);
          const closedBefore = closedConnections(last);
          const stillOpen = (reading.opened ?? 0) - arm.closedConnections();
          await book(arm, (_accepted, after) => closedConnections(after) - closedBefore >= stillOpen);
          results.push(resultOf(arm.trial, startedAt, arm.finish(reading), signal.aborted));
          continue;
        } catch (error) {
          arm.failure = failureOf(error, target.isAlive ? 'generator-died' : deathCode(target));
        }
      }
      results.push({ trial: arm.trial, startedAt, state: 'failed', error: arm.failure });
    }
    return results;
  }

  return { warmUp, measure, finish };
}

/** Not failed; or ended by the Ctrl-C that reaches a process which is just starting before it can ignore it. */
function isUntouched({ failure }: Arm): boolean {
  return failure === undefined || failure.code === 'generator-start';
}

/** Completed per second of the window; 0 where it was cut short before it opened. */
function rateOf({ completed, windowMs }: SliceReading): number {
  return windowMs === 0 ? 0 : (completed / windowMs) * 1_000;
}

function closedConnections(reading: TargetReading | undefined): number {
  return reading?.requestsPerConnection.reduce((sum, entry) => sum + entry.connections, 0) ?? 0;
}
