// What each machine had of a trial: its slices begin in step with the others, and how far they did not is kept beside its figures.

import { isLate, partOfRamp } from '../../results/audits/machine.ts';
import { mergeHistograms } from '../../results/histogram.ts';
import type { MachineShare } from '../../results/model/trial.ts';
import { sumOf } from '../../results/stats.ts';
import type { GeneratorReading, SliceOrder, SliceReading } from '../protocol.ts';
import { type ClockOffset, leadMs, monotonicMs, SLICE_PINGS } from './clock.ts';

/** A machine, as far as a member of a group has to know it. */
export interface MemberMachine {
  readonly name: string;
  readonly clock: ClockOffset;
  /** Of the last question. */
  readonly roundTripMs: number;
  /** Asks for its clock some times. */
  sync(count: number): Promise<void>;
}

interface Member {
  weight: number;
  machine?: MemberMachine;
}

type Worst = NonNullable<MachineShare['worst']>;

/** What is known of one member's slices so far. */
interface Course {
  cpuUs: number;
  wallMs: number;
  slices: number;
  lateSlices: number;
  worst: Worst | null;
}

/** The slice that was ordered last. */
interface Ordered {
  order: SliceOrder;
  /** When its windows should open, since the epoch. */
  openAtMs: number;
  clocks: readonly ClockOffset[];
}

export class MachineShares {
  readonly #members: readonly Required<Member>[];
  readonly #courses: Course[];
  /** Each of them once. */
  readonly #machines: readonly MemberMachine[];
  /** The epoch of the replicate by the clock here that nobody sets. */
  #epoch: { epochMs: number; atMs: number } | undefined;
  #ordered: Ordered | undefined;

  /** @param members all of them on a machine */
  constructor(members: readonly Member[]) {
    this.#members = members.map(({ weight, machine }) => ({ weight, machine: machine! }));
    this.#machines = [...new Set(this.#members.map(({ machine }) => machine))];
    this.#courses = members.map(() => ({ cpuUs: 0, wallMs: 0, slices: 0, lateSlices: 0, worst: null }));
  }

  /** Gives the orders of a slice the moment at which all begin. */
  async inStep(orders: readonly SliceOrder[]): Promise<SliceOrder[]> {
    await Promise.all(this.#machines.map(machine => machine.sync(SLICE_PINGS)));
    const [order] = orders;
    const epochAtMs = this.#epochAt(order!.epochMs);
    const startAtMs = monotonicMs() + leadMs(this.#machines.map(({ roundTripMs }) => roundTripMs));
    const clocks = this.#members.map(({ machine }) => machine.clock);
    this.#ordered = { order: order!, openAtMs: startAtMs - epochAtMs + order!.rampMs, clocks };
    return orders.map((part, index) => {
      const { offsetMs } = clocks[index]!;
      return { ...part, clock: { epochMs: epochAtMs + offsetMs, startAtMs: startAtMs + offsetMs } };
    });
  }

  /** Adds the slice that was ordered last. */
  add(readings: readonly SliceReading[]): void {
    const { order, openAtMs, clocks } = this.#ordered!;
    if (!order.isRecorded) return;
    for (const [index, { atMs, windowMs, before, after }] of readings.entries()) {
      if (windowMs === 0) continue; // cut before it opened
      const course = this.#courses[index]!;
      course.cpuUs += after.cpuUs - before.cpuUs;
      course.wallMs += after.atMs - before.atMs;
      course.slices++;
      const { errorMs } = clocks[index]!;
      const step: Worst = { skewMs: atMs - openAtMs, errorMs, rampMs: order.rampMs };
      if (isLate(step)) course.lateSlices++;
      course.worst = worseOf(course.worst, step);
    }
  }

  finish(readings: readonly GeneratorReading[]): MachineShare[] {
    return this.#machines.map(machine => {
      const places = this.#members.flatMap((member, index) => (member.machine === machine ? index : []));
      const own = places.map(index => readings[index]!);
      const courses = places.map(index => this.#courses[index]!);
      const wallMs = sumOf(courses, course => course.wallMs);
      return {
        name: machine.name,
        generators: places.length,
        shareRatio:
          sumOf(places, index => this.#members[index]!.weight) / sumOf(this.#members, ({ weight }) => weight),
        requestsSent: sumOf(own, ({ sent }) => sent),
        opened: own.some(({ opened }) => opened === null) ? null : sumOf(own, ({ opened }) => opened!),
        completed: sumOf(own, ({ completedRecorded }) => completedRecorded),
        response: mergeHistograms(own.map(({ response }) => response)),
        cpuRatio: wallMs === 0 ? 0 : sumOf(courses, ({ cpuUs }) => cpuUs) / 1_000 / wallMs,
        ...machine.clock,
        worst: courses.reduce<Worst | null>((worst, course) => worseOf(worst, course.worst), null),
        slices: Math.max(...courses.map(({ slices }) => slices)),
        lateSlices: Math.max(...courses.map(({ lateSlices }) => lateSlices)),
      };
    });
  }

  #epochAt(epochMs: number): number {
    if (this.#epoch?.epochMs !== epochMs) {
      this.#epoch = { epochMs, atMs: monotonicMs() - (Date.now() - epochMs) };
    }
    return this.#epoch.atMs;
  }
}

function worseOf(one: Worst | null, other: Worst | null): Worst | null {
  if (one === null || other === null) return one ?? other;
  return partOfRamp(other) > partOfRamp(one) ? other : one;
}
