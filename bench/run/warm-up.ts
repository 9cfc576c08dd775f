// In: the arms of a replicate, and how to give one a turn. Out: arms under load in turn, each until it is steady.
import type { Load } from '../../scenarios/model/load.ts';
import type { SliceOrder, SliceReading } from '../../servers/protocol.ts';
import type { Timing } from '../../scenarios/model/scenario.ts';
import { paced } from '../plan/pace.ts';
import { isSteady, sliceShape, warmUpDrainMs } from '../plan/timing.ts';
import { type WarmUpWindow, warmUpPerSec } from '../plan/warm-up-rate.ts';
import type { Arm } from './arm.ts';
import { endedPerSec } from './judge-probe.ts';

export interface WarmUpOptions {
  timing: Timing;
  load: Load;
  /** Before an arm has answered, the most that the link alone adds to its first answer; 0 without one. */
  firstResponseMs: number;
  /** Those that are still to be measured. */
  alive: () => readonly Arm[];
  turn: (arm: Arm, times: Omit<SliceOrder, 'epochMs'>) => Promise<SliceReading | undefined>;
  onWindow: (arm: Arm, reading: SliceReading) => void;
  signal: AbortSignal;
}

const WINDOW_MS = 250;
const FIRST_RAMP_MS = 20;

export async function warmUpArms({
  timing,
  load,
  firstResponseMs,
  alive,
  turn,
  onWindow,
  signal,
}: WarmUpOptions): Promise<void> {
  const windows = new Map<Arm, WarmUpWindow[]>(alive().map(arm => [arm, []]));
  const isDone = (arm: Arm): boolean =>
    arm.warmupMs >= timing.warmupMaxMs || (arm.warmupMs >= timing.warmupMinMs && arm.isSteady);
  while (alive().some(arm => !isDone(arm)) && !signal.aborted) {
    for (const arm of alive().filter(candidate => !isDone(candidate))) {
      if (signal.aborted) return;
      const seen = windows.get(arm)!;
      const ratePerSec = load.model === 'capacity' ? warmUpPerSec(load, seen) : undefined;
      const meanMs = arm.meanResponseMs || firstResponseMs;
      const shape = { ...sliceShape(timing, { meanMs }), drainMs: warmUpDrainMs(meanMs) };
      const rampMs = arm.meanResponseMs === 0 ? Math.max(FIRST_RAMP_MS, firstResponseMs) : shape.rampMs;
      const times = paced({ ...shape, rampMs, windowMs: WINDOW_MS }, timing, load, ratePerSec);
      const order = ratePerSec === undefined ? times : { ...times, ratePerSec };
      const reading = await turn(arm, { ...order, isRecorded: false });
      if (reading === undefined) continue;
      arm.warmupMs += times.rampMs + reading.windowMs;
      arm.meanResponseMs =
        reading.completed === 0 ? Math.max(WINDOW_MS, firstResponseMs) : reading.meanUs / 1_000;
      // A process that has just started is slow to answer once, which says nothing of what is to come.
      if (arm.warmupSpeeds.length > 0) arm.noteSlowest(reading);
      arm.warmupSpeeds.push(speedOf(reading, load));
      arm.isSteady = isSteady(arm.warmupSpeeds);
      if (ratePerSec !== undefined) seen.push({ askedPerSec: ratePerSec, endedPerSec: endedPerSec(reading) });
      onWindow(arm, reading);
    }
  }
}

/** What rises while an arm warms up: where the load sets the rate, only response times can tell. */
function speedOf(reading: SliceReading, { model }: Load): number {
  switch (model) {
    case 'closed':
      return reading.windowMs === 0 ? 0 : reading.completed / reading.windowMs;
    case 'capacity':
      return endedPerSec(reading);
    case 'open':
    case 'burst':
      return reading.meanUs === 0 ? 0 : 1 / reading.meanUs;
    default:
      return model satisfies never;
  }
}
