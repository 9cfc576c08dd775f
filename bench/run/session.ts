// The slices of one replicate: its arms take turns under load, and each slice is booked to its arm.

import { addAbortListener } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { askedPerSec, TIME_WAIT_METRICS } from '../../results/metrics.ts';
import type { KernelCounts, Slice, TrialResult } from '../../results/model/trial.ts';
import { createRandom } from '../../results/random.ts';
import { originCount, usesTls } from '../../scenarios/model/facts.ts';
import { type Load, mostInFlight } from '../../scenarios/model/load.ts';
import type { Timing } from '../../scenarios/model/scenario.ts';
import { longestRoundTripMs, MAX_ROUND_TRIPS } from '../../scenarios/model/target.ts';
import { endedPerSec } from '../plan/capacity-search.ts';
import { blockOrder, requestSeed } from '../plan/plan.ts';
import {
  blockCount,
  probeShape,
  type SeenTimes,
  type SliceShape,
  shapeForLoad,
  sliceShape,
  spreadRampMs,
} from '../plan/slice-shape.ts';
import {
  isSteady,
  speedOf,
  WARMUP_WINDOW_MS,
  type WarmUpWindow,
  warmUpDrainMs,
  warmUpPerSec,
} from '../plan/warm-up.ts';
import { SocketSampler } from '../probes/held.ts';
import { hasKernelCounts, kernelCountsBetween, readKernelCounts, readKernelsOf } from '../probes/kernel.ts';
import type { SliceOrder, SliceReading } from '../protocol.ts';
import { hasSeenAll, TargetAccount } from './account.ts';
import type { Arm, SliceEvidence } from './arm.ts';
import { patienceMs } from './child.ts';
import type { ReplicateContext, RunEvent } from './context.ts';
import { findCapacities } from './find-capacities.ts';
import {
  deathCode,
  type LinkSpan,
  type MeasuredTarget,
  PROFILE_TIMEOUT_MS,
  withoutRelay,
} from './targets.ts';
import { failureOf, resultOf } from './trial-result.ts';

const FIRST_RAMP_MS = 20;

interface SessionOptions
  extends Pick<ReplicateContext, 'cell' | 'replicate' | 'seed' | 'signal' | 'emit' | 'leftMs'>,
    Pick<ReplicateContext, 'limitedMachine' | 'fleet' | 'serverMachine' | 'sliceGraceMs'> {
  arms: readonly Arm[];
  /** How many times as long as on an idle machine processes take now; default: as this machine shows. */
  slowness?: (() => number) | undefined;
}

/** At a sample every fifth of a millisecond, thousands of them. */
const PROFILED_MS = 1_000;

/** Makes a name safe for use in a file name. */
function toFileName(name: string): string {
  return name.replaceAll(/[^\w.-]+/g, '_').slice(0, 60);
}

/** The slice of one user: enough for a median, and behind a link long enough for some round trips. */
const ALONE = { leastMs: 150, mostMs: 1_500, responses: 6, leastRequests: 3 } as const;
const FINISH_TIMEOUT_MS = 20_000;
const SLICE_GRACE_MS = 5_000;
/** A generator that opens or abandons thousands of connections at once does not read its channel meanwhile. */
const GRACE_PER_REQUEST_MS = 1;
/** Between machines, ramps absorb what their starts lie apart: by clocks, networks and processes that wake up late. */
const MIN_RAMP_OF_MACHINES_MS = 50;
/** Safety factor: the rate may still rise during warm-up. */
const HELD_MARGIN = 1.2;

type ProgressEvent = Extract<RunEvent, { type: 'progress' }>;
type Progress = Pick<ProgressEvent, 'ratePerSec' | 'isKept' | 'blocksDone' | 'blockCount'>;

/** The times of a slice, and its rate if the load is a capacity search. */
type SliceRequest = Omit<SliceOrder, 'epochMs'>;
type Place = Pick<Slice, 'block' | 'position'>;

/** What is read right before a slice, to be compared with the same after it. */
interface BeforeSlice {
  heldPorts: number;
  link: LinkSpan['before'] | undefined;
  kernel: KernelCounts;
  atMs: number;
}

