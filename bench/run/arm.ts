// In: what one arm's generator, the target and the kernel say of each of its slices. Out: the arm's trial.
import { neededConnections } from '../../results/connections.ts';
import { MeasureError } from '../../results/errors.ts';
import type {
  Capacity,
  KernelCounts,
  Ledger,
  Lengthening,
  LinkReading,
  Measurement,
  ProcessReading,
  Resources,
  Slice,
  Trial,
  TrialResult,
} from '../../results/model/trial.ts';
import {
  LATENESS_BIN_COUNT,
  latenessQuantileMs,
  latenessSince,
  type TargetReading,
} from '../../servers/protocol.ts';
import type { GeneratorCommand, GeneratorReading, GeneratorReply, SliceReading } from '../protocol.ts';
import type { Child } from './child.ts';
import {
  isOwnReading,
  type LinkSpan,
  LOAD_NICENESS,
  type MeasuredTarget,
  type ServerReading,
} from './targets.ts';

// From readings of a process before and after. Out: what it used in between, added up over many such spans.

interface UsageFold {
  add(before: ProcessReading, after: ProcessReading): number;
  finish(exchanges: number): Resources;
}

export function createUsage(): UsageFold {
  let cpuUs = 0;
  let wallMs = 0;
  let activeMs = 0;
  let idleMs = 0;
  let runDelayMs = 0;
  let rssBytes = 0;
  return {
    /** Returns the CPU time of the span, in µs. */
    add(before, after) {
      const spanCpuUs = after.cpuUs - before.cpuUs;
      cpuUs += spanCpuUs;
      wallMs += after.atMs - before.atMs;
      activeMs += after.loopActiveMs - before.loopActiveMs;
      idleMs += after.loopIdleMs - before.loopIdleMs;
      runDelayMs += after.runDelayMs - before.runDelayMs;
      rssBytes = Math.max(rssBytes, after.rssBytes);
      return spanCpuUs;
    },
    finish: exchanges => ({
      cpuUs,
      cpuUsPerRequest: exchanges === 0 ? 0 : cpuUs / exchanges,
      cpuRatio: wallMs === 0 ? 0 : cpuUs / 1_000 / wallMs,
      eventLoopRatio: activeMs + idleMs === 0 ? 0 : activeMs / (activeMs + idleMs),
      runDelayRatio: wallMs === 0 ? 0 : runDelayMs / wallMs,
      rssBytes,
    }),
  };
}

// From readings of a link's relay before and after. Out: what it did in between, added up over many such spans.

interface LinkFold {
  add(span: LinkSpan): void;
  /** @param exchanges those of all spans together */
  finish(exchanges: number): LinkReading;
}

export function createLinkFold(): LinkFold {
  const usage = createUsage();
  const lateness = new Array<number>(LATENESS_BIN_COUNT).fill(0);
  let connections = 0;
  let bytes = 0;
  return {
    add({ before, after }) {
      usage.add(before, after);
      connections += after.connections - before.connections;
      bytes += after.toTargetBytes - before.toTargetBytes + after.toClientBytes - before.toClientBytes;
      for (const [bin, count] of latenessSince(before.latenessCounts, after.latenessCounts).entries()) {
        lateness[bin]! += count;
      }
    },
    finish(exchanges) {
      // A little early is as good as in time: pieces are written up to a tenth of a millisecond before.
      const lateUs = (q: number): number => Math.max(0, Math.round(latenessQuantileMs(lateness, q) * 1_000));
      return {
        connections,
        bytes,
        latenessP50Us: lateUs(0.5),
        latenessP99Us: lateUs(0.99),
        latenessMaxUs: lateUs(1),
        relay: usage.finish(exchanges),
        loadNiceness: LOAD_NICENESS,
      };
    },
  };
}

export type Failure = Extract<TrialResult, { state: 'failed' }>['error'];
export type GeneratorChild = Child<GeneratorCommand, GeneratorReply>;

/** What was read at both ends of one slice. */
interface SliceEvidence {
  reading: SliceReading;
  target: { before: ServerReading; after: ServerReading };
  kernel: KernelCounts;
  /** The relay of the cell's link, where there is one. */
  link?: LinkSpan | undefined;
}

type CountedByTarget = Pick<
  TargetReading,
  'accepted' | 'requests' | 'handshakesFull' | 'handshakesResumed' | 'acceptedHttp2'
