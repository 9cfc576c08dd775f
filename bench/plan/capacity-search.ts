// Searches for the highest rate that a client sustains: chooses the next rate to try from the probes so far. Pure.

import { areTooManyLost, isFallingBehind, isMostlyLateness } from '../../results/audits/load.ts';
import { milliseconds, roundPercent } from '../../results/figures.ts';
import type { Capacity, Probe, ProbeLimit } from '../../results/model/trial.ts';
import type { CapacityLoad } from '../../scenarios/model/load.ts';
import type { WindowSchedule } from '../contracts.ts';
import type { SliceReading } from '../protocol.ts';

type Rules = Pick<CapacityLoad, 'objective' | 'resolutionRatio'>;

/** The figures of one probe. */
interface Seen {
  p50Us: number;
  p99Us: number;
  errorRatio: number;
  ended: number;
  schedule: WindowSchedule & { latenessP99Us: number };
}

/**
 * Decides from one slice at a rate whether the client sustains that rate, and if not, which limit was exceeded.
 * @throws Error when the reading has no quantiles or schedule
 */
export function judgeProbe(rules: Rules, ratePerSec: number, reading: SliceReading): Probe {
  const seen = seenIn(reading);
  const found = limitOf(rules, seen);
  return {
    ratePerSec,
    isKept: found === undefined,
    p50Us: seen.p50Us,
    p99Us: seen.p99Us,
    errorRatio: seen.errorRatio,
    achievedPerSec: endedPerSec(reading),
    limit: found?.limit ?? null,
    why: found?.why ?? 'the objective held',
  };
}

/** Requests that ended per second of the window; 0 for a window without length. */
export function endedPerSec({ ended, windowMs }: Pick<SliceReading, 'ended' | 'windowMs'>): number {
  return ended === null || windowMs === 0 ? 0 : (ended / windowMs) * 1_000;
}

function seenIn({ completed, failed, ended, p50Us, p99Us, schedule }: SliceReading): Seen {
  const latenessP99Us = schedule?.latenessP99Us ?? null;
  if (schedule === undefined || ended === null || p50Us === null || p99Us === null || latenessP99Us === null)
    throw new Error('a slice without quantiles cannot judge a rate');
  const errorRatio = completed + failed === 0 ? 0 : failed / (completed + failed);
  return { p50Us, p99Us, errorRatio, ended, schedule: { ...schedule, latenessP99Us } };
}

/** The limit that was exceeded. When most of the response time is the generator's own lateness, the generator is the limit. */
function limitOf(rules: Rules, seen: Seen): { limit: ProbeLimit; why: string } | undefined {
  const found = shortfallOf(rules, seen);
  const { latenessP99Us } = seen.schedule;
  const isLate = isMostlyLateness({ latenessUs: latenessP99Us, responseUs: seen.p99Us });
  if (found === undefined || found.limit === 'errors' || !isLate) return found;
  const why = `${found.why}, and the generator could not keep its schedule: p99 of its own lateness was ${milliseconds(latenessP99Us)}`;
  return { limit: 'generator', why };
}

function shortfallOf(
  { objective, resolutionRatio }: Rules,
  { p50Us, p99Us, errorRatio, ended, schedule }: Seen,
): { limit: ProbeLimit; why: string } | undefined {
  const { due, unsent, unfinished } = schedule;
  if (areTooManyLost(schedule)) {
    const why = `${unsent + unfinished} of ${due} requests due were not answered by the end of the drain`;
    return { limit: 'rate', why };
  }
  if (errorRatio > objective.errorRatio) {
    const failed = exceeding(errorRatio * 100, objective.errorRatio * 100, 2);
    const why = `${failed} % of the requests failed, above ${roundPercent(objective.errorRatio, 2)}`;
    return { limit: 'errors', why };
  }
  const quantiles = [
    { name: 'p50', us: p50Us, limitMs: objective.p50Ms },
    { name: 'p99', us: p99Us, limitMs: objective.p99Ms },
  ];
  for (const { name, us, limitMs } of quantiles) {
    if (limitMs !== undefined && us > limitMs * 1_000)
      return {
        limit: 'latency',
        why: `${name} was ${exceeding(us / 1_000, limitMs, 3)} ms, above ${limitMs} ms`,
      };
  }
  // Half of the resolution: an arm that falls behind by the whole resolution must not pass.
  if (isFallingBehind({ due, ended }, resolutionRatio / 2))
    return { limit: 'rate', why: `only ${ended} of the ${due} requests due in the window ended in it` };
  return undefined;
}

const MAX_DIGITS = 15;

