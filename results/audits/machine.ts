// Audits of machines: CPU, contention, kernel counters, the relay of an emulated link, and machines that share a load.

import { percent, whole } from '../figures.ts';
import { hasFewBeyond, METRIC_TABLE } from '../metrics.ts';
import type { Resources } from '../model/process.ts';
import type { Host } from '../model/run.ts';
import { MAX_LATENESS_US, type MachineShare } from '../model/trial.ts';
import { sumOf } from '../stats.ts';
import { fail, pass, type TrialRule, warn } from './rule.ts';

/** Above this share of a core, a process is saturated. */
const MAX_CPU_RATIO = 0.9;

/** A process that its CPU limit stops in more than this share of periods has no more to give either. */
const MOSTLY_THROTTLED = 0.5;

/** Whether the figures reflect this process's own cost, or its lateness. */
export function isSaturated({ cpuRatio, throttling }: Pick<Resources, 'cpuRatio' | 'throttling'>): boolean {
  const { throttledPeriods = 0, periods = 0 } = throttling ?? {};
  return cpuRatio > MAX_CPU_RATIO || throttledPeriods > MOSTLY_THROTTLED * periods;
}

/** Above this share of the time, an event loop has no turn to spare. */
const MAX_LOOP_RATIO = 0.95;

/**
 * Whether a process would have used a whole core if it had got one: its event loop was never idle, and the time that it did
 * not run it was ready to. An event loop counts a wait for a core as busy.
 */
export function lacksCore({
  cpuRatio,
  eventLoopRatio,
  runDelayRatio,
}: Pick<Resources, 'cpuRatio' | 'eventLoopRatio' | 'runDelayRatio'>): boolean {
  return (
    eventLoopRatio !== null &&
    eventLoopRatio >= MAX_LOOP_RATIO &&
    cpuRatio <= MAX_CPU_RATIO &&
    cpuRatio + runDelayRatio > MAX_CPU_RATIO
  );
}

/** Load per core before a run above which other programs affect its figures. */
const MAX_IDLE_LOAD = 0.5;

export function isBusyMachine({ loadAverage, cpuCount }: Pick<Host, 'loadAverage' | 'cpuCount'>): boolean {
  const [lastMinute = 0] = loadAverage;
  return cpuCount > 0 && lastMinute > MAX_IDLE_LOAD * cpuCount;
}

/**
 * A process that uses more than 90 % of a core, or all that its CPU limit allows, is the bottleneck, and so is one that would, but
 * waits for its core.
 */
export const bottleneck: TrialRule = {
  rule: 'bottleneck',
  check({ trial: { generators = 1 }, measurement: { generator, target } }) {
    const whose = clientName(generators);
    const used = `${whose} ${usageOf(generator, generators > 1)}, server ${target === null ? 'unknown' : usageOf(target)}`;
    const bounds = [
      ...(isSaturated(generator) ? ["client-bound: the figures reflect the client library's own cost"] : []),
      ...(target !== null && isSaturated(target)
        ? ["server-bound: the figures reflect the server's own cost"]
        : []),
      ...(lacksCore(generator) ? [lackOfCore('client', generator)] : []),
      ...(target !== null && lacksCore(target) ? [lackOfCore('server', target)] : []),
    ];
    return bounds.length === 0 ? pass(used) : warn(`${bounds.join('; ')} (${used})`);
  },
};

/** The sender as readers know it: a client, unless several processes send its load. */
function clientName(generators: number): string {
  return generators === 1 ? 'client' : `${generators} generators`;
}

function lackOfCore(whose: string, { runDelayRatio }: Resources): string {
  return `${whose}-bound because it lacked a core: its process was never idle, but waited for a core ${percent(runDelayRatio)} of the time`;
}

function usageOf({ cpuRatio, eventLoopRatio }: Resources, isShared = false): string {
  const cpu = `${percent(cpuRatio)} of ${isShared ? 'their cores' : 'a core'}`;
  return eventLoopRatio === null ? cpu : `${cpu}, event loop ${percent(eventLoopRatio)} busy`;
}

/** A process that stands still answers and sends nothing, and counts the wait as response time. */
export const stopped: TrialRule = {
  rule: 'stopped',
  check({ measurement: { generator, target, link: relayed } }) {
    const found = Object.entries({ client: generator, server: target, relay: relayed?.relay }).flatMap(
      ([name, used]) =>
        used == null || used.stops === 0
          ? []
          : [`the ${name} ${used.stops === 1 ? 'once' : `${used.stops} times`}`],
    );
    return found.length === 0
      ? pass('no process was stopped in the slices')
      : fail(
          `stopped and continued in the slices: ${found.join(', ')}, by a signal (SIGSTOP, a suspended terminal or a debugger); the time until it went on counts as response time`,
        );
  },
};

