// Durations: the shape of a slice, when a client is warmed up, and how long a cell will take.
import { slotsPerConnection } from '../../results/connections.ts';
import { LEAST_REPLICATES, meanOf, sumOf } from '../../results/stats.ts';
import type { Client } from '../../scenarios/model/client.ts';
import { connectionLimit, originCount, usesTls } from '../../scenarios/model/facts.ts';
import type { CapacityLoad, Load } from '../../scenarios/model/load.ts';
import type { Scenario, Timing } from '../../scenarios/model/scenario.ts';
import {
  isExternal,
  longestRoundTripMs,
  meanFaultMs,
  openingRoundTrips,
  REQUEST_ROUND_TRIPS,
  type Target,
} from '../../scenarios/model/target.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import { stepsPerOctave } from './capacity-search.ts';

const RAMP_RESPONSES = 3;
const LEAST_RAMP_MS = 10;
const DRAIN_RESPONSES = 20;
/** Length of a drain in multiples of the longest request seen so far. */
const DRAIN_LONGEST = 4;
/** Allowance beyond the client's own deadlines, because their timers are late: undici's by up to a second. */
const DEADLINE_MARGIN_MS = 2_000;
/** Length of a window in multiples of the longest request seen so far. */
const HOLDS_LONGEST = 1.25;
/** The same for a client that drops requests in flight at the end of a window: a twentieth of the longest ones are lost. */
const HOLDS_LONGEST_DROPPING = 20;
/** Long requests lengthen a slice up to this. */
const MOST_LENGTHENED_MS = 10_000;
const STEADY_RISE_RATIO = 1.03;
/** A ramp is lengthened at random by up to this multiple of its length. */
const RAMP_SPREAD = 2;

/** Durations of one slice in ms; requests still in flight after the drain are abandoned. */
export interface SliceShape {
  rampMs: number;
  windowMs: number;
  drainMs: number;
}

/** Observations of an arm before a slice is planned, ms. */
export interface SeenTimes {
  meanMs: number;
  /** The longest request that ended; 0: none did, or none matters. */
  longestMs?: number;
  /** Whether requests were unanswered at the end of a drain. */
  hasCensored?: boolean;
  /** Whether its load tool drops requests in flight at the end of a window. */
  dropsInFlight?: boolean;
  timeouts?: Client['timeouts'];
}

/**
 * The durations of an arm's slice. A window shorter than many responses would favour the faster arm, and a ramp shorter
 * than a few would count responses that still queue behind the start. If some requests take longer than that, more and more
 * users wait in them until a steady number do, so ramp and window must be as long as the longest request.
 */
export function sliceShape(timing: Timing, seen: SeenTimes): SliceShape {
  const { meanMs, longestMs = 0, hasCensored = false, dropsInFlight = false } = seen;
  const rampMs = Math.max(LEAST_RAMP_MS, RAMP_RESPONSES * meanMs);
  const drainMs = Math.ceil(
    Math.max(timing.drainMs, DRAIN_RESPONSES * meanMs, DRAIN_LONGEST * longestMs, deadlineMs(seen.timeouts)),
  );
  if (timing.slicing === 'whole') return { rampMs: Math.ceil(rampMs), windowMs: timing.measureMs, drainMs };
  const askedMs = Math.max(timing.sliceMs, timing.sliceResponses * meanMs);
  const holdingMs = longestMs * (dropsInFlight ? HOLDS_LONGEST_DROPPING : HOLDS_LONGEST);
  const windowMs = Math.max(
    askedMs,
    Math.min(holdingMs, MOST_LENGTHENED_MS),
    // Each slice then takes a whole drain, so few long slices are better.
    hasCensored ? timing.measureMs : 0,
  );
  return {
    rampMs: Math.ceil(longestMs > askedMs ? Math.max(rampMs, Math.min(longestMs, windowMs)) : rampMs),
    windowMs: Math.ceil(windowMs),
    drainMs,
  };
}

/** How many blocks make up a replicate; in one as long as the longest window, every arm has a slice. */
export function blockCount({ slicing, measureMs }: Timing, longestWindowMs: number): number {
  return slicing === 'whole' ? 1 : Math.max(1, Math.ceil(measureMs / longestWindowMs));
}