/** A figure above a limit, with as many digits as tell it from the limit. */
function exceeding(value: number, limit: number, digits: number): number {
  const rounded = Number(value.toPrecision(digits));
  return rounded > limit || digits === MAX_DIGITS ? rounded : exceeding(value, limit, digits + 1);
}

/** Probes that agree on a rate settle it: the best of three. */
const SETTLING = 2;
/** After this many probes the search ends unsettled: the arm has no clear limit. */
const MAX_PROBES = 60;

type Limits = Pick<CapacityLoad, 'minRatePerSec' | 'maxRatePerSec' | 'resolutionRatio'>;

/** How often a rate passed and failed. */
interface Tried {
  kept: number;
  notKept: number;
}

/**
 * Doubles the rate from the minimum until one fails, then halves the gap between the highest sustained and the lowest
 * failing rate, on a logarithmic scale, until it is within the resolution.
 *
 * A single probe is unreliable: a burst of other load fails a rate that is easily sustained, and near the limit the outcome is
 * random. So a rate is abandoned only after two failing probes, and one passing probe suffices for now. The final rate needs two
 * passing probes before a second failing one; otherwise the search continues below it.
 *
 * Only rates on a grid can be found. Two replicates that end on the same grid point would look more certain than the grid is
 * fine, so each starts at another offset.
 */
export class CapacitySearch {
  readonly #limits: Limits;
  readonly #firstPerSec: number;
  readonly #probes: Probe[] = [];
  /** Rates in the order of their first probe, with the number of passing and failing probes. */
  readonly #tried = new Map<number, Tried>();

  /** @param offset of the grid, as a share (0 to 1) of its step; the search starts at most one resolution above minRatePerSec */
  constructor(limits: Limits, offset = 0) {
    const { minRatePerSec, maxRatePerSec, resolutionRatio } = limits;
    this.#limits = limits;
    this.#firstPerSec = Math.min(
      maxRatePerSec,
      minRatePerSec * 2 ** (offset / stepsPerOctave(resolutionRatio)),
    );
  }

  /** The rate to try next; undefined when the search is over. */
  nextPerSec(): number | undefined {
    if (this.#probes.length >= MAX_PROBES) return undefined;
    const gap = this.#bracket();
    const doubted = this.#ratesWhere(({ kept, notKept }) => kept === 0 && notKept > 0 && notKept < SETTLING);
    const inDoubt = doubted.find(ratePerSec => ratePerSec > gap.low && ratePerSec < gap.high);
    if (inDoubt !== undefined) return inDoubt;
    const candidate = this.#candidatePerSec(gap);
    if (candidate !== undefined) return candidate;
    return gap.low > 0 && this.#tried.get(gap.low)!.kept < SETTLING ? gap.low : undefined;
  }

  add(probe: Probe): void {
    this.#probes.push(probe);
    const of = this.#tried.get(probe.ratePerSec) ?? { kept: 0, notKept: 0 };
    if (probe.isKept) of.kept++;
    else of.notKept++;
    this.#tried.set(probe.ratePerSec, of);
  }

  result(): Capacity {
    const { low, high } = this.#bracket();
    return {
      ratePerSec: low,
      notKeptPerSec: high === Infinity ? null : high,
      isSettled: this.nextPerSec() === undefined && this.#probes.length < MAX_PROBES,
      probes: [...this.#probes],
    };
  }

  /** The remaining gap: `low` is 0 until a rate passes, `high` infinite until one fails. */
  #bracket(): { low: number; high: number } {
    const high = Math.min(...this.#ratesWhere(({ notKept }) => notKept >= SETTLING));
    const kept = this.#ratesWhere(({ kept, notKept }) => kept > 0 && notKept < SETTLING);
    return { low: Math.max(0, ...kept.filter(ratePerSec => ratePerSec < high)), high };
  }

  #ratesWhere(fits: (of: Tried) => boolean): number[] {
    return [...this.#tried].filter(([, of]) => fits(of)).map(([ratePerSec]) => ratePerSec);
  }

  /** The next rate within the gap; undefined when the gap is narrow enough. */
  #candidatePerSec({ low, high }: { low: number; high: number }): number | undefined {
    const { maxRatePerSec, resolutionRatio } = this.#limits;
    if (low === 0) return high > this.#firstPerSec ? this.#firstPerSec : undefined;
    if (high === Infinity) return low < maxRatePerSec ? Math.min(2 * low, maxRatePerSec) : undefined;
    return high / low > 1 + resolutionRatio ? Math.sqrt(low * high) : undefined;
  }
}

/** Grid steps per octave: the power of two that brings neighbours within the resolution. */
export function stepsPerOctave(resolutionRatio: number): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(Math.LN2 / Math.log1p(resolutionRatio))));
}
