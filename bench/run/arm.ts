// One arm of a replicate: its generator process, and a fold of its slices into a trial.

import { neededConnections } from '../../results/connections.ts';
import { MeasureError } from '../../results/errors.ts';
import { withFaults } from '../../results/faults.ts';
import type { Held, ProcessReading } from '../../results/model/process.ts';
import type {
  Alone,
  Capacity,
  KernelCounts,
  Ledger,
  Lengthening,
  Measurement,
  Slice,
  TimeWait,
  Trial,
  TrialResult,
} from '../../results/model/trial.ts';
import { isBuiltIn } from '../../scenarios/model/target.ts';
import { addKernelCounts, NO_KERNEL_COUNTS } from '../probes/kernel.ts';
import type { GeneratorCommand, GeneratorReading, GeneratorReply, SliceReading } from '../protocol.ts';
import type { Child } from './child.ts';
import { BackendCounts, ConnectionCounts, LinkFold, UsageFold } from './folds.ts';
import { type LinkSpan, type MeasuredTarget, type ServerReading, usageOf } from './targets.ts';

export type Failure = Extract<TrialResult, { state: 'failed' }>['error'];
export type GeneratorChild = Child<GeneratorCommand, GeneratorReply>;

/** Readings at both ends of one slice. */
export interface SliceEvidence {
  reading: SliceReading;
  target: { before: ServerReading; after: ServerReading };
  kernel: KernelCounts;
  /** The relay of the cell's link, if it has one. */
  link?: LinkSpan | undefined;
  /** Connections that the slice left in TIME_WAIT; null where they are not read. */
  timeWait: TimeWait | null;
  /** Samples of the sockets; only of a slice that is all of its replicate. */
  held?: Held | undefined;
}

/** An arm's longest request that ended, and whether any had no answer, over all replicates of a cell so far. */
interface Slowest {
  longestMs: number;
  hasCensored: boolean;
}
export type SlowestByArm = Map<string, Slowest>;

/** One arm of a replicate while it is measured: its process, and a fold of its slices. */
export class Arm {
  readonly trial: Trial;
  readonly child: GeneratorChild;
  /** The server that receives its requests; other arms may share it. */
  readonly target: MeasuredTarget;
  /** Speed in each window of the warm-up, as `speedOf` reads it: more is faster. */
  readonly warmupSpeeds: number[] = [];
  warmupMs = 0;
  isSteady = false;
  meanResponseMs = 0;
  /** Whether its client drops requests in flight at the end of a window, like a load tool that is stopped. */
  dropsInFlight = false;
  /** Whether some of its users may rest in a slice. */
  hasUsers = false;
  /** What one user alone saw; null where that was not measured. */
  alone: Alone | null = null;
  /** How much longer its slices became because of slow requests; null: not at all. */
  lengthening: Lengthening | null = null;
  failure: Failure | undefined;
  /** null before a capacity search, and without one. */
  capacity: Capacity | null = null;
  readonly #slowestByArm: SlowestByArm;
  readonly #connections: ConnectionCounts;
  readonly #backends = new BackendCounts();
  readonly #generatorUsage = new UsageFold();
  readonly #serverUsage = new UsageFold();
  /** Whether it cannot be read. */
  #isServerUsageUnknown = false;
  readonly #link = new LinkFold();
  readonly #slices: Slice[] = [];
  #kernel = NO_KERNEL_COUNTS;
  #exchanges = 0;
  #timeWait: TimeWait | null = null;
  #held: Held | undefined;

  /** @param slowestByArm kept for the arms of later replicates */
  constructor(trial: Trial, child: GeneratorChild, target: MeasuredTarget, slowestByArm: SlowestByArm) {
    this.trial = trial;
    this.child = child;
    this.target = target;
    this.#slowestByArm = slowestByArm;
    this.#connections = new ConnectionCounts(!isBuiltIn(trial.target));
  }

  get name(): string {
    return this.trial.arm;
  }

  /** Whether any request has ended in a measured window; not so for an arm whose only slice was cut as it ramped up. */
  get hasOutcome(): boolean {
    return this.#slices.some(({ completed, failed }) => completed + failed > 0);
  }

  /** The slowest requests of this arm, in this replicate and earlier ones. */
  get slowest(): Slowest {
    return this.#slowestByArm.get(this.name) ?? { longestMs: 0, hasCensored: false };
  }