/** Above this share, the comparison is partly one of scheduling luck. Undisturbed, it stays below 2 %. */
const MAX_RUN_DELAY = 0.1;

/** Time that a process is ready to run but waits for its core is lost to something else on this machine. */
export const contention: TrialRule = {
  rule: 'contention',
  check({ measurement: { generator, target } }) {
    const waited = `waited for its core: client ${percent(generator.runDelayRatio)}, server ${target === null ? 'unknown' : percent(target.runDelayRatio)} of the time`;
    return Math.max(generator.runDelayRatio, target?.runDelayRatio ?? 0) > MAX_RUN_DELAY
      ? warn(
          `something else ran on these cores, such as another program or the process's own compiler and garbage collector: ${waited}`,
        )
      : pass(waited);
  },
};

/** Above this share of periods, the waits are part of p99. */
const MAX_THROTTLED = 0.01;

/**
 * A container that has used up its CPU time stands still until its next period, whether or not a core is free. Null where no process
 * has such a limit.
 */
export const throttling: TrialRule = {
  rule: 'throttling',
  check({ trial: { generators = 1 }, measurement: { generator, target } }) {
    const whose = clientName(generators);
    const found = Object.entries({ [whose]: generator, server: target }).flatMap(([name, used]) =>
      used?.throttling === undefined ? [] : [{ name, ...used.throttling }],
    );
    if (found.length === 0) return null;
    const figures = found
      .map(
        ({ name, cpus, periods, throttledPeriods, throttledMs }) =>
          `${name} with ${cpus === 1 ? '1 CPU' : `${cpus} CPUs`}: in ${whole(throttledPeriods)} of ${whole(periods)} periods, ${whole(throttledMs)} ms in all`,
      )
      .join('; ');
    const most = found.filter(({ periods, throttledPeriods }) => throttledPeriods > MAX_THROTTLED * periods);
    return most.length === 0
      ? pass(`throttled by a CPU limit: ${figures}`)
      : warn(
          `throttled by the CPU limit of a container or control group, so that response times include waits of up to ${Math.max(...most.map(({ periodMs }) => periodMs))} ms for its next period (${figures})`,
        );
  },
};

/**
 * A dropped connection is retried after a second, which shows as latency. The counter is that of the whole machine, and says
 * nothing about a server on another one.
 */
export const listenDrops: TrialRule = {
  rule: 'listen-drops',
  check({ measurement: { kernel, ledger } }) {
    if (ledger.acceptedBy === 'kernelOpens')
      return pass('the server is on another machine, so its listen drops are unknown');
    return kernel.listenDrops === 0
      ? pass('the kernel dropped no connections at a full accept queue')
      : warn(
          `the kernel dropped ${whole(kernel.listenDrops)} connections at a full accept queue (counted for the whole machine)`,
        );
  },
};

/** Retransmits per request above which latencies may owe something to them. */
const NOTABLE_RATIO = 0.001;

/**
 * Each retransmitted SYN costs a second, so one is enough for a warning. Segments that had arrived anyway delay nothing and do
 * not count: the kernel resends the last segment if its acknowledgement is late (a tail loss probe), as after the session
 * tickets of TLS 1.3, to which a busy client sends no reply. The counters are those of the whole machine.
 */
export const retransmits: TrialRule = {
  rule: 'retransmits',
  check({ measurement: { kernel, slices } }) {
    const exchanges = sumOf(slices, slice => slice.exchanges);
    const { retransmits, needlessRetransmits, synRetransmits } = kernel;
    const missed = Math.max(0, retransmits - needlessRetransmits);
    const perRequest = exchanges === 0 ? 0 : missed / exchanges;
    const needless =
      needlessRetransmits === 0
        ? ''
        : `, and ${whole(needlessRetransmits)} more that had arrived (probes after a late acknowledgement)`;
    const counted = `${whole(missed)} segments retransmitted (${percent(perRequest)} of requests), including ${whole(synRetransmits)} connection requests${needless}`;
    return synRetransmits === 0 && perRequest <= NOTABLE_RATIO
      ? pass(counted)
      : warn(`${counted} (counted for the whole machine)`);
  },
};

/** While the relay waits for a core, data is late before its time is taken, so its lateness does not show it. */
const MAX_RELAY_RUN_DELAY = 0.25;
const MAX_P50_US = 1_000;
/** A tail of lateness that is acceptable however short the response time is. */
const LATE_DELIVERY_P99_US = 2_000;
/** Above this share of a trial's p99, much of its tail is due to the relay. (Handshakes that fill a core cause 2 to 3 ms.) */
const MAX_P99_SHARE = 0.05;