>;

/** One arm of a replicate while it is measured: its process, and a fold over its slices. */
export interface Arm {
  readonly trial: Trial;
  readonly child: GeneratorChild;
  /** The server that its requests go to, which other arms may share. */
  readonly target: MeasuredTarget;
  /** Of the warm-up's windows, in order: rates, or inverse response times where the load sets the rate. More is faster. */
  readonly warmupSpeeds: number[];
  warmupMs: number;
  isSteady: boolean;
  meanResponseMs: number;
  /** What was seen of it, and of the same arm in earlier replicates. */
  readonly slowest: Slowest;
  noteSlowest(reading: Pick<SliceReading, 'longestMs' | 'censored'>): void;
  /** Whether its client drops what is in flight at the end of a window: a load tool that is stopped. */
  dropsInFlight: boolean;
  /** Of its slices, by what was seen before; null: none was needed. */
  lengthening: Lengthening | null;
  failure: Failure | undefined;
  /** Of a capacity search; null before it, and without one. */
  capacity: Capacity | null;
  readonly sliceCount: number;
  countTarget(before: ServerReading, after: ServerReading): void;
  /** Of each turn, warm-up included; null where the system has no counters. */
  countKernel(counts: Pick<KernelCounts, 'activeOpens'> | null): void;
  /** Of this arm, by the target's count. */
  acceptedConnections(): number;
  closedConnections(): number;
  addSlice(evidence: SliceEvidence, place: Pick<Slice, 'block' | 'position'>): void;
  finish(reading: GeneratorReading): Measurement;
}

/** Of all replicates of a cell so far: an arm's longest request that ended, and whether any had no answer. */
interface Slowest {
  longestMs: number;
  hasCensored: boolean;
}
export type SlowestByArm = Map<string, Slowest>;

