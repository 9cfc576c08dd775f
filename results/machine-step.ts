// Whether machines that share a load kept step: how far one began from its time, beside the ramp that absorbs it.
import type { MachineShare } from './model/trial.ts';

type Step = NonNullable<MachineShare['worst']>;

/** Part of a ramp by which a machine may begin apart. */
const MOST_APART = 0.1;

/** How far it may have been from its time, as a part of the ramp. */
export function partOfRamp({ skewMs, errorMs, rampMs }: Step): number {
  return (Math.abs(skewMs) + errorMs) / rampMs;
}

/** Whether it may have begun too far from its time for the ramp to absorb. */
export function isLate(step: Step): boolean {
  return partOfRamp(step) > MOST_APART;
}
