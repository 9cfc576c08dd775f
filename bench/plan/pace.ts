// In: the shape of a slice, and a load. Out: the same slice long enough for that load to be what it is within it.
import type { Load } from '../../scenarios/model/load.ts';
import type { Timing } from '../../scenarios/model/scenario.ts';
import type { SliceShape } from './timing.ts';

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