/**
 * A ramp that is longer by chance, so that nothing periodic stays in step with the slices. A client that stands still begins
 * its slice when it goes on: with a ramp of one length, its window would open at the same place of its period again and again
 * (docs/method.md). Twice the length is a whole period of a client that stands still for half of the time, since a ramp
 * holds the longest request. A slice of the whole replicate is in step with nothing, and bursts keep their own time.
 *
 * @param chance 0 to 1
 */
export function spreadRampMs(rampMs: number, { slicing }: Timing, { model }: Load, chance: number): number {
  return slicing === 'whole' || model === 'burst' ? rampMs : Math.ceil(rampMs * (1 + RAMP_SPREAD * chance));
}

/** The time after which a client itself ends a request, by its own timeouts; 0 if it has none. */
function deadlineMs(timeouts: Client['timeouts'] = {}): number {
  const { connectMs = 0, headersMs = 0, bodyMs = 0, totalMs } = timeouts;
  const ownMs = totalMs ?? connectMs + headersMs + bodyMs;
  return ownMs === 0 ? 0 : ownMs + DEADLINE_MARGIN_MS;
}

/** Length of the window of a warm-up slice. */
export const WARMUP_WINDOW_MS = 250;
/** A longer request of the warm-up is abandoned: nothing of the warm-up is recorded. */
const WARMUP_DRAIN_MS = 1_000;

/** The drain of a warm-up window. */
export function warmUpDrainMs(meanMs: number): number {
  return Math.ceil(Math.max(WARMUP_DRAIN_MS, DRAIN_RESPONSES * meanMs));
}

/**
 * Whether an arm has stopped getting faster: the mean speed of the last two warm-up windows is at most 3 % above that of
 * the two before. A falling speed counts as steady: the machine slows down, but the arm no longer warms up.
 *
 * @param speeds of successive windows, oldest first; fewer than four, or a last one of 0, is not steady
 */
export function isSteady(speeds: readonly number[]): boolean {
  if (speeds.length < 4 || speeds.at(-1) === 0) return false;
  const before = meanOf(speeds.slice(-4, -2));
  const last = meanOf(speeds.slice(-2));
  return last <= before * STEADY_RISE_RATIO;
}

/** Durations that can only be estimated, on an idle machine or on a busy one. */
interface Pace {
  /** Starting the target and the generators of a replicate, side by side. */
  startMs: number;
  /** Messages between processes, per slice. */
  turnMs: number;
  /** Where between the shortest and the longest a ramp is. */
  rampChance: number;
  /** Ramp, drain and messages of a probe. */
  probeExtraMs: number;
  /** Position between minimum and maximum warm-up at which an arm is steady. */
  warmupRatio: number;
  /** Share of the doublings up to its highest rate that a search makes. */
  searchRatio: number;
  /** Share of the halvings of a search that are tried twice. */
  doubtRatio: number;
}

const USUAL: Pace = {
  startMs: 800,
  turnMs: 10,
  rampChance: 0.5,
  probeExtraMs: 250,
  warmupRatio: 0.5,
  searchRatio: 0.5,
  doubtRatio: 0.5,
};
const SLOW: Pace = {
  startMs: 2_000,
  turnMs: 30,
  rampChance: 1,
  probeExtraMs: 500,
  warmupRatio: 1,
  searchRatio: 1,
  doubtRatio: 1,
};
/** Warm-up of one arm. */
function warmupMs({ timing, load }: Scenario, responseMs: number, pace: Pace): number {
  const { warmupMinMs, warmupMaxMs } = timing;
  const loadMs = warmupMinMs + Math.max(0, warmupMaxMs - warmupMinMs) * pace.warmupRatio;
  const shape = { ...sliceShape(timing, { meanMs: responseMs }), windowMs: WARMUP_WINDOW_MS };
  const { rampMs, windowMs } = foreseen(shape, timing, load);
  const windows = Math.ceil(loadMs / (rampMs + windowMs));
  return windows * (rampMs + windowMs + responseMs + pace.turnMs);
}

/** Adjusted to the load's rate if it has one; the rates of a capacity search are unknown in advance. */
function foreseen(shape: SliceShape, timing: Timing, load: Load): SliceShape {
  return load.model === 'capacity' ? shape : paced(shape, timing, load);
}