/** The relay's event loop is not reported, because its sleep between two due times counts as busy. Null without a link. */
export const link: TrialRule = {
  rule: 'link',
  check({ measurement }) {
    if (measurement.link === null) return null;
    const { relay, latenessP50Us, latenessP99Us, latenessMaxUs, latenessCount } = measurement.link;
    // Where every request failed there is no response time to compare the lateness with.
    const hasLateTail = measurement.response.count > 0 && latenessP99Us > LATE_DELIVERY_P99_US;
    const isOfFew = latenessCount !== null && hasFewBeyond(METRIC_TABLE.p99Us.shareBeyond, latenessCount);
    const isRelayLate =
      latenessP50Us > MAX_P50_US ||
      // Of few pieces it is a piece or two that were late, which is a caveat.
      (hasLateTail && !isOfFew && latenessP99Us > MAX_P99_SHARE * measurement.response.p99Us);
    const causes = [
      ...(isSaturated(relay) ? ['the relay is saturated'] : []),
      ...(relay.runDelayRatio > MAX_RELAY_RUN_DELAY
        ? ['the relay did not get a core when it needed one']
        : []),
      ...(isRelayLate ? ['the relay was late, so the network was slower than requested'] : []),
    ];
    const few = isOfFew ? ` (of only ${whole(latenessCount)} pieces)` : '';
    const figures = [
      `data was forwarded late by ${ms(latenessP50Us)} at p50, ${ms(latenessP99Us)} at p99${few}, and ${latenessMaxUs < MAX_LATENESS_US ? `at most ${ms(latenessMaxUs)}` : `up to ${ms(latenessMaxUs)} or more`}`,
      `the relay used ${percent(relay.cpuRatio)} of a core and waited for it ${percent(relay.runDelayRatio)} of the time`,
    ].join('; ');
    if (causes.length > 0) return fail(`${causes.join('; ')} (${figures})`);
    if (hasLateTail) {
      const tail = `up to ${percent(latenessP99Us / measurement.response.p99Us)} of the p99 latency may be due to the relay`;
      return warn(`${tail} (${figures})`);
    }
    return pass(figures);
  },
};

function ms(us: number): string {
  return `${(us / 1_000).toFixed(1)} ms`;
}

type Step = NonNullable<MachineShare['worst']>;

/** Part of a ramp by which a machine may begin apart. */
const MAX_APART = 0.1;

/** How far it may have been from its time, as a part of the ramp. */
export function partOfRamp({ skewMs, errorMs, rampMs }: Step): number {
  return (Math.abs(skewMs) + errorMs) / rampMs;
}

/** Whether it may have begun too far from its time for the ramp to absorb. */
export function isLate(step: Step): boolean {
  return partOfRamp(step) > MAX_APART;
}

/** Up to this share of slices, a late one is a stall like others, and a caveat. */
const MAX_LATE_RATIO = 0.05;

/** Where machines begin apart, part of a window has less than the whole load. Null where one machine sent it by itself. */
export const machines: TrialRule = {
  rule: 'machines',
  check({ measurement: { machines: shares = [] } }) {
    const [first, ...others] = shares.filter(({ worst }) => worst !== null);
    if (first === undefined || shares.length === 1) return null;
    const worst = others.reduce((worse, share) => (worstOf(share) > worstOf(worse) ? share : worse), first);
    const late = shares.filter(({ lateSlices }) => lateSlices > 0);
    const farthest = describeWorst(worst);
    if (late.length === 0) return pass(`all windows opened within a tenth of the ramp; ${farthest}`);
    const counted = late
      .map(({ name, lateSlices, slices }) => `${name} in ${whole(lateSlices)} of ${whole(slices)} slices`)
      .join(', ');
    const isOften = late.some(({ lateSlices, slices }) => lateSlices > MAX_LATE_RATIO * slices);
    return {
      state: isOften ? 'fail' : 'warn',
      detail: `its windows opened more than a tenth of the ramp from their time, or its clock is not known better: ${counted}; part of these windows had less than the whole load (${farthest})`,
    };
  },
};

function worstOf({ worst }: MachineShare): number {
  return partOfRamp(worst!);
}

function describeWorst({ name, worst }: MachineShare): string {
  const { skewMs, errorMs, rampMs } = worst!;
  const when = skewMs < 0 ? 'early' : 'late';
  return `farthest was ${name}: ${skewText(Math.abs(skewMs))} ${when} with a clock known to ${skewText(errorMs)}, ${percent(partOfRamp(worst!))} of a ramp of ${skewText(rampMs)}`;
}

function skewText(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
}