/** @param slowestByArm kept for the arms of later replicates */
export function createArm(
  trial: Trial,
  child: GeneratorChild,
  target: MeasuredTarget,
  slowestByArm: SlowestByArm,
): Arm {
  const counted: CountedByTarget = {
    accepted: 0,
    requests: 0,
    handshakesFull: 0,
    handshakesResumed: 0,
    acceptedHttp2: 0,
  };
  const requestsPerConnection = new Map<number, number>();
  const isForeign = trial.target.url !== undefined;
  let acceptedBy: Ledger['acceptedBy'] = isForeign ? 'kernel' : 'target';
  let acceptedByKernel: number | null = 0;
  let openedByKernel: number | null = 0;
  const generator = createUsage();
  const served = createUsage();
  const link = createLinkFold();
  const kernel: KernelCounts = {
    activeOpens: 0,
    passiveOpens: 0,
    retransmits: 0,
    needlessRetransmits: 0,
    synRetransmits: 0,
    listenDrops: 0,
    timeWaitCreated: 0,
  };
  const slices: Slice[] = [];
  let exchanges = 0;

  function countOwn(before: TargetReading, after: TargetReading): void {
    for (const name of Object.keys(counted) as (keyof CountedByTarget)[]) {
      counted[name] += after[name] - before[name];
    }
    for (const { requests, connections } of after.requestsPerConnection) {
      const earlier =
        before.requestsPerConnection.find(entry => entry.requests === requests)?.connections ?? 0;
      const more = connections - earlier;
      if (more > 0) requestsPerConnection.set(requests, (requestsPerConnection.get(requests) ?? 0) + more);
    }
  }

  /** Where the client does not count, the kernel does. Requests that are answered over no connection went over unseen ones. */
  function openedOf({ opened, answered }: GeneratorReading): Pick<Ledger, 'opened' | 'openedBy'> {
    if (opened !== null) return { opened, openedBy: opened === 0 && answered > 0 ? 'unknown' : 'client' };
    if (openedByKernel !== null) return { opened: openedByKernel, openedBy: 'kernel' };
    throw new MeasureError(
      'internal',
      `nobody counts the connections that ${trial.client.transport} opens: it does not say, and this system has no counter of them`,
    );
  }

  /** Of the target by itself; of a server that we did not start nothing is known. */
  function seenByTarget() {
    if (isForeign) {
      return {
        requestsSeen: null,
        handshakesFull: null,
        handshakesResumed: null,
        requestsPerConnection: null,
      };
    }
    return {
      requestsSeen: counted.requests,
      handshakesFull: counted.handshakesFull,
      handshakesResumed: counted.handshakesResumed,
      requestsPerConnection: [...requestsPerConnection]
        .map(([requests, connections]) => ({ requests, connections }))
        .sort((a, b) => a.requests - b.requests),
    };
  }

  const arm: Arm = {
    trial,
    child,
    target,
    warmupSpeeds: [],
    warmupMs: 0,
    isSteady: false,
    meanResponseMs: 0,
    get slowest() {
      return slowestByArm.get(trial.arm) ?? { longestMs: 0, hasCensored: false };
    },
    noteSlowest({ longestMs, censored }) {
      slowestByArm.set(trial.arm, {
        longestMs: Math.max(arm.slowest.longestMs, longestMs),
        hasCensored: arm.slowest.hasCensored || censored > 0,
      });
    },
    dropsInFlight: false,
    lengthening: null,
    failure: undefined,
    capacity: null,
    get sliceCount() {
      return slices.length;
    },
    countTarget(before, after) {
      if (isOwnReading(before) && isOwnReading(after)) {
        countOwn(before, after);
        return;
      }
      if (!isOwnReading(after)) acceptedBy = after.countedBy;
      acceptedByKernel =
        acceptedByKernel === null || after.accepted === null || before.accepted === null
          ? null
          : acceptedByKernel + after.accepted - before.accepted;
    },
    countKernel(counts) {
      openedByKernel =
        openedByKernel === null || counts === null ? null : openedByKernel + counts.activeOpens;
    },
    acceptedConnections: () => counted.accepted,
    closedConnections: () =>
      [...requestsPerConnection.values()].reduce((sum, connections) => sum + connections, 0),
    addSlice({ reading, target: { before, after }, kernel: delta, link: span }, { block, position }) {
      exchanges += reading.exchanges;
      if (span !== undefined) link.add(span);
      for (const name of Object.keys(kernel) as (keyof KernelCounts)[]) kernel[name] += delta[name];
      slices.push({
        block,
        position,
        atMs: reading.atMs,
        windowMs: reading.windowMs,
        completed: reading.completed,
        failed: reading.failed,
        censored: reading.censored,
        ended: reading.ended,
        userMs: trial.load.model === 'closed' ? reading.userMs : null,
        meanUs: reading.meanUs,
        exchanges: reading.exchanges,
        generatorCpuUs: generator.add(reading.before, reading.after),
        targetCpuUs: isOwnReading(before) && isOwnReading(after) ? served.add(before, after) : null,
      });
    },
    finish(reading) {
      const { client, load, target: targetOptions } = trial;
      return {
        warmupMs: arm.warmupMs,
        isSteady: arm.isSteady,
        steadyMs: slices.reduce((sum, slice) => sum + slice.windowMs, 0),
        completed: reading.completedRecorded,
        failed: reading.failedRecorded,
        bytes: reading.bytesRecorded,
        outcomes: reading.outcomes,
        statuses: reading.statuses,
        censored: reading.censored,
        lengthening: arm.lengthening,
        response: reading.response,
        service: reading.service,
        wait: reading.wait,
        firstByte: reading.firstByte,
        body: reading.body,
        connect: reading.connect,
        tls: reading.tls,
        lateness: reading.lateness,
        arrivals: reading.arrivals && { ...reading.arrivals, ended: reading.endedRecorded },
        capacity: arm.capacity,
        timeline: reading.timeline,
        slices,
        ledger: {
          ...openedOf(reading),
          openedElsewhere: reading.openedElsewhere,
          accepted: isForeign ? acceptedByKernel : counted.accepted,
          acceptedBy,
          acceptedHttp2: isForeign ? null : counted.acceptedHttp2,
          needed: neededConnections({
            client,
            target: targetOptions,
            load,
            requests: reading.sent,
            pool: reading.pool,
          }),
          requestsSent: reading.sent,
          answered: reading.answered,
          failed: reading.failed,
          unfinished: reading.unfinished,
          clientHandshakesFull: reading.handshakesFull,
          clientHandshakesResumed: reading.handshakesResumed,
          ...seenByTarget(),
        },
        generator: generator.finish(exchanges),
        target: isForeign ? null : served.finish(exchanges),
        link: trial.link === undefined ? null : link.finish(exchanges),
        kernel,
        caveats: reading.caveats,
      };
    },
  };
  return arm;
}
