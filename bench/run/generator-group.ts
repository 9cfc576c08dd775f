// Several generator processes, here or on other machines, that share one client's load and answer as if they were one.
import { isLate, partOfRamp } from '../../results/audits/machine.ts';
import { neededConnections } from '../../results/connections.ts';
import { mergeHistograms } from '../../results/histogram.ts';
import type { MachineShare, Trial } from '../../results/model/trial.ts';
import { createRandom } from '../../results/random.ts';
import { sumKnown, sumOf } from '../../results/stats.ts';
import { PROTOCOL_VERSION } from '../../servers/protocol.ts';
import { type ClockOffset, leadMs, monotonicMs, SLICE_PINGS } from '../machines/clock.ts';
import { divideRate, divideTrial } from '../plan/division.ts';
import type {
  GeneratorCommand,
  GeneratorReading,
  GeneratorReply,
  SliceOrder,
  SliceReading,
} from '../protocol.ts';
import type { GeneratorChild } from './arm.ts';
import { foldReadings, foldSlices } from './fold-readings.ts';

/** A machine, as far as a member of a group has to know it. */
interface MemberMachine {
  readonly name: string;
  readonly clock: ClockOffset;
  /** Round trip of the last question. */
  readonly roundTripMs: number;
  /** Asks for its clock some times. */
  sync(count: number): Promise<void>;
}

/** A generator of a group, wherever it runs. */
export interface Member {
  child: GeneratorChild;
  /** Its share of the load, relative to that of the others. */
  weight: number;
  /** Where it runs, if not here. */
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

/** Begins the slices of several machines in step, and keeps what each had of a trial and how far it was out of step. */
class MachineShares {
  readonly #members: readonly { weight: number; machine: MemberMachine }[];
  readonly #courses: Course[];
  /** Each of them once. */
  readonly #machines: readonly MemberMachine[];
  /** The epoch of the replicate by the monotonic clock here. */
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
        opened: sumKnown(own, ({ opened }) => opened),
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

export interface GeneratorGroupOptions {
  members: readonly [Member, ...Member[]];
  /** Cores that they have together: fewer than members where they share cores. */
  coreCount: number;
}

/** Part of a window by which members may begin apart; beyond it, a part of the window had less than the whole load. */
const MAX_SKEW_RATIO = 0.1;

type Ask = GeneratorChild['ask'];
type Start = GeneratorChild['start'];

/** Makes one generator of several: each command goes to all of them, with the share of each, and their answers become one. */
export function createGeneratorGroup(options: GeneratorGroupOptions): GeneratorChild {
  return new GeneratorGroup(options);
}

/** Each member has a sequence of its own, the same one in every client. */
function ownDraws({ requestSeed }: SliceOrder, index: number): Pick<SliceOrder, 'requestSeed'> {
  if (requestSeed === undefined) return {};
  return { requestSeed: Math.floor(createRandom(requestSeed, 'generator', index)() * 2 ** 31) };
}

class GeneratorGroup implements GeneratorChild {
  readonly #children: readonly [GeneratorChild, ...GeneratorChild[]];
  readonly #weights: readonly number[];
  readonly #coreCount: number;
  /** Undefined: all of them run here, where they begin at once. */
  readonly #machines: MachineShares | undefined;
  #whole: Trial | undefined;
  #trials: readonly Trial[] = [];
  #isRecorded = false;
  /** While the machines are asked for their clocks, before a slice. */
  #isOrdering = false;
  /** Whether the slice was cut meanwhile. */
  #isCut = false;
  /** Whether they began so far apart in a measured window that its load was not the whole one. */
  #isSkewed = false;

  constructor({ members: [first, ...others], coreCount }: GeneratorGroupOptions) {
    const members = [first, ...others];
    this.#children = [first.child, ...others.map(({ child }) => child)];
    this.#weights = members.map(({ weight }) => weight);
    this.#coreCount = coreCount;
    this.#machines = members.some(({ machine }) => machine !== undefined)
      ? new MachineShares(members)
      : undefined;
  }

  get pid(): number {
    return this.#children[0].pid;
  }

  get isAlive(): boolean {
    return this.#children.every(({ isAlive }) => isAlive);
  }

