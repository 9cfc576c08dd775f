// Audit of machines that share a load: whether their slices began together, by clocks that are known well enough.
import type { MachineShare } from '../model/trial.ts';
import { percent, type TrialRule, whole } from './rule.ts';

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

/** Up to this share of slices, a late one is a stall like others, and a caveat. */
const MOST_LATE_RATIO = 0.05;

/** Where machines begin apart, part of a window has less than the whole load. Null where one machine sent it by itself. */
export const machines: TrialRule = {
  rule: 'machines',
  check({ measurement: { machines: shares = [] } }) {
    const [first, ...others] = shares.filter(({ worst }) => worst !== null);
    if (first === undefined || shares.length === 1) return null;
    const worst = others.reduce((worse, share) => (worstOf(share) > worstOf(worse) ? share : worse), first);
    const late = shares.filter(({ lateSlices }) => lateSlices > 0);
    const farthest = describeWorst(worst);
    if (late.length === 0) {
      return {
        state: 'pass',
        detail: `all windows opened within a tenth of the ramp; ${farthest}`,
      };
    }
    const counted = late
      .map(({ name, lateSlices, slices }) => `${name} in ${whole(lateSlices)} of ${whole(slices)} slices`)
      .join(', ');
    const isOften = late.some(({ lateSlices, slices }) => lateSlices > MOST_LATE_RATIO * slices);
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
  return `farthest was ${name}: ${ms(Math.abs(skewMs))} ${when} with a clock known to ${ms(errorMs)}, ${percent(partOfRamp(worst!))} of a ramp of ${ms(rampMs)}`;
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
}