/** Duration of a capacity search; a failing rate is tried twice. */
function searchMs(load: Load, pace: Pace): number {
  if (load.model !== 'capacity') return 0;
  const { minRatePerSec, maxRatePerSec, resolutionRatio, probeMs } = load;
  const doublings = Math.ceil(Math.log2(maxRatePerSec / minRatePerSec) * pace.searchRatio) + 1;
  const halvings = Math.log2(stepsPerOctave(resolutionRatio));
  const notKept = 1 + halvings * pace.doubtRatio;
  const confirmed = 1;
  return (doublings + halvings + notKept + confirmed) * (probeMs + pace.probeExtraMs);
}

/** Duration of the measurement: all arms in turn, each for as long as the slowest needs. */
function measureMs({ timing, load }: Scenario, responsesMs: readonly number[], pace: Pace): number {
  const shapes = responsesMs.map(meanMs => foreseen(sliceShape(timing, { meanMs }), timing, load));
  const longestMs = Math.max(...shapes.map(({ windowMs }) => windowMs));
  const blocks = blockCount(timing, longestMs);
  const turnsMs = shapes.map(
    ({ rampMs, windowMs }, index) =>
      spreadRampMs(rampMs, timing, load, pace.rampChance) +
      Math.max(windowMs, timing.measureMs / blocks) +
      responsesMs[index]! +
      pace.turnMs,
  );
  return blocks * turnsMs.reduce((sum, turnMs) => sum + turnMs, 0);
}

/** Estimated durations of a cell, ms. */
interface CellTimes {
  /** As many replicates as fit the budget. It may take less, because replicates end once the intervals are narrow. */
  aboutMs: number;
  /** Upper estimates of one replicate, and of those that an interval needs: a busy machine, arms that warm up slowly. */
  oneMostMs: number;
  intervalMostMs: number;
  /** The same for what follows when the time is over: results are collected, and processes ended. */
  endingMostMs: number;
  /** Replicates that usually fit the budget. */
  replicates: number;
}

interface Expected {
  /** Estimate of an arm's mean response time. */
  expectedMs?: (client: Client) => number;
  /** Target processes: a single one is kept for all replicates, several are restarted in each. */
  targetCount?: number;
  /** How many times as long processes take as on an idle machine; for the upper estimates. */
  slowness?: number;
}

/** What is left to do per arm, and in all, when the time of a cell is over. */
const ENDING_MS = { arm: 300, cell: 1_500 } as const;

export function cellTimes(
  scenario: Scenario,
  { expectedMs = () => 0, targetCount = 1, slowness = 1 }: Expected = {},
): CellTimes {
  const { maxReplicates, budgetMs } = scenario.timing;
  const responsesMs = Object.values(scenario.clients).map(expectedMs);
  const sureCount = sureReplicates(scenario.timing);

  function partsAt(pace: Pace): { onceMs: number; oneMs: number } {
    const warmupsMs = sumOf(responsesMs, ms => warmupMs(scenario, ms, pace));
    // Own targets are started, and conditioned by generators that are then discarded; an external server is not.
    const openMs = isExternal(scenario.target) ? 0 : (targetCount + 1) * pace.startMs + warmupsMs;
    const onceMs = targetCount === 1 ? openMs : 0;
    const searchesMs = responsesMs.length * searchMs(scenario.load, pace);
    const measuredMs = measureMs(scenario, responsesMs, pace);
    return { onceMs, oneMs: openMs - onceMs + pace.startMs + warmupsMs + searchesMs + measuredMs };
  }

  const usual = partsAt(USUAL);
  const slow = partsAt({ ...SLOW, startMs: SLOW.startMs * slowness, turnMs: SLOW.turnMs * slowness });
  const fittingCount = Math.max(Math.floor((budgetMs - usual.onceMs) / usual.oneMs), sureCount);
  const replicates = Math.min(fittingCount, maxReplicates);
  return {
    replicates,
    aboutMs: Math.round(usual.onceMs + replicates * usual.oneMs),
    oneMostMs: Math.round(slow.onceMs + slow.oneMs),
    intervalMostMs: Math.round(slow.onceMs + sureCount * slow.oneMs),
    endingMostMs: Math.round((ENDING_MS.cell + responsesMs.length * ENDING_MS.arm) * slowness),
  };
}

