// machine.ts
import type { Host } from '../model/run.ts';
import type { Resources } from '../model/trial.ts';
import { percent, type TrialRule, whole } from './rule.ts';

// From a trial. Out: whether the client's or the target's process, rather than the connections, set the pace.

/** Above this share of a core a process has no time left. */
const MOST_CPU_RATIO = 0.9;

/** Whether what is measured is this process's own cost, or its lateness. */
export function isSaturated({ cpuRatio }: Pick<Resources, 'cpuRatio'>): boolean {
  return cpuRatio > MOST_CPU_RATIO;
}

/** Load per core before a run, above which other programs are in its figures. */
const MOST_IDLE_LOAD = 0.5;

export function isBusyMachine({ loadAverage, cpuCount }: Pick<Host, 'loadAverage' | 'cpuCount'>): boolean {
  const [lastMinute = 0] = loadAverage;
  return cpuCount > 0 && lastMinute > MOST_IDLE_LOAD * cpuCount;
}

/** A process that uses more than 90 % of a core is the bottleneck. */
export const bottleneck: TrialRule = {
  rule: 'bottleneck',
  check({ trial: { generators = 1 }, measurement: { generator, target } }) {
    const whose = generators === 1 ? 'generator' : `${generators} generators`;
    const used = `${whose} ${usageOf(generator, generators > 1)}, target ${target === null ? 'unknown' : usageOf(target)}`;
    const bounds = [
      ...(isSaturated(generator) ? ["client-bound: the client library's own cost is what you see"] : []),
      ...(target !== null && isSaturated(target)
        ? ["target-bound: the target's own cost is what you see"]
        : []),
    ];
    return bounds.length === 0
      ? { state: 'pass', detail: used }
      : { state: 'warn', detail: `${bounds.join('; ')} (${used})` };
  },
};

function usageOf({ cpuRatio, eventLoopRatio }: Resources, isShared = false): string {
  return `${percent(cpuRatio)} of ${isShared ? 'their cores' : 'a core'}, event loop ${percent(eventLoopRatio)} busy`;
}

// From a trial. Out: whether generator and target had their cores to themselves.

/** Above this, what is compared is partly the luck of the scheduler. Undisturbed, it stays below 2 %. */
const MOST_RUN_DELAY = 0.1;

/** A process that is ready to run and has to wait for its core has lost that time to something else on this machine. */
export const contention: TrialRule = {
  rule: 'contention',
  check({ measurement: { generator, target } }) {
    const waited = `waited for its core: generator ${percent(generator.runDelayRatio)}, target ${target === null ? 'unknown' : percent(target.runDelayRatio)} of the time`;
    return Math.max(generator.runDelayRatio, target?.runDelayRatio ?? 0) > MOST_RUN_DELAY
      ? {
          state: 'warn',
          detail: `something else ran on these cores, be it another program or the process's own compiler and collector: ${waited}`,
        }
      : { state: 'pass', detail: waited };
  },
};

// From a trial's kernel counters. Out: whether connections were dropped before the target could accept them.

/**
 * A dropped connection is tried again after a second, which shows as latency. The counter is the whole machine's, and
 * says nothing of a server that is elsewhere.
 */
export const listenDrops: TrialRule = {
  rule: 'listen-drops',
  check({ measurement: { kernel, ledger } }) {
    if (ledger.acceptedBy === 'kernelOpens') {
      return {
        state: 'pass',
        detail: 'the server is on another machine: what its kernel drops is not known',
      };
    }
    return kernel.listenDrops === 0
      ? { state: 'pass', detail: 'the kernel dropped no connection at a full accept queue' }
      : {
          state: 'warn',
          detail: `the kernel dropped ${whole(kernel.listenDrops)} connections at a full accept queue (counted for the whole machine)`,
        };
  },
};

// From a trial's kernel counters. Out: whether segments had to be sent again.

/** Retransmits per request above which latencies may owe something to them. */
const NOTABLE_RATIO = 0.001;

/**
 * Each retransmitted SYN costs a second, so one is enough to warn. What had arrived all the same delays nothing and is not
 * held against the trial: the kernel sends the last segment again when its acknowledgement is late (a tail loss probe),
 * as after the session tickets of TLS 1.3, which a busy client answers with nothing. The counters are the whole machine's.
 */
export const retransmits: TrialRule = {
  rule: 'retransmits',
  check({ measurement: { kernel, slices } }) {
    const exchanges = slices.reduce((sum, slice) => sum + slice.exchanges, 0);
    const { retransmits, needlessRetransmits, synRetransmits } = kernel;
    const missed = Math.max(0, retransmits - needlessRetransmits);
    const perRequest = exchanges === 0 ? 0 : missed / exchanges;
    const needless =
      needlessRetransmits === 0
        ? ''
        : `, and ${whole(needlessRetransmits)} more that had arrived: probes after an acknowledgement that is late`;
    const counted = `${whole(missed)} segments retransmitted (${percent(perRequest)} of requests), of them ${whole(synRetransmits)} connection requests${needless}`;
    return synRetransmits === 0 && perRequest <= NOTABLE_RATIO
      ? { state: 'pass', detail: counted }
      : { state: 'warn', detail: `${counted} (counted for the whole machine)` };
  },
};

// From a trial behind an emulated link. Out: whether the relay kept its times, so that the network was the one asked for.

/** A piece that waits for the relay to get a core is late before its time is taken: its lateness does not show it. */
const MOST_RELAY_RUN_DELAY = 0.25;
const MOST_P50_US = 1_000;
/** A tail of lateness that is no cause for doubt, however short the response time is. */
const LATE_DELIVERY_P99_US = 2_000;
/** Of a trial's own p99: above it, its tail is to a good part the relay's. (Handshakes that fill a core make 2 to 3 ms.) */
const MOST_P99_SHARE = 0.05;

/**
 * Nothing is said of the relay's event loop: it naps between two due times, which counts as busy there. Null without a link.
 */
export const link: TrialRule = {
  rule: 'link',
  check({ measurement }) {
    if (measurement.link === null) return null;
    const { relay, latenessP50Us, latenessP99Us, latenessMaxUs } = measurement.link;
    const hasLateTail = latenessP99Us > LATE_DELIVERY_P99_US;
    const isLate =
      latenessP50Us > MOST_P50_US ||
      (hasLateTail && latenessP99Us > MOST_P99_SHARE * measurement.response.p99Us);
    const causes = [
      ...(isSaturated(relay) ? ['the relay is saturated'] : []),
      ...(relay.runDelayRatio > MOST_RELAY_RUN_DELAY
        ? ['the relay did not get a core when it needed one']
        : []),
      ...(isLate ? ['the relay was late, so the network was slower than the one asked for'] : []),
    ];
    const figures = [
      `passed on late by ${ms(latenessP50Us)} at p50, ${ms(latenessP99Us)} at p99, ${ms(latenessMaxUs)} at most`,
      `relay ${percent(relay.cpuRatio)} of a core, waited for it ${percent(relay.runDelayRatio)} of the time`,
    ].join('; ');
    if (causes.length > 0) return { state: 'fail', detail: `${causes.join('; ')} (${figures})` };
    if (hasLateTail) {
      const tail = `up to ${percent(latenessP99Us / measurement.response.p99Us)} of the p99 latency may be the relay's`;
      return { state: 'warn', detail: `${tail} (${figures})` };
    }
    return { state: 'pass', detail: figures };
  },
};

function ms(us: number): string {
  return `${(us / 1_000).toFixed(1)} ms`;
}
