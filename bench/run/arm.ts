// One arm of a replicate: its generator process, and a fold of its slices into a trial.

import { neededConnections } from '../../results/connections.ts';
import { MeasureError } from '../../results/errors.ts';
import { withFaults } from '../../results/faults.ts';
import type { Held, ProcessReading, Resources, Throttling } from '../../results/model/process.ts';
import type {
  Alone,
  BackendGrowth,
  Backends,
  Capacity,
  KernelCounts,
  Ledger,
  Lengthening,
  LinkReading,
  Measurement,
  Slice,
  TimeWait,
  Trial,
  TrialResult,
} from '../../results/model/trial.ts';
import { sumOf } from '../../results/stats.ts';
import { isBuiltIn } from '../../scenarios/model/target.ts';
import {
  LATENESS_BIN_COUNT,
  latenessQuantileMs,
  latenessSince,
  type TargetReading,
} from '../../servers/protocol.ts';
import { addKernelCounts, NO_KERNEL_COUNTS } from '../probes/kernel.ts';
import type { GeneratorCommand, GeneratorReading, GeneratorReply, SliceReading } from '../protocol.ts';
import type { Child } from './child.ts';
import {
  isOwnReading,
  type LinkSpan,
  LOAD_NICENESS,
  type MeasuredTarget,
  type ServerReading,
  usageOf,
} from './targets.ts';

/** Adds up what a process used over many spans. */
export class UsageFold {
  readonly #sum = { atMs: 0, cpuUs: 0, loopActiveMs: 0, loopIdleMs: 0, runDelayMs: 0 };
  #rssBytes = 0;
  #stops = 0;
  /** Of each control group with a CPU limit, the innermost first. */
  #throttling: Throttling[] = [];

  /** @returns the CPU time of the span, in µs */
  add(before: ProcessReading, after: ProcessReading): number {
    const sum = this.#sum;
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += after[name] - before[name];
    this.#rssBytes = Math.max(this.#rssBytes, after.rssBytes);
    this.#stops += (after.continued ?? 0) - (before.continued ?? 0);
    for (const [index, now] of (after.throttling ?? []).entries()) {
      const earlier = before.throttling?.[index];
      if (earlier !== undefined)
        this.#throttling[index] = addThrottling(this.#throttling[index], earlier, now);
    }
    return after.cpuUs - before.cpuUs;
  }

  /** @param exchanges of all spans together */
  finish(exchanges: number): Resources {
    const { atMs: wallMs, cpuUs, loopActiveMs, loopIdleMs, runDelayMs } = this.#sum;
    const loopMs = loopActiveMs + loopIdleMs;
    const [throttling] = this.#throttling.toSorted((a, b) => throttledShare(b) - throttledShare(a));
    return {
      cpuUs,
      cpuUsPerRequest: exchanges === 0 ? 0 : cpuUs / exchanges,
      cpuRatio: wallMs === 0 ? 0 : cpuUs / 1_000 / wallMs,
      eventLoopRatio: loopMs === 0 ? null : loopActiveMs / loopMs,
      runDelayRatio: wallMs === 0 ? 0 : runDelayMs / wallMs,
      rssBytes: this.#rssBytes,
      stops: this.#stops,
      ...(throttling === undefined ? {} : { throttling }),
    };
  }
}

function throttledShare({ periods, throttledPeriods }: Throttling): number {
  return periods === 0 ? 0 : throttledPeriods / periods;
}

/** Adds a span to the sum of those before it. */
function addThrottling(sum: Throttling | undefined, before: Throttling, after: Throttling): Throttling {
  const added = (name: 'periods' | 'throttledPeriods' | 'throttledMs'): number =>
    (sum?.[name] ?? 0) + Math.max(0, after[name] - before[name]);
  return {
    cpus: after.cpus,
    periodMs: after.periodMs,
    periods: added('periods'),
    throttledPeriods: added('throttledPeriods'),
    throttledMs: added('throttledMs'),
  };
}

