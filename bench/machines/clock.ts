// How far the clock of another machine is from this one: by the quickest of many questions, and how wrong that may be.

/** A clock that is never set, the same one in all processes of a machine. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What one question showed of another machine's clock. */
export interface ClockSample {
  /** Their clock less this one. */
  offsetMs: number;
  /** Half the round trip: the answer was given somewhere in it. */
  errorMs: number;
  /** When, by the clock here. */
  atMs: number;
}

export type ClockOffset = Pick<ClockSample, 'offsetMs' | 'errorMs'>;

export function sampleOf(sentAtMs: number, theirsMs: number, receivedAtMs: number): ClockSample {
  return {
    offsetMs: theirsMs - (sentAtMs + receivedAtMs) / 2,
    errorMs: (receivedAtMs - sentAtMs) / 2,
    atMs: receivedAtMs,
  };
}

/** Two quartz clocks may drift apart by this share of the time, so that an old sample is worth less. */
const DRIFT_RATIO = 1e-4;

/** The sample that leaves least room for error now. */
export function bestOf(samples: readonly [ClockSample, ...ClockSample[]], nowMs: number): ClockOffset {
  const now = samples.map(({ offsetMs, errorMs, atMs }) => ({
    offsetMs,
    errorMs: errorMs + Math.max(0, nowMs - atMs) * DRIFT_RATIO,
  }));
  return now.reduce((best, sample) => (sample.errorMs < best.errorMs ? sample : best));
}

/** An order has to reach a process on the other machine: two round trips, and what processes take to wake up. */
const WAKE_MS = 8;

/** Questions of each clock before a slice: the first may have to wake a process up. */
export const SLICE_PINGS = 2;

/** How long before its start a slice is ordered, so that the order has arrived everywhere. */
export function leadMs(roundTripsMs: readonly number[]): number {
  return WAKE_MS + 2 * Math.max(0, ...roundTripsMs);
}

/** About how long after it was asked for a slice begins: its questions, and its lead. */
export function sliceDelayMs(roundTripsMs: readonly number[]): number {
  return SLICE_PINGS * Math.max(0, ...roundTripsMs) + leadMs(roundTripsMs);
}

/** Part of the ramp that is enough for the load to be up when the window opens. */
const MIN_RAMP_RATIO = 0.5;

/** Whether load that begins late still is up when its window opens in time; otherwise the window has to be late, too. */
export function isAbsorbed(lateMs: number, rampMs: number): boolean {
  return lateMs <= rampMs * (1 - MIN_RAMP_RATIO);
}