/** The slices of one replicate: warmUp, search and measure in this order, then finish. */
export class Session {
  readonly #options: SessionOptions;
  readonly #timing: Timing;
  readonly #load: Load;
  readonly #isKernelCounting = hasKernelCounts();
  /** Reading them costs tens of milliseconds where there are tens of thousands. */
  readonly #asksForTimeWait: boolean;
  readonly #epochMs = Date.now();
  /** The most that the link alone adds to the first answer of an arm; 0 without a link. */
  readonly #firstResponseMs: number;
  /** Arms that share a target share its account. */
  readonly #accounts: ReadonlyMap<MeasuredTarget, TargetAccount>;
  /** Ports that an arm's own closes leave in TIME_WAIT, where the kernel will not reuse them, per ms of load. */
  readonly #heldPerMs = new Map<Arm, number>();
  /** Slices of an arm that were not measured, where several requests are drawn. */
  readonly #unplaced = new Map<Arm, number>();

  constructor(options: SessionOptions) {
    const { timing, load, link, expect } = options.cell.scenario;
    this.#options = options;
    this.#timing = timing;
    this.#load = load;
    this.#asksForTimeWait =
      this.#isKernelCounting &&
      link === undefined &&
      expect.some(({ metric }) => TIME_WAIT_METRICS.has(metric));
    this.#firstResponseMs = link === undefined ? 0 : MAX_ROUND_TRIPS * longestRoundTripMs(link);
    const targets = new Set(options.arms.map(arm => arm.target));
    this.#accounts = new Map([...targets].map(shared => [shared, new TargetAccount(shared)]));
  }