/** Adds up what a link's relay did over many spans. */
export class LinkFold {
  readonly #usage = new UsageFold();
  readonly #lateness = new Array<number>(LATENESS_BIN_COUNT).fill(0);
  #connections = 0;
  #bytes = 0;

  add({ before, after }: LinkSpan): void {
    this.#usage.add(before, after);
    this.#connections += after.connections - before.connections;
    this.#bytes += after.toTargetBytes - before.toTargetBytes + after.toClientBytes - before.toClientBytes;
    for (const [bin, count] of latenessSince(before.latenessCounts, after.latenessCounts).entries()) {
      this.#lateness[bin]! += count;
    }
  }

  /** @param exchanges of all spans together */
  finish(exchanges: number): LinkReading {
    return {
      connections: this.#connections,
      bytes: this.#bytes,
      latenessP50Us: this.#lateUs(0.5),
      latenessP99Us: this.#lateUs(0.99),
      latenessMaxUs: this.#lateUs(1),
      latenessCount: sumOf(this.#lateness, count => count),
      relay: this.#usage.finish(exchanges),
      loadNiceness: LOAD_NICENESS,
    };
  }

  /** Slightly early counts as on time: the relay writes up to a tenth of a millisecond before a piece is due. */
  #lateUs(q: number): number {
    return Math.max(0, Math.round(latenessQuantileMs(this.#lateness, q) * 1_000));
  }
}

type CountedByTarget = Pick<
  TargetReading,
  'accepted' | 'requests' | 'handshakesFull' | 'handshakesResumed' | 'acceptedHttp2'
>;

type Served = Pick<TargetReading, 'accepted' | 'requests'>;

/** Adds what each of several servers did in a span. */
function addServed(sums: readonly Served[], before: readonly Served[], after: readonly Served[]): Served[] {
  return after.map((now, index) => {
    const sum = sums[index] ?? { accepted: 0, requests: 0 };
    const earlier = before[index]!;
    return {
      accepted: sum.accepted + now.accepted - earlier.accepted,
      requests: sum.requests + now.requests - earlier.requests,
    };
  });
}

/** What each backend of the target counted of an arm. */
class BackendCounts {
  #served: readonly Served[] = [];
  #growth: BackendGrowth | null = null;

  addTarget(before: ServerReading, after: ServerReading): void {
    if (!isOwnReading(before) || !isOwnReading(after)) return;
    this.#served = addServed(this.#served, before.backends, after.backends);
  }

  /** @param after the target at the end of a recorded slice */
  addSlice(after: ServerReading): void {
    if (isOwnReading(after)) this.#growth ??= after.growth;
  }

  /** null for a single server. */
  finish(): Backends | null {
    if (this.#served.length < 2) return null;
    return {
      accepted: this.#served.map(({ accepted }) => accepted),
      requests: this.#served.map(({ requests }) => requests),
      growth: this.#growth,
    };
  }
}

/** What is known of an arm's connections by others than its client: conntax's own target, or the kernel. */
class ConnectionCounts {
  /** null where the system has no such counter. */
  openedByKernel: number | null = 0;
  /** Of each of several origins, in their order. */
  origins: readonly Served[] = [];
  readonly #isForeign: boolean;
  readonly #counted: CountedByTarget = {
    accepted: 0,
    requests: 0,
    handshakesFull: 0,
    handshakesResumed: 0,
    acceptedHttp2: 0,
  };
  readonly #requestsPerConnection = new Map<number, number>();
  #faults: number[] = [];
  #acceptedBy: Ledger['acceptedBy'];
  #acceptedByKernel: number | null = 0;

  /** @param isForeign whether the target is not conntax's own, so that it reports nothing */
  constructor(isForeign: boolean) {
    this.#isForeign = isForeign;
    this.#acceptedBy = isForeign ? 'kernel' : 'target';
  }

  get accepted(): number {
    return this.#counted.accepted;
  }

  get closed(): number {
    return sumOf([...this.#requestsPerConnection.values()], connections => connections);
  }

  addTarget(before: ServerReading, after: ServerReading): void {
    if (isOwnReading(before) && isOwnReading(after)) {
      this.#addOwn(before, after);
      return;
    }
    if (!isOwnReading(after)) this.#acceptedBy = after.countedBy;
    this.#acceptedByKernel =
      this.#acceptedByKernel === null || after.accepted === null || before.accepted === null
        ? null
        : this.#acceptedByKernel + after.accepted - before.accepted;
  }

  addKernel(counts: Pick<KernelCounts, 'activeOpens'> | null): void {
    this.openedByKernel =
      this.openedByKernel === null || counts === null ? null : this.openedByKernel + counts.activeOpens;
  }

  /** The accepting side of the ledger. */
  finish() {
    const known = { acceptedBy: this.#acceptedBy, faults: this.#faults };
    if (this.#isForeign) {
      return {
        ...known,
        accepted: this.#acceptedByKernel,
        acceptedHttp2: null,
        requestsSeen: null,
        handshakesFull: null,
        handshakesResumed: null,
        requestsPerConnection: null,
      };
    }
    const { requests: requestsSeen, ...counted } = this.#counted;
    return {
      ...known,
      ...counted,
      requestsSeen,
      requestsPerConnection: [...this.#requestsPerConnection]
        .map(([requests, connections]) => ({ requests, connections }))
        .sort((a, b) => a.requests - b.requests),
    };
  }

  #addOwn(before: TargetReading, after: TargetReading): void {
    for (const name of Object.keys(this.#counted) as (keyof CountedByTarget)[]) {
      this.#counted[name] += after[name] - before[name];
    }
    this.#faults = after.faults.map(
      (count, index) => (this.#faults[index] ?? 0) + count - before.faults[index]!,
    );
    this.origins = addServed(this.origins, before.origins ?? [], after.origins ?? []);
    for (const { requests, connections } of after.requestsPerConnection) {
      const earlier =
        before.requestsPerConnection.find(entry => entry.requests === requests)?.connections ?? 0;
      const more = connections - earlier;
      if (more <= 0) continue;
      this.#requestsPerConnection.set(requests, (this.#requestsPerConnection.get(requests) ?? 0) + more);
    }
  }
}

export type Failure = Extract<TrialResult, { state: 'failed' }>['error'];
export type GeneratorChild = Child<GeneratorCommand, GeneratorReply>;

/** Readings at both ends of one slice. */
interface SliceEvidence {
  reading: SliceReading;
  target: { before: ServerReading; after: ServerReading };
  kernel: KernelCounts;
  /** The relay of the cell's link, if it has one. */
  link?: LinkSpan | undefined;
  /** What it left in TIME_WAIT; null where it is not read. */
  timeWait: TimeWait | null;
  /** Where the slice is all of its replicate. */
  held?: Held | undefined;
}

/** Over all replicates of a cell so far: an arm's longest request that ended, and whether any had no answer. */
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
  /** Of the warm-up's windows, in order: rates, or inverse response times if the load sets the rate. More is faster. */
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
  readonly #generator = new UsageFold();
  readonly #served = new UsageFold();
  /** Whether what the server used cannot be read. */
  #isServedUnknown = false;
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
      generatorCpuUs: this.#generator.add(reading.before, reading.after),
      targetCpuUs: this.#addServed(usageOf(before), usageOf(after)),
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
      generator: this.#generator.finish(this.#exchanges),
      target: this.#isServedUnknown ? null : this.#served.finish(this.#exchanges),
      link: this.trial.link === undefined ? null : this.#link.finish(this.#exchanges),
      kernel: this.#kernel,
      closing: reading.closing ?? null,
      alone: this.alone,
      caveats: reading.caveats,
      ...(reading.machines === undefined ? {} : { machines: reading.machines }),
    };
  }

  /** @returns the server's CPU time of a slice, in µs; null where it is unknown */
  #addServed(before: ProcessReading | null, after: ProcessReading | null): number | null {
    if (before !== null && after !== null) return this.#served.add(before, after);
    this.#isServedUnknown = true;
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
