// Folds the readings at both ends of each slice into the sums of an arm: resource use, the relay, backends, connections.
import type { ProcessReading, Resources, Throttling } from '../../results/model/process.ts';
import type {
  BackendGrowth,
  Backends,
  KernelCounts,
  Ledger,
  LinkReading,
} from '../../results/model/trial.ts';
import { sumOf } from '../../results/stats.ts';
import {
  LATENESS_BIN_COUNT,
  latenessQuantileMs,
  latenessSince,
  type TargetReading,
} from '../../servers/protocol.ts';
import { isOwnReading, type LinkSpan, LOAD_NICENESS, type ServerReading } from './targets.ts';

/** Adds up what a process used over many spans. */
export class UsageFold {
  readonly #sum = { atMs: 0, cpuUs: 0, loopActiveMs: 0, loopIdleMs: 0, runDelayMs: 0 };
  #rssBytes = 0;
  #stops = 0;
  /** Per control group with a CPU limit, the innermost first. */
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
export class BackendCounts {
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

/** What others than its client know of an arm's connections: conntax's own target, or the kernel. */
export class ConnectionCounts {
  /** null where the system has no such counter. */
  openedByKernel: number | null = 0;
  /** What each of several origins counted, in their order. */
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