  tell(command: GeneratorCommand): void {
    // A slice that is not ordered yet cannot be cut.
    if (this.#isOrdering && command.type === 'cut') this.#isCut = true;
    else this.#tellAll(command);
  }

  #tellAll(command: GeneratorCommand): void {
    for (const [index, part] of this.#divide(command).entries()) this.#children[index]!.tell(part);
  }

  /** Fails with the first member that fails; the caller then kills the group. */
  readonly ask: Ask = async (command, type, timeoutMs) => {
    const divided = this.#divide(command);
    // Those here are asked at once, so that a cut that follows reaches them after their slice.
    const parts = this.#machines === undefined ? divided : await this.#inStep(divided, this.#machines);
    const asked = this.#children.map((child, index) => child.ask(parts[index]!, type, timeoutMs));
    if (this.#isCut) this.#tellAll({ type: 'cut' });
    this.#isCut = false;
    const replies = await Promise.all(asked);
    return this.#fold(replies) as (typeof replies)[number];
  };

  /** Each member checks its own version of the messages. */
  readonly start: Start = async (command, type) => {
    const parts = this.#divide(command);
    const replies = await Promise.all(this.#children.map((child, index) => child.start(parts[index]!, type)));
    return this.#fold(replies) as (typeof replies)[number];
  };

  requireLoaded(): void {
    for (const child of this.#children) child.requireLoaded();
  }

  async kill(): Promise<void> {
    await Promise.all(this.#children.map(child => child.kill()));
  }

  /** The command for each member. */
  #divide(command: GeneratorCommand): GeneratorCommand[] {
    switch (command.type) {
      case 'prepare':
        this.#whole = command.trial;
        this.#trials = divideTrial(command.trial, this.#weights);
        return this.#trials.map(trial => ({ ...command, trial }));
      case 'slice':
        this.#isRecorded = command.order.isRecorded;
        return this.#divideOrder(command.order).map(order => ({ ...command, order }));
      case 'cut':
      case 'finish':
        return this.#weights.map(() => command);
      default:
        return command satisfies never;
    }
  }

  #divideOrder(order: SliceOrder): SliceOrder[] {
    return this.#divideOrderRate(order).map((part, index) => ({ ...part, ...ownDraws(order, index) }));
  }

  #divideOrderRate(order: SliceOrder): SliceOrder[] {
    const load = this.#whole?.load;
    const ratePerSec = load?.model === 'open' ? load.ratePerSec : order.ratePerSec;
    if (ratePerSec === undefined) return this.#weights.map(() => order);
    return divideRate(ratePerSec, this.#weights).map(part => ({
      ...order,
      ...(order.ratePerSec === undefined ? {} : { ratePerSec: part.ratePerSec }),
      offsetMs: part.offsetMs,
    }));
  }

  /** Orders of a slice with the moment at which all begin, each by the clock of its machine. */
  async #inStep(
    parts: readonly GeneratorCommand[],
    machines: MachineShares,
  ): Promise<readonly GeneratorCommand[]> {
    if (parts[0]!.type !== 'slice') return parts;
    const orders = parts.flatMap(part => (part.type === 'slice' ? part.order : []));
    this.#isOrdering = true;
    try {
      return (await machines.inStep(orders)).map(order => ({ type: 'slice', order }));
    } finally {
      this.#isOrdering = false;
    }
  }

  #fold(replies: readonly GeneratorReply[]): GeneratorReply {
    const [first] = replies;
    switch (first!.type) {
      case 'ready': {
        const ready = replies.filter(reply => reply.type === 'ready');
        const odd = ready.find(({ protocol }) => protocol !== PROTOCOL_VERSION);
        const dropsInFlight = ready.some(reply => reply.dropsInFlight);
        // One user alone cannot be divided.
        return { type: 'ready', protocol: (odd ?? ready[0]!).protocol, dropsInFlight, hasUsers: false };
      }
      case 'slice': {
        const readings = replies.flatMap(reply => (reply.type === 'slice' ? reply.reading : []));
        if (this.#machines === undefined) this.#noteSkew(readings);
        else this.#machines.add(readings);
        return { type: 'slice', reading: foldSlices(readings, this.#coreCount) };
      }
      case 'finished': {
        const readings = replies.flatMap(reply => (reply.type === 'finished' ? reply.reading : []));
        return { type: 'finished', reading: this.#foldEnds(readings) };
      }
      case 'failed': // rejects `ask`
        return first!;
      default:
        return first satisfies never;
    }
  }

  /** Windows of different lengths were cut, at a moment that has nothing to do with their starts. */
  #noteSkew(readings: readonly SliceReading[]): void {
    const { windowMs } = readings[0]!;
    if (!this.#isRecorded || readings.some(reading => reading.windowMs !== windowMs)) return;
    const starts = readings.map(({ atMs }) => atMs);
    const skewMs = Math.max(...starts) - Math.min(...starts);
    if (skewMs > windowMs * MAX_SKEW_RATIO) this.#isSkewed = true;
  }

  #foldEnds(readings: readonly GeneratorReading[]): GeneratorReading {
    const folded = foldReadings(readings);
    return {
      ...folded,
      needed: this.#neededBy(readings),
      caveats: [...folded.caveats, ...this.#caveats()],
      ...(this.#machines === undefined ? {} : { machines: this.#machines.finish(readings) }),
    };
  }

  /** Each member has a pool of its own, so each needs connections of its own. */
  #neededBy(readings: readonly GeneratorReading[]): NonNullable<GeneratorReading['needed']> {
    const needs = this.#trials.map(({ client, target, load }, index) =>
      neededConnections({ client, target, load, requests: readings[index]!.sent }),
    );
    return { least: sumOf(needs, ({ least }) => least), most: sumKnown(needs, ({ most }) => most) };
  }

  #caveats(): string[] {
    const count = this.#children.length;
    const cores = this.#coreCount === 1 ? '1 core' : `${this.#coreCount} cores`;
    return [
      ...(this.#coreCount < count
        ? [
            `Its ${count} generators shared ${cores}, so they could send no more than ${this.#coreCount} could.`,
          ]
        : []),
      ...(this.#isSkewed
        ? [
            'Some windows of its generators began more than a tenth of their length apart, so part of them had less than the whole load.',
          ]
        : []),
      ...(this.#whole?.client.options === undefined || count === 1
        ? []
        : [`Its options were given to each of its ${count} generators unchanged.`]),
    ];
  }
}