  noteSlowest({ longestMs, censored }: Pick<SliceReading, 'longestMs' | 'censored'>): void {
    const seen = this.slowest;
    this.#slowestByArm.set(this.name, {
      longestMs: Math.max(seen.longestMs, longestMs),
      hasCensored: seen.hasCensored || censored > 0,
    });
  }

  countTarget(before: ServerReading, after: ServerReading): void {
    this.#connections.addTarget(before, after);
    this.#backends.addTarget(before, after);
  }

  /** Adds the counts of each slice, warm-up included; null if the system has no counters. */
  countKernel(counts: Pick<KernelCounts, 'activeOpens'> | null): void {
    this.#connections.addKernel(counts);
  }

  /** Connections of this arm by the target's count. */
  acceptedConnections(): number {
    return this.#connections.accepted;
  }

  closedConnections(): number {
    return this.#connections.closed;
  }

  addSlice(
    { reading, target: { before, after }, kernel, link, timeWait, held }: SliceEvidence,
    { block, position }: Pick<Slice, 'block' | 'position'>,
  ): void {
    this.#exchanges += reading.exchanges;
    if (link !== undefined) this.#link.add(link);
    if (timeWait !== null) {
      const { client, server } = this.#timeWait ?? { client: 0, server: 0 };
      this.#timeWait = { client: client + timeWait.client, server: server + timeWait.server };
    }
    this.#backends.addSlice(after);
    this.#held = held;
    this.#kernel = addKernelCounts(this.#kernel, kernel);
    const generatorCpuUs = this.#generatorUsage.add(reading.before, reading.after);
    const targetCpuUs = this.#addServerUsage(usageOf(before), usageOf(after));
    this.#slices.push({
      block,
      position,
      atMs: reading.atMs,
      windowMs: reading.windowMs,
      completed: reading.completed,
      failed: reading.failed,
      censored: reading.censored,
      ended: reading.ended,
      userMs: this.trial.load.model === 'closed' ? reading.userMs : null,
      meanUs: reading.meanUs,
      exchanges: reading.exchanges,
      opened: reading.opened,
      generatorCpuUs,
      targetCpuUs,
    });
  }

  finish(reading: GeneratorReading): Measurement {
    return {
      warmupMs: this.warmupMs,
      isSteady: this.isSteady,
      steadyMs: this.#slices.reduce((sum, slice) => sum + slice.windowMs, 0),
      completed: reading.completedRecorded,
      failed: reading.failedRecorded,
      bytes: reading.bytesRecorded,
      outcomes: reading.outcomes,
      statuses: reading.statuses,
      censored: reading.censored,
      lengthening: this.lengthening,
      response: reading.response,
      responseByClass: reading.responseByClass,
      requests: reading.requests,
      service: reading.service,
      wait: reading.wait,
      firstByte: reading.firstByte,
      body: reading.body,
      connect: reading.connect,
      tls: reading.tls,
      lateness: reading.lateness,
      arrivals: reading.arrivals && { ...reading.arrivals, ended: reading.endedRecorded },
      capacity: this.capacity,
      timeWait: this.#timeWait,
      timeline: reading.timeline,
      ...(this.#held === undefined ? {} : { held: this.#held }),
      slices: this.#slices,
      ledger: this.#ledger(reading),
      backends: this.#backends.finish(),
      generator: this.#generatorUsage.finish(this.#exchanges),
      target: this.#isServerUsageUnknown ? null : this.#serverUsage.finish(this.#exchanges),
      link: this.trial.link === undefined ? null : this.#link.finish(this.#exchanges),
      kernel: this.#kernel,
      closing: reading.closing ?? null,
      alone: this.alone,
      caveats: reading.caveats,
      ...(reading.machines === undefined ? {} : { machines: reading.machines }),
    };
  }

  /** @returns the CPU time that the server used in a slice, in µs; null where it is unknown */
  #addServerUsage(before: ProcessReading | null, after: ProcessReading | null): number | null {
    if (before !== null && after !== null) return this.#serverUsage.add(before, after);
    this.#isServerUsageUnknown = true;
    return null;
  }

  #ledger(reading: GeneratorReading): Ledger {
    const { client, load, target } = this.trial;
    const { sent, attempts, pool, pauses = { closed: 0, longestMs: 0 } } = reading;
    // Connections are needed for what is sent.
    const requests = attempts?.sent ?? sent;
    const seen = this.#connections.finish();
    const { origins } = this.#connections;
    const opened = this.#opened(reading);
    const needed = withFaults(
      reading.needed ?? neededConnections({ client, target, load, requests, pool }),
      target.faults,
      seen.faults,
      requests,
    );
    // What ends while the client waits for its turn has to be opened again.
    const most = needed.most === null ? null : Math.min(requests, needed.most + pauses.closed);
    return {
      ...opened,
      ...seen,
      openedElsewhere: reading.openedElsewhere,
      closedInPauses: pauses.closed,
      longestPauseMs: pauses.longestMs,
      leftOpen: reading.leftOpen,
      needed: pauses.closed === 0 ? needed : { ...needed, most },
      requestsSent: sent,
      answered: reading.answered,
      failed: reading.failed,
      failures: reading.failures,
      unfinished: reading.unfinished,
      attempts: attempts ?? null,
      origins: reading.origins.map((byClient, index) => ({
        requestsSent: byClient.sent,
        requestsSeen: origins[index]?.requests ?? null,
        opened: opened.openedBy === 'client' ? byClient.opened : null,
        accepted: origins[index]?.accepted ?? null,
      })),
      clientHandshakesFull: reading.handshakesFull,
      clientHandshakesResumed: reading.handshakesResumed,
    };
  }

  /**
   * If the client does not count, the kernel does. A client that counts no connection but was answered used connections
   * that conntax cannot see.
   */
  #opened({ opened, answered }: GeneratorReading): Pick<Ledger, 'opened' | 'openedBy'> {
    if (opened !== null) return { opened, openedBy: opened === 0 && answered > 0 ? 'unknown' : 'client' };
    const { openedByKernel } = this.#connections;
    if (openedByKernel !== null) return { opened: openedByKernel, openedBy: 'kernel' };
    throw new MeasureError(
      'internal',
      `the connections opened by ${this.trial.client.transport} cannot be counted: it does not report them, and this system has no counter of them`,
    );
  }
}