/** Replicates that an interval needs; they may exceed the budget, within the announced maximum. */
export function sureReplicates({ minReplicates }: Timing): number {
  return Math.min(LEAST_REPLICATES, minReplicates);
}

/** How a cell's replicates went so far, ms. */
export interface ReplicateTimes {
  replicates: number;
  /** Duration of the cell. */
  elapsedMs: number;
  /** The longest replicate, without the setup shared by all. */
  longestMs: number;
  /** The maximum announced for the cell. */
  mostMs: number;
}

/**
 * What the next replicate has to end within: replicates that an interval needs may take as long as announced before the run,
 * more than the budget.
 */
export function limitOfAnother(
  timing: Timing,
  { replicates, mostMs }: Pick<ReplicateTimes, 'replicates' | 'mostMs'>,
): { isBudget: boolean; limitMs: number } {
  const { budgetMs } = timing;
  const isNeeded = replicates < sureReplicates(timing) && mostMs > budgetMs;
  return isNeeded ? { isBudget: false, limitMs: mostMs } : { isBudget: true, limitMs: budgetMs };
}

/** Whether another replicate would end in time, if it takes as long as the longest so far. The first is always made. */
export function hasTimeForAnother(timing: Timing, times: ReplicateTimes): boolean {
  if (times.replicates === 0) return true;
  return times.elapsedMs + times.longestMs <= limitOfAnother(timing, times).limitMs;
}

/** Ramp of a probe: the time to open connections and answer the first requests, which do not count. */
const PROBE_RAMP_MS = 100;
/** Drain of a probe in multiples of the objective's longest latency: longer requests have failed the objective anyway. */
const PROBE_DRAIN_LIMITS = 2;
const LEAST_DRAIN_MS = 1_000;

/**
 * Lengthens a slice to suit its load. A window with hardly a request, or with part of a burst, would not represent an open load:
 * - at a rate, it is at least as many mean gaps long as a closed load's is mean responses (`timing.sliceResponses`);
 * - with bursts, ramp and window are whole pauses, so that a burst starts the window and none is cut.
 *
 * @param ratePerSec the rate of this slice, if the load itself has none (capacity)
 */
export function paced(shape: SliceShape, timing: Timing, load: Load, ratePerSec?: number): SliceShape {
  switch (load.model) {
    case 'closed':
      return shape;
    case 'burst':
      return {
        ...shape,
        rampMs: wholePauses(shape.rampMs, load.everyMs),
        windowMs: wholePauses(shape.windowMs, load.everyMs),
      };
    case 'open':
      return atRate(shape, timing, load.ratePerSec);
    case 'capacity':
      return atRate(shape, timing, ratePerSec ?? load.minRatePerSec);
    default:
      return load satisfies never;
  }
}

/** The durations of one probe of a capacity search. */
export function probeShape(
  load: Extract<Load, { model: 'capacity' }>,
  timing: Timing,
  ratePerSec: number,
): SliceShape {
  const longestMs = Math.max(load.objective.p50Ms ?? 0, load.objective.p99Ms ?? 0);
  const drainMs = Math.ceil(Math.max(LEAST_DRAIN_MS, PROBE_DRAIN_LIMITS * longestMs));
  return atRate({ rampMs: PROBE_RAMP_MS, windowMs: load.probeMs, drainMs }, timing, ratePerSec);
}

function wholePauses(ms: number, everyMs: number): number {
  return Math.ceil(ms / everyMs) * everyMs;
}

function atRate(shape: SliceShape, { sliceResponses }: Timing, ratePerSec: number): SliceShape {
  return { ...shape, windowMs: Math.max(shape.windowMs, Math.ceil((sliceResponses * 1_000) / ratePerSec)) };
}

/** CPU time on the slowest machine worth measuring on, ms: of an exchange, and of opening a connection, plain and with TLS. */
const CPU_MS = { exchange: 0.05, opening: 0.3, openingTls: 1.5 };
/** Between the end of one slice and the start of the next: two messages between processes. */
const TURN_MS = 10;

/** Users per connection, the one being served included. */
function usersPerConnection({ load, target }: Scenario, client: Client): number {
  const limit = connectionLimit(client.pool, originCount(target));
  if (load.model !== 'closed' || !Number.isFinite(limit)) return 1;
  return Math.max(1, load.concurrency / (limit * slotsPerConnection(client, target)));
}

