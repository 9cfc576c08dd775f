// The shape of a slice: how long its ramp, window and drain are, and how many blocks of slices make up a replicate.
import type { Client } from '../../scenarios/model/client.ts';
import type { Load } from '../../scenarios/model/load.ts';
import type { Timing } from '../../scenarios/model/scenario.ts';

const RAMP_RESPONSES = 3;
const MIN_RAMP_MS = 10;
/** Length of a drain in multiples of the mean response time. */
export const DRAIN_RESPONSES = 20;
/** Length of a drain in multiples of the longest request seen so far. */
const DRAIN_LONGEST = 4;
/** Allowance beyond the client's own deadlines, because their timers are late: undici's by up to a second. */
const DEADLINE_MARGIN_MS = 2_000;
/** Length of a window in multiples of the longest request seen so far. */
const HOLDS_LONGEST = 1.25;
/** The same for a client that drops requests in flight at the end of a window: a twentieth of the longest ones are lost. */
const HOLDS_LONGEST_DROPPING = 20;
/** Long requests lengthen a slice up to this. */
const MAX_LENGTHENED_MS = 10_000;
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
  const rampMs = Math.max(MIN_RAMP_MS, RAMP_RESPONSES * meanMs);
  const drainMs = Math.ceil(
    Math.max(timing.drainMs, DRAIN_RESPONSES * meanMs, DRAIN_LONGEST * longestMs, deadlineMs(seen.timeouts)),
  );
  if (timing.slicing === 'whole') return { rampMs: Math.ceil(rampMs), windowMs: timing.measureMs, drainMs };
  const askedMs = Math.max(timing.sliceMs, timing.sliceResponses * meanMs);
  const holdingMs = longestMs * (dropsInFlight ? HOLDS_LONGEST_DROPPING : HOLDS_LONGEST);
  const windowMs = Math.max(
    askedMs,
    Math.min(holdingMs, MAX_LENGTHENED_MS),
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
/** Ramp of a probe: the time to open connections and answer the first requests, which do not count. */
const PROBE_RAMP_MS = 100;
/** Drain of a probe in multiples of the objective's longest latency: longer requests have failed the objective anyway. */
const PROBE_DRAIN_LIMITS = 2;
const MIN_DRAIN_MS = 1_000;

/**
 * Lengthens a slice to suit its load. A window with hardly a request, or with part of a burst, would not represent an open load:
 * - at a rate, it is at least as many mean gaps long as a closed load's is mean responses (`timing.sliceResponses`);
 * - with bursts, ramp and window are whole pauses, so that a burst starts the window and none is cut.
 *
 * @param ratePerSec the rate of this slice, if the load itself has none (capacity)
 */
export function shapeForLoad(shape: SliceShape, timing: Timing, load: Load, ratePerSec?: number): SliceShape {
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
  const drainMs = Math.ceil(Math.max(MIN_DRAIN_MS, PROBE_DRAIN_LIMITS * longestMs));
  return atRate({ rampMs: PROBE_RAMP_MS, windowMs: load.probeMs, drainMs }, timing, ratePerSec);
}

function wholePauses(ms: number, everyMs: number): number {
  return Math.ceil(ms / everyMs) * everyMs;
}

function atRate(shape: SliceShape, { sliceResponses }: Timing, ratePerSec: number): SliceShape {
  return { ...shape, windowMs: Math.max(shape.windowMs, Math.ceil((sliceResponses * 1_000) / ratePerSec)) };
}
