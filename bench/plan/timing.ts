// In: how long to measure, and rates or response times seen so far. Out: the shape of a slice, and whether an arm is steady.
import { LEAST_REPLICATES } from '../../results/stats.ts';
import { type Client, connectionLimit } from '../../scenarios/model/client.ts';
import type { CapacityLoad, Load } from '../../scenarios/model/load.ts';
import type { Scenario, Timing } from '../../scenarios/model/scenario.ts';
import {
  longestRoundTripMs,
  openingRoundTrips,
  REQUEST_ROUND_TRIPS,
  usesTls,
} from '../../scenarios/model/target.ts';
import { stepsPerOctave } from './capacity-search.ts';

const RAMP_RESPONSES = 3;
const LEAST_RAMP_MS = 10;
const DRAIN_RESPONSES = 20;
/** A drain is so many times the longest request seen before. */
const DRAIN_LONGEST = 4;
/** Beyond the client's own deadlines, for the timers that keep them: undici's are late by up to a second. */
const DEADLINE_MARGIN_MS = 2_000;
/** A window is longer than the longest request seen by this factor. */
const HOLDS_LONGEST = 1.25;
/** The same for a client that drops what is in flight at the end of a window: a twentieth of the longest is lost so. */
const HOLDS_LONGEST_DROPPING = 20;
/** No slice is made longer than this because of what was seen. */
const MOST_LENGTHENED_MS = 10_000;
const STEADY_RISE_RATIO = 1.03;
/** A ramp is made longer by chance, by up to so many times its own length. */
const RAMP_SPREAD = 2;

/** Times of one slice in ms; what is in flight after the drain is given up. */
export interface SliceShape {
  rampMs: number;
  windowMs: number;
  drainMs: number;
}

/** What was seen of an arm before a slice is planned, ms. */
export interface SeenTimes {
  meanMs: number;
  /** The longest request seen to end; 0: none was, or none matters. */
  longestMs?: number;
  /** Whether requests were seen that had no answer when the drain was over. */
  hasCensored?: boolean;
  /** Whether its client, a load tool, drops what is in flight at the end of a window. */
  dropsInFlight?: boolean;
  timeouts?: Client['timeouts'];
}

/**
 * How long a slice of an arm is. A window shorter than many responses would favour the faster arm, and a ramp shorter
 * than a few would count responses that still queue behind the start. Where a request takes longer than all of that, users
 * are caught in such requests one after another until as many are as will ever be: so ramp and window hold the longest.
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
    // Each slice then takes a whole drain: the fewer the better.
    hasCensored ? timing.measureMs : 0,
  );
  return {
    rampMs: Math.ceil(longestMs > askedMs ? Math.max(rampMs, Math.min(longestMs, windowMs)) : rampMs),
    windowMs: Math.ceil(windowMs),
    drainMs,
  };
}

/**
 * A ramp that is longer by chance, so that nothing periodic stays in step with the slices. A client that stands still begins
 * its slice when it goes on: with a ramp of one length, its window would open at the same place of its period again and again
 * (docs/experiment.md). Twice the length is a whole period of a client that stands still for half of the time, since a ramp
 * holds the longest request. A slice of the whole replicate is in step with nothing, and bursts keep their own time.
 *
 * @param chance 0 to 1
 */
export function spreadRampMs(rampMs: number, { slicing }: Timing, { model }: Load, chance: number): number {
  return slicing === 'whole' || model === 'burst' ? rampMs : Math.ceil(rampMs * (1 + RAMP_SPREAD * chance));
}

/** By when a client itself ends a request, from its own timeouts; 0 where it has none. */
function deadlineMs(timeouts: Client['timeouts'] = {}): number {
  const { connectMs = 0, headersMs = 0, bodyMs = 0, totalMs } = timeouts;
  const ownMs = totalMs ?? connectMs + headersMs + bodyMs;
  return ownMs === 0 ? 0 : ownMs + DEADLINE_MARGIN_MS;
}

/** In the warm-up a request that takes longer is given up: nothing of it is recorded, and there is more to come. */
const WARMUP_DRAIN_MS = 1_000;

