// In: how long to measure, and rates or response times seen so far. Out: the shape of a slice, and whether an arm is steady.
import type { Client } from '../core/client.ts';
import type { Load } from '../core/load.ts';
import type { Scenario, Timing } from '../core/scenario.ts';
import { stepsPerOctave } from './capacity-search.ts';
import { paced } from './pace.ts';

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

/** Starting the target and the generators of a replicate, side by side. */
const START_MS = 800;
/** Messages between processes, for each turn of an arm. */
const TURN_MS = 10;
/** Ramp, drain and messages of a probe. */
const PROBE_EXTRA_MS = 250;
export const WARMUP_WINDOW_MS = 250;
/** Replicates that are measured whatever the budget: an interval needs two. */
const SURE_REPLICATES = 2;

/** Of one arm: about half of the time it is steady at once. */
function warmupMs({ timing, load }: Scenario, responseMs: number): number {
  const loadMs = (timing.warmupMinMs + timing.warmupMaxMs) / 2;
  const shape = { ...sliceShape(timing, { meanMs: responseMs }), windowMs: WARMUP_WINDOW_MS };
  const { rampMs, windowMs } = foreseen(shape, timing, load);
  const windows = Math.ceil(loadMs / (rampMs + windowMs));
  return windows * (rampMs + windowMs + responseMs + TURN_MS);
}

/** As long as the load asks for, where that sets its rate; the rates of a capacity search can't be foreseen. */
function foreseen(shape: SliceShape, timing: Timing, load: Load): SliceShape {
  return load.model === 'capacity' ? shape : paced(shape, timing, load);
}

/** Probes of a search that goes half of the way to its highest rate, each not kept twice: about as many as it takes. */
function searchMs(load: Load): number {
  if (load.model !== 'capacity') return 0;
  const { minRatePerSec, maxRatePerSec, resolutionRatio, probeMs } = load;
  const doublings = Math.ceil(Math.log2(maxRatePerSec / minRatePerSec) / 2) + 1;
  const halvings = Math.log2(stepsPerOctave(resolutionRatio));
  const notKept = 1 + halvings / 2;
  const confirmed = 1;
  return (doublings + halvings + notKept + confirmed) * (probeMs + PROBE_EXTRA_MS);
}

/** All arms in turn, each for as long as the slowest needs. */
function measureMs({ timing, load }: Scenario, responsesMs: readonly number[]): number {
  const shapes = responsesMs.map(meanMs => foreseen(sliceShape(timing, { meanMs }), timing, load));
  const longestMs = Math.max(...shapes.map(({ windowMs }) => windowMs));
  const blocks = timing.slicing === 'whole' ? 1 : Math.max(1, Math.ceil(timing.measureMs / longestMs));
  const turnsMs = shapes.map(
    ({ rampMs, windowMs }, index) =>
      rampMs + Math.max(windowMs, timing.measureMs / blocks) + responsesMs[index]! + TURN_MS,
  );
  return blocks * turnsMs.reduce((sum, turnMs) => sum + turnMs, 0);
}

/**
 * About how long a cell takes at most, in ms: as many replicates as fit the budget. It may well take less, since
 * replicates end as soon as the intervals are narrow.
 *
 * @param expectedMs an arm's mean response time, as far as it can be foreseen
 * @param targetCount target processes: one is kept for all replicates, several are fresh in each
 */
export function estimateMs(
  scenario: Scenario,
  expectedMs: (client: Client) => number = () => 0,
  targetCount = 1,
): number {
  const { minReplicates, maxReplicates, budgetMs } = scenario.timing;
  const responsesMs = Object.values(scenario.clients).map(expectedMs);
  const warmupsMs = responsesMs.reduce((sum, responseMs) => sum + warmupMs(scenario, responseMs), 0);
  // Targets are started, and conditioned by generators that are thrown away; not where it is someone else's.
  const openMs = scenario.target.url === undefined ? (targetCount + 1) * START_MS + warmupsMs : 0;
  const onceMs = targetCount === 1 ? openMs : 0;
  const searchesMs = responsesMs.length * searchMs(scenario.load);
  const oneMs = openMs - onceMs + START_MS + warmupsMs + searchesMs + measureMs(scenario, responsesMs);
  const fittingCount = Math.max(
    Math.round((budgetMs - onceMs) / oneMs),
    Math.min(SURE_REPLICATES, minReplicates),
  );
  return Math.round(onceMs + Math.min(fittingCount, maxReplicates) * oneMs);
}