/** How long a target takes to answer on average, by its behaviour and its faults. */
export function targetServiceMs(
  { behaviour, faults }: Target,
  behaviours: Readonly<Record<string, BehaviourModule>>,
): number {
  return (behaviours[behaviour.name]?.meanServiceMs(behaviour) ?? 0) + meanFaultMs(faults);
}

/** Time that the link adds to an arm's mean response time, with the largest jitter. */
function tripsMs({ target, link }: Scenario, { requestsPerConnection }: Client): number {
  if (link === undefined) return 0;
  const opening =
    requestsPerConnection === 'unlimited' ? 0 : openingRoundTrips(target.tls, 'full') / requestsPerConnection;
  return (REQUEST_ROUND_TRIPS + opening) * longestRoundTripMs(link);
}

/** A high estimate of an arm's mean response time: its users queue for one core, or wait for service and network. */
export function expectedResponseMs(scenario: Scenario, client: Client, serviceMs: number): number {
  const { target, load } = scenario;
  const openingMs = usesTls(target) ? CPU_MS.openingTls : CPU_MS.opening;
  const { requestsPerConnection } = client;
  const cpuMs =
    CPU_MS.exchange + (requestsPerConnection === 'unlimited' ? 0 : openingMs / requestsPerConnection);
  const queuedMs = load.model === 'closed' ? load.concurrency * cpuMs : 0;
  const servedMs = serviceMs + tripsMs(scenario, client) + cpuMs;
  return Math.max(servedMs * usersPerConnection(scenario, client), queuedMs);
}

function turnMs(scenario: Scenario, client: Client, serviceMs: number): number {
  const { timing, load } = scenario;
  const responseMs = expectedResponseMs(scenario, client, serviceMs);
  const shape = paced(sliceShape(timing, { meanMs: responseMs }), timing, load);
  const shapes = [{ ...shape, rampMs: spreadRampMs(shape.rampMs, timing, load, 1) }];
  // A client is also idle while others search.
  if (load.model === 'capacity') shapes.push(probeShape(load, timing, load.minRatePerSec));
  return Math.max(...shapes.map(({ rampMs, windowMs }) => rampMs + windowMs)) + responseMs + TURN_MS;
}

/**
 * The longest idle time of an arm between two of its slices, ms, estimated high: if it is first in one block and last in
 * the next, every other arm has two slices in between.
 */
export function sliceGapMs(scenario: Scenario, arm: string, serviceMs: number): number {
  const others = Object.entries(scenario.clients).filter(([name]) => name !== arm);
  const oneTurnEachMs = sumOf(others, ([, client]) => turnMs(scenario, client, serviceMs));
  return Math.ceil(TURN_MS + 2 * oneTurnEachMs);
}

/** One warm-up window of a capacity search. */
export interface WarmUpWindow {
  askedPerSec: number;
  endedPerSec: number;
}

/** An arm that completes this share of the requested rate has kept up. */
const KEPT_UP = 0.9;
const GROWTH = { unlimited: 2, limited: 1.25 } as const;
const RETREAT = 0.8;

/**
 * The next rate to warm an arm up at. Its capacity is still unknown: too low a rate leaves it cold, too high a rate
 * overloads it. So the rate doubles while the arm keeps up. After that it stays near the completed rate and
 * grows in small steps, because a cold process completes more in every window.
 */
export function warmUpPerSec(
  { minRatePerSec, maxRatePerSec }: Pick<CapacityLoad, 'minRatePerSec' | 'maxRatePerSec'>,
  windows: readonly WarmUpWindow[],
): number {
  const last = windows.at(-1);
  if (last === undefined) return minRatePerSec;
  const keptUp = ({ askedPerSec, endedPerSec }: WarmUpWindow) => endedPerSec >= KEPT_UP * askedPerSec;
  const growth = windows.every(keptUp) ? GROWTH.unlimited : GROWTH.limited;
  const wantedPerSec = keptUp(last) ? growth * last.askedPerSec : RETREAT * last.endedPerSec;
  return Math.min(maxRatePerSec, Math.max(minRatePerSec, wantedPerSec));
}