/** The drain of a warm-up window. */
export function warmUpDrainMs(meanMs: number): number {
  return Math.ceil(Math.max(WARMUP_DRAIN_MS, DRAIN_RESPONSES * meanMs));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Whether an arm has stopped getting faster: the mean rate of the last two warm-up windows is at most 3 % above that of
 * the two before. A falling rate counts as steady: it is the machine that slows down, not the arm that warms up.
 *
 * @param ratesPerSec rates of successive windows, oldest first; fewer than four, or a last one of 0, is not steady
 */
export function isSteady(ratesPerSec: readonly number[]): boolean {
  if (ratesPerSec.length < 4 || ratesPerSec.at(-1) === 0) return false;
  const before = mean(ratesPerSec.slice(-4, -2));
  const last = mean(ratesPerSec.slice(-2));
  return last <= before * STEADY_RISE_RATIO;
}

/** What can't be foreseen exactly: about as long as it takes on a machine with nothing else to do, and at most on a busy one. */
interface Pace {
  /** Starting the target and the generators of a replicate, side by side. */
  startMs: number;
  /** Messages between processes, for each turn of an arm. */
  turnMs: number;
  /** Where between the shortest and the longest a ramp is. */
  rampChance: number;
  /** Ramp, drain and messages of a probe. */
  probeExtraMs: number;
  /** Where between the least and the most warm-up an arm is steady. */
  warmupRatio: number;
  /** How far up to its highest rate a search goes. */
  searchRatio: number;
  /** How many of the halvings of a search are tried twice. */
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
const WARMUP_WINDOW_MS = 250;

/** Of one arm. */
function warmupMs({ timing, load }: Scenario, responseMs: number, pace: Pace): number {
  const { warmupMinMs, warmupMaxMs } = timing;
  const loadMs = warmupMinMs + Math.max(0, warmupMaxMs - warmupMinMs) * pace.warmupRatio;
  const shape = { ...sliceShape(timing, { meanMs: responseMs }), windowMs: WARMUP_WINDOW_MS };
  const { rampMs, windowMs } = foreseen(shape, timing, load);
  const windows = Math.ceil(loadMs / (rampMs + windowMs));
  return windows * (rampMs + windowMs + responseMs + pace.turnMs);
}

/** As long as the load asks for, where that sets its rate; the rates of a capacity search can't be foreseen. */
function foreseen(shape: SliceShape, timing: Timing, load: Load): SliceShape {
  return load.model === 'capacity' ? shape : paced(shape, timing, load);
}

/** As many probes as a search takes; a rate that is not kept is tried twice. */
function searchMs(load: Load, pace: Pace): number {
  if (load.model !== 'capacity') return 0;
  const { minRatePerSec, maxRatePerSec, resolutionRatio, probeMs } = load;
  const doublings = Math.ceil(Math.log2(maxRatePerSec / minRatePerSec) * pace.searchRatio) + 1;
  const halvings = Math.log2(stepsPerOctave(resolutionRatio));
  const notKept = 1 + halvings * pace.doubtRatio;
  const confirmed = 1;
  return (doublings + halvings + notKept + confirmed) * (probeMs + pace.probeExtraMs);
}

/** All arms in turn, each for as long as the slowest needs. */
function measureMs({ timing, load }: Scenario, responsesMs: readonly number[], pace: Pace): number {
  const shapes = responsesMs.map(meanMs => foreseen(sliceShape(timing, { meanMs }), timing, load));
  const longestMs = Math.max(...shapes.map(({ windowMs }) => windowMs));
  const blocks = timing.slicing === 'whole' ? 1 : Math.max(1, Math.ceil(timing.measureMs / longestMs));
  const turnsMs = shapes.map(
    ({ rampMs, windowMs }, index) =>
      spreadRampMs(rampMs, timing, load, pace.rampChance) +
      Math.max(windowMs, timing.measureMs / blocks) +
      responsesMs[index]! +
      pace.turnMs,
  );
  return blocks * turnsMs.reduce((sum, turnMs) => sum + turnMs, 0);
}

/** How long a cell takes, in ms, as far as that can be foreseen. */
interface CellTimes {
  /** About: as many replicates as fit the budget. It may well take less, since they end as soon as the intervals are narrow. */
  aboutMs: number;
  /** One replicate, and as many as an interval needs, at most: a busy machine, arms that are steady late. */
  oneMostMs: number;
  intervalMostMs: number;
}

/**
 * @param expectedMs an arm's mean response time, as far as it can be foreseen
 * @param targetCount target processes: one is kept for all replicates, several are fresh in each
 */
export function cellTimes(
  scenario: Scenario,
  expectedMs: (client: Client) => number = () => 0,
  targetCount = 1,
): CellTimes {
  const { maxReplicates, budgetMs } = scenario.timing;
  const responsesMs = Object.values(scenario.clients).map(expectedMs);
  const sureCount = sureReplicates(scenario.timing);

  function partsAt(pace: Pace): { onceMs: number; oneMs: number } {
    const warmupsMs = responsesMs.reduce((sum, ms) => sum + warmupMs(scenario, ms, pace), 0);
    // Targets are started, and conditioned by generators that are thrown away; not where it is someone else's.
    const openMs = scenario.target.url === undefined ? (targetCount + 1) * pace.startMs + warmupsMs : 0;
    const onceMs = targetCount === 1 ? openMs : 0;
    const searchesMs = responsesMs.length * searchMs(scenario.load, pace);
    const measuredMs = measureMs(scenario, responsesMs, pace);
    return { onceMs, oneMs: openMs - onceMs + pace.startMs + warmupsMs + searchesMs + measuredMs };
  }

  const usual = partsAt(USUAL);
  const slow = partsAt(SLOW);
  const fittingCount = Math.max(Math.floor((budgetMs - usual.onceMs) / usual.oneMs), sureCount);
  return {
    aboutMs: Math.round(usual.onceMs + Math.min(fittingCount, maxReplicates) * usual.oneMs),
    oneMostMs: Math.round(slow.onceMs + slow.oneMs),
    intervalMostMs: Math.round(slow.onceMs + sureCount * slow.oneMs),
  };
}

/** Replicates that may be made beyond the budget, within what was announced: those that an interval needs. */
export function sureReplicates({ minReplicates }: Timing): number {
  return Math.min(LEAST_REPLICATES, minReplicates);
}

/**
 * Whether a further replicate would end in time, if it takes as long as the longest so far. The first is always made, and
 * those that an interval needs may take as long as was announced before the run.
 *
 * @param elapsedMs of the cell so far
 * @param longestMs the longest replicate so far, without what was done once for all of them
 * @param mostMs that was announced for the cell
 */
export function hasTimeForAnother(
  timing: Timing,
  {
    replicates,
    elapsedMs,
    longestMs,
    mostMs,
  }: { replicates: number; elapsedMs: number; longestMs: number; mostMs: number },
): boolean {
  if (replicates === 0) return true;
  const limitMs = replicates < sureReplicates(timing) ? mostMs : timing.budgetMs;
  return elapsedMs + longestMs <= limitMs;
}

// From the shape of a slice, and a load. Out: the same slice long enough for that load to be what it is within it.

/** Nothing of a probe counts before connections are open and the first requests were answered. */
const PROBE_RAMP_MS = 100;
/** What is under way longer than so many times the objective's longest latency has failed it anyhow. */
const PROBE_DRAIN_LIMITS = 2;
const LEAST_DRAIN_MS = 1_000;

/**
 * A window with hardly a request in it, or with part of a burst, would say nothing of an open load:
 * - at a rate, it is at least as many mean gaps long as a closed load's is mean responses (`timing.sliceResponses`);
 * - with bursts, ramp and window hold whole pauses, so that a burst stands at the start of the window and none is cut.
 *
 * @param ratePerSec the rate of this turn, where the load itself has none (capacity)
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

/** One turn of a capacity search at a rate. */
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

// From a scenario and its service time. Out: how long an arm may be idle between two of its slices.

/** CPU on the slowest machine worth measuring on, ms: of an exchange, and of opening its connection, plain and with TLS. */
const CPU_MS = { exchange: 0.05, opening: 0.3, openingTls: 1.5 };
/** Between the end of one slice and the start of the next: two messages between processes. */
const TURN_MS = 10;

/** How many users wait for each connection, the one that it serves included. */
function usersPerConnection({ load, target }: Scenario, { pool, protocol }: Client): number {
  const limit = connectionLimit(pool);
  if (load.model !== 'closed' || !Number.isFinite(limit)) return 1;
  const streams = Math.min(pool.maxConcurrentStreams ?? Infinity, target.maxConcurrentStreams);
  const atOnce = protocol === 'h2' ? streams : (pool.pipelining ?? 1);
  return Math.max(1, load.concurrency / (limit * atOnce));
}

/** What the link adds to an arm's mean response time, jitter at its worst. */
function tripsMs({ target, link }: Scenario, { requestsPerConnection }: Client): number {
  if (link === undefined) return 0;
  const opening =
    requestsPerConnection === 'unlimited' ? 0 : openingRoundTrips(target.tls, 'full') / requestsPerConnection;
  return (REQUEST_ROUND_TRIPS + opening) * longestRoundTripMs(link);
}

/** A high guess of an arm's mean response time: its users queue for one core, or wait for service and network. */
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
  // An arm pauses while others search, too.
  if (load.model === 'capacity') shapes.push(probeShape(load, timing, load.minRatePerSec));
  return Math.max(...shapes.map(({ rampMs, windowMs }) => rampMs + windowMs)) + responseMs + TURN_MS;
}

/**
 * The longest idle time of one arm between two of its slices, ms, estimated high: it is first in one block and last in
 * the next, so every other arm has two turns in between.
 */
export function sliceGapMs(scenario: Scenario, arm: string, serviceMs: number): number {
  const others = Object.entries(scenario.clients).filter(([name]) => name !== arm);
  const oneTurnEachMs = others.reduce((sum, [, client]) => sum + turnMs(scenario, client, serviceMs), 0);
  return Math.ceil(TURN_MS + 2 * oneTurnEachMs);
}

// From what an arm was asked and what it answered in its warm-up so far. Out: the rate to warm it up at next. Pure.

/** One warm-up window of a capacity search. */
export interface WarmUpWindow {
  askedPerSec: number;
  endedPerSec: number;
}

/** Of what was asked: an arm that answers as much has kept up. */
const KEPT_UP = 0.9;
const GROWTH = { unlimited: 2, limited: 1.25 } as const;
const RETREAT = 0.8;

/**
 * An arm whose capacity is not known yet can't be warmed up at a given rate: too low a one leaves it cold, too high a one
 * is an overload. So the rate doubles while the arm keeps up. Once it has not, the rate stays near what it answers, and
 * goes on in small steps: a cold process answers more after every window.
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