  /** Runs unrecorded slices until every arm is steady or out of time. */
  async warmUp(): Promise<void> {
    const { signal } = this.#options;
    const windows = new Map<Arm, WarmUpWindow[]>(this.#alive().map(arm => [arm, []]));
    while (this.#alive().some(arm => !this.#isWarm(arm)) && !signal.aborted) {
      for (const arm of this.#alive().filter(candidate => !this.#isWarm(candidate))) {
        if (signal.aborted) return;
        await this.#warmUpOnce(arm, windows.get(arm)!);
      }
    }
  }

  /** For a capacity load: finds the rate at which each arm is then measured. */
  async search(): Promise<void> {
    const { cell, arms, signal, seed, replicate } = this.#options;
    const load = this.#load;
    if (load.model !== 'capacity') return;
    await findCapacities({
      load,
      arms,
      signal,
      offsetOf: ({ trial }) => createRandom(trial.seed, 'search')(),
      orderOf: round => blockOrder(cell, seed, replicate, round),
      probe: async (arm, ratePerSec) => {
        const times = probeShape(load, this.#timing, ratePerSec);
        const reading = await this.#runSlice(arm, { ...times, isRecorded: false, ratePerSec });
        return signal.aborted ? undefined : reading;
      },
      onProbe: ({ name }, { ratePerSec, isKept }) => this.#progress('search', name, { ratePerSec, isKept }),
    });
  }

  /** Runs the recorded slices, block by block. */
  async measure(): Promise<void> {
    const { cell, replicate, seed, arms, signal, fleet } = this.#options;
    const shapes = new Map(arms.map(arm => [arm.name, this.#shapeFor(arm)]));
    const longestMs = Math.max(...[...shapes.values()].map(shape => shape.windowMs));
    const random = createRandom(seed, 'ramp', cell.id, replicate);
    const blocks = blockCount(this.#timing, longestMs);
    // Every arm is measured for measureMs: if a slow arm has few long slices, those of a fast one are no shorter than that.
    const leastWindowMs = Math.ceil(this.#timing.measureMs / blocks);
    for (let block = 0; block < blocks && !signal.aborted; block++) {
      for (const [position, name] of blockOrder(cell, seed, replicate, block).entries()) {
        const arm = this.#alive().find(candidate => candidate.name === name);
        if (arm === undefined || signal.aborted) continue;
        const shape = shapes.get(name)!;
        const leastMs = fleet === undefined ? shape.rampMs : Math.max(shape.rampMs, MIN_RAMP_OF_MACHINES_MS);
        const rampMs = spreadRampMs(leastMs, this.#timing, this.#load, random());
        const windowMs = Math.max(shape.windowMs, leastWindowMs);
        const request = this.#atRate({ ...shape, rampMs, windowMs }, this.#rateFor(arm), true);
        const reading = await this.#runSlice(arm, request, { block, position });
        if (reading === undefined) continue;
        arm.noteSlowest(reading);
        this.#progress('measure', name, {
          ratePerSec: rateOf(reading),
          blocksDone: block + 1,
          blockCount: blocks,
        });
      }
    }
  }

  /**
   * Runs a short slice of each arm with one user, so without any queue: what opening a connection takes by itself. Nothing of it is
   * in the measured figures. Not where the length of a slice is the question, nor for load tools, whose users can't rest.
   */
  async measureAlone(): Promise<void> {
    const { signal } = this.#options;
    const load = this.#load;
    if (load.model !== 'closed' || load.concurrency === 1 || this.#timing.slicing === 'whole') return;
    const windowMs = Math.min(ALONE.mostMs, Math.max(ALONE.leastMs, ALONE.responses * this.#firstResponseMs));
    for (const arm of this.#alive().filter(({ hasUsers }) => hasUsers)) {
      if (signal.aborted) return;
      const rampMs = Math.max(FIRST_RAMP_MS, Math.ceil(this.#firstResponseMs));
      const drainMs = warmUpDrainMs(arm.meanResponseMs);
      const request = { rampMs, windowMs: Math.ceil(windowMs), drainMs, isRecorded: false, users: 1 };
      const reading = await this.#runSlice(arm, request);
      if (reading === undefined || signal.aborted) continue;
      const { completed: requests, failed, p50Us: responseUs, connectUs, tlsUs } = reading;
      if (requests < ALONE.leastRequests || failed > 0 || responseUs === null) continue;
      arm.alone = { requests, responseUs, connectUs, tlsUs };
    }
  }

  /**
   * One more slice of each client under V8's profiler. The profiler slows it, so that it may count in no figure.
   *
   * @param dir gets a folder of the cell
   */
  async profile(dir: string): Promise<void> {
    if (this.#load.model === 'capacity') {
      this.#notice(
        'not profiled: a capacity search has no load of its own; use an open load of the rate that it found',
      );
      return;
    }
    const folder = join(dir, toFileName(this.#options.cell.id));
    mkdirSync(folder, { recursive: true });
    for (const [index, arm] of this.#alive().entries()) {
      if (this.#options.signal.aborted) return;
      if (!arm.hasUsers) {
        this.#notice(`${arm.name} is not profiled: only clients of a single generator are, not load tools`);
        continue;
      }
      this.#progress('profile', arm.name);
      await this.#profileArm(arm, join(folder, `${index + 1}-${toFileName(arm.name)}`));
    }
  }

  async #profileArm(arm: Arm, path: string): Promise<void> {
    const shape = this.#shapeFor(arm);
    const request = {
      ...this.#atRate(shape, undefined, false),
      windowMs: Math.max(PROFILED_MS, shape.windowMs),
      profilePath: `${path}.client`,
    };
    const { profiler } = arm.target;
    await profiler?.start();
    await this.#runSlice(arm, request);
    await profiler?.save(`${path}.server`);
  }

  /** @returns a result per arm, except for arms that an interruption left unmeasured */
  async finish(): Promise<TrialResult[]> {
    const { arms, signal } = this.#options;
    const results: TrialResult[] = [];
    for (const arm of arms) {
      if (signal.aborted && !arm.hasOutcome && arm.capacity === null && isUntouched(arm)) continue;
      this.#progress('finish', arm.name);
      results.push(await this.#finishArm(arm));
    }
    return results;
  }

  #alive(): Arm[] {
    return this.#options.arms.filter(arm => arm.failure === undefined);
  }

  #accountOf({ target }: Arm): TargetAccount {
    return this.#accounts.get(target)!;
  }

  #progress(phase: ProgressEvent['phase'], arm: string, extra: Progress = {}): void {
    const { emit, cell, replicate, leftMs } = this.#options;
    emit({ type: 'progress', cell: cell.id, replicate, phase, leftMs: leftMs(), arm, ...extra });
  }

  #notice(message: string): void {
    this.#options.emit({ type: 'notice', cell: this.#options.cell.id, message });
  }

  #isWarm(arm: Arm): boolean {
    const { warmupMinMs, warmupMaxMs } = this.#timing;
    return arm.warmupMs >= warmupMaxMs || (arm.warmupMs >= warmupMinMs && arm.isSteady);
  }

  async #warmUpOnce(arm: Arm, seen: WarmUpWindow[]): Promise<void> {
    const load = this.#load;
    const firstResponseMs = this.#firstResponseMs;
    const ratePerSec = load.model === 'capacity' ? warmUpPerSec(load, seen) : undefined;
    const meanMs = arm.meanResponseMs || firstResponseMs;
    const shape = { ...sliceShape(this.#timing, { meanMs }), drainMs: warmUpDrainMs(meanMs) };
    const rampMs = arm.meanResponseMs === 0 ? Math.max(FIRST_RAMP_MS, firstResponseMs) : shape.rampMs;
    const request = this.#atRate({ ...shape, rampMs, windowMs: WARMUP_WINDOW_MS }, ratePerSec, false);
    const reading = await this.#runSlice(arm, request);
    if (reading === undefined) return;
    arm.warmupMs += request.rampMs + reading.windowMs;
    arm.meanResponseMs =
      reading.completed === 0 ? Math.max(WARMUP_WINDOW_MS, firstResponseMs) : reading.meanUs / 1_000;
    // The first answers of a process that has just started are slow, which says nothing about later ones.
    if (arm.warmupSpeeds.length > 0) arm.noteSlowest(reading);
    arm.warmupSpeeds.push(speedOf(reading, load));
    arm.isSteady = isSteady(arm.warmupSpeeds);
    if (ratePerSec !== undefined) seen.push({ askedPerSec: ratePerSec, endedPerSec: endedPerSec(reading) });
    this.#progress('warm-up', arm.name, { ratePerSec: rateOf(reading) });
  }

  #rateFor({ capacity }: Arm): number | undefined {
    return this.#load.model === 'capacity' ? (askedPerSec(this.#load, capacity) ?? undefined) : undefined;
  }

  #atRate(shape: SliceShape, ratePerSec: number | undefined, isRecorded: boolean): SliceRequest {
    const times = shapeForLoad(shape, this.#timing, this.#load, ratePerSec);
    return ratePerSec === undefined ? { ...times, isRecorded } : { ...times, ratePerSec, isRecorded };
  }

  /** The shape of an arm's measured slices: long enough for its longest request so far, which the trial then reports. */
  #shapeFor(arm: Arm): SliceShape {
    const timing = this.#timing;
    const ratePerSec = this.#rateFor(arm);
    const seen = {
      meanMs: arm.meanResponseMs || this.#firstResponseMs,
      timeouts: arm.trial.client.timeouts,
      dropsInFlight: arm.dropsInFlight,
    };
    const shapeOf = (known: SeenTimes): SliceShape =>
      shapeForLoad(sliceShape(timing, known), timing, this.#load, ratePerSec);
    const asked = shapeOf(seen);
    const shape = shapeOf({ ...seen, ...arm.slowest });
    if (shape.windowMs > asked.windowMs) {
      arm.lengthening = { fromMs: asked.windowMs, toMs: shape.windowMs, longestMs: arm.slowest.longestMs };
    }
    return shape;
  }

  /**
   * Runs one slice of an arm; undefined if it failed. Everything that an arm does passes through here, so that the target's
   * counts are booked to the right arm.
   * @param place absent in warm-ups and searches, which are not stored
   */
  async #runSlice(arm: Arm, request: SliceRequest, place?: Place): Promise<SliceReading | undefined> {
    const account = this.#accountOf(arm);
    const { signal, limitedMachine, cell } = this.#options;
    const lengthMs = request.rampMs + request.windowMs;
    // Not where running out of them is the question.
    if (cell.scenario.limits?.localPorts === undefined)
      await account.waitForPorts(this.#portsNeeded(arm, lengthMs), text => this.#notice(text), signal);
    // Before the slice has begun for the target: its faults have times of their own.
    const sampler = place && this.#sampler(arm, request);
    await account.open();
    await this.#startSlice(arm, request);
    const before = await this.#readBefore(arm);
    sampler?.start();
    const reading = await this.#askForSlice(arm, { ...request, ...sampler?.order }, place);
    sampler?.stop();
    if (reading === undefined) return undefined;
    const counted = await this.#readAfter(arm, before, { reading, lengthMs });
    // A slice that was cut before its window opened has measured nothing.
    if (place !== undefined && reading.windowMs > 0) {
      const timeWait = this.#asksForTimeWait
        ? account.timeWait(performance.now() - before.atMs, limitedMachine?.pid)
        : null;
      const held = reading.held && sampler?.finish(reading.held);
      arm.addSlice({ reading, ...counted, timeWait, held }, place);
    }
    return reading;
  }

  /** Reads the counters that go on from slice to slice; the kernel's last, so that its span is hardly longer than the slice. */
  async #readBefore(arm: Arm): Promise<BeforeSlice> {
    const heldPorts = this.#accountOf(arm).heldPorts();
    const link = await arm.target.link?.read();
    const kernel = await this.#readKernel();
    return { heldPorts, link, kernel, atMs: performance.now() };
  }

  /** Reads the same counters again, the kernel's first, and books what the target and the kernel counted to the arm. */
  async #readAfter(
    arm: Arm,
    before: BeforeSlice,
    { reading, lengthMs }: { reading: SliceReading; lengthMs: number },
  ): Promise<Pick<SliceEvidence, 'target' | 'kernel' | 'link'>> {
    const account = this.#accountOf(arm);
    const counted = kernelCountsBetween(before.kernel, await this.#readKernel());
    const linkAfter = await arm.target.link?.read();
    const link = before.link && linkAfter && { before: before.link, after: linkAfter };
    const kernel = link === undefined ? counted : withoutRelay(counted, link);
    this.#heldPerMs.set(arm, Math.max(0, account.heldPorts() - before.heldPorts) / lengthMs);
    arm.countKernel(this.#isKernelCounting ? kernel : null);
    const seen = {
      // If the client does not count, the kernel's count, which may be higher, only prolongs the wait for the accept.
      opened: reading.opened ?? kernel.activeOpens,
      isClosed: reading.opened === null,
      isTls: usesTls(arm.trial.target),
    };
    const target = await account.book(arm, (start, end) => hasSeenAll(start, end, seen));
    return { target, kernel, link };
  }

  /** Reads the kernel counters of the clients' machines, and of the server's if an agent runs there. */
  async #readKernel(): Promise<KernelCounts> {
    const { limitedMachine, fleet, serverMachine } = this.#options;
    if (fleet === undefined && serverMachine === undefined) return readKernelCounts(limitedMachine?.pid);
    return readKernelsOf(fleet?.kernels, serverMachine);
  }

  /** Samples the sockets of a slice that lasts for a whole replicate; undefined where clients take turns, or where there is nothing to read. */
  #sampler(arm: Arm, { rampMs, windowMs, drainMs }: SliceRequest): SocketSampler | undefined {
    const { trial, child, target } = arm;
    const isWhole =
      this.#timing.slicing === 'whole' && trial.generators === undefined && trial.machines === undefined;
    if (!isWhole || !this.#isKernelCounting) return undefined;
    const isDirect = target.link === undefined;
    return new SocketSampler({
      clientPid: child.pid,
      server:
        target.pid === undefined
          ? null
          : { pid: target.pid, ports: isDirect ? this.#accountOf(arm).ports : [] },
      lengthMs: rampMs + windowMs + drainMs,
      epochMs: this.#epochMs,
    });
  }

  /** Every slice finds the same target, and in a recorded one it changes at the times that the scenario states. */
  async #startSlice({ target }: Arm, { rampMs, isRecorded }: SliceRequest): Promise<void> {
    const { backends, faults } = this.#options.cell.scenario.target;
    if (typeof backends === 'number' && faults.every(({ during }) => during === undefined)) return;
    const delayMs = this.#options.fleet?.sliceDelayMs ?? 0;
    await target.startSlice?.(isRecorded ? delayMs + rampMs : null);
  }

  #portsNeeded(arm: Arm, lengthMs: number): number {
    const heldPerMs = this.#heldPerMs.get(arm) ?? 0;
    return mostInFlight(arm.trial.load) + Math.ceil(heldPerMs * lengthMs * HELD_MARGIN);
  }

  /** Has the arm's generator run a slice. If it fails, ends the process and the arm. */
  async #askForSlice(arm: Arm, request: SliceRequest, place?: Place): Promise<SliceReading | undefined> {
    const { signal } = this.#options;
    const { rampMs, windowMs, drainMs } = request;
    // If the run was aborted while the slice was prepared, this fires right after the order is sent.
    using _ = addAbortListener(signal, () => arm.child.tell({ type: 'cut' }));
    try {
      const savingMs = request.profilePath === undefined ? 0 : PROFILE_TIMEOUT_MS;
      const timeoutMs = rampMs + windowMs + drainMs + this.#graceMs(savingMs);
      const order = {
        ...request,
        ...this.#spread(arm, rampMs),
        ...this.#draws(arm, place),
        epochMs: this.#epochMs,
      };
      return (await arm.child.ask({ type: 'slice', order }, 'slice', timeoutMs)).reading;
    } catch (error) {
      arm.failure = failureOf(error, 'generator-died');
      await arm.child.kill();
      await this.#accountOf(arm).book(arm, () => true);
      this.#notice(arm.failure.message);
      return undefined;
    }
  }

  /** What a slice may take beyond its own times, which are the same on any machine. */
  #graceMs(savingMs: number): number {
    const idleMs = SLICE_GRACE_MS + GRACE_PER_REQUEST_MS * mostInFlight(this.#load) + savingMs;
    return this.#options.sliceGraceMs ?? this.#patienceMs(idleMs);
  }

  #patienceMs(idleMs: number): number {
    return patienceMs(idleMs, this.#options.slowness?.());
  }

  /**
   * Behind a link, users begin spread over a response time. Round trips of equal length would keep users in step that begin
   * in step: all their requests would always arrive at once, and wait for each other.
   */
  #spread(arm: Arm, rampMs: number): Pick<SliceOrder, 'spreadMs'> {
    if (arm.target.link === undefined) return {};
    return { spreadMs: Math.min(arm.meanResponseMs || this.#firstResponseMs, rampMs / 2) };
  }

  /** Slices of the same block have the same sequence, and so have those of each arm before and after, in their order. */
  #draws(arm: Arm, place: Place | undefined): Pick<SliceOrder, 'requestSeed'> {
    const { cell, seed, replicate } = this.#options;
    if (arm.trial.requests === undefined && originCount(arm.trial.target) === 1) return {};
    const slice = place?.block ?? (`warm-up/${this.#unplaced.get(arm) ?? 0}` as const);
    if (place === undefined) this.#unplaced.set(arm, (this.#unplaced.get(arm) ?? 0) + 1);
    return { requestSeed: requestSeed(cell, seed, replicate, slice) };
  }

  async #finishArm(arm: Arm): Promise<TrialResult> {
    const startedAt = new Date(this.#epochMs).toISOString();
    const { trial, child, target } = arm;
    if (arm.failure === undefined) {
      try {
        await this.#accountOf(arm).open();
        const { reading } = await child.ask(
          { type: 'finish' },
          'finished',
          this.#patienceMs(FINISH_TIMEOUT_MS),
        );
        await this.#accountOf(arm).bookEnds(arm, reading.opened);
        child.requireLoaded();
        const isInterrupted = this.#options.signal.aborted;
        const { scenario } = this.#options.cell;
        return resultOf(trial, startedAt, arm.finish(reading), { isInterrupted, scenario });
      } catch (error) {
        arm.failure = failureOf(error, target.isAlive ? 'generator-died' : deathCode(target));
      }
    }
    return { trial, startedAt, state: 'failed', error: arm.failure };
  }
}

/** Not failed, or ended by Ctrl-C, which reaches a process that is just starting before it can ignore it. */
function isUntouched({ failure }: Arm): boolean {
  return failure === undefined || failure.code === 'generator-start';
}

/** Completed per second of the window; 0 if it was cut before it opened. */
function rateOf({ completed, windowMs }: SliceReading): number {
  return windowMs === 0 ? 0 : (completed / windowMs) * 1_000;
}
