// In: the limits of a capacity search, and what each probe showed. Out: the next rate to try, and the highest borne. Pure.
import { areTooManyLost, isFallingBehind, isMostlyLateness } from '../../results/audits/load.ts';
import type { Capacity, Probe, ProbeLimit } from '../../results/model/trial.ts';
import type { CapacityLoad } from '../../scenarios/model/load.ts';
import type { WindowSchedule } from '../contracts.ts';
import type { SliceReading } from '../protocol.ts';

// From an objective, a rate, and what one turn at that rate showed. Out: whether the rate is kept, and if not, what did not hold.

type Rules = Pick<CapacityLoad, 'objective' | 'resolutionRatio'>;

/** The figures of one probe. */
interface Seen {
  p50Us: number;
  p99Us: number;
  errorRatio: number;
  ended: number;
  schedule: WindowSchedule & { latenessP99Us: number };
}

/** @throws Error when the reading is not that of a probe. */
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

/** Of a window: 0 where it has no length. */
export function endedPerSec({ ended, windowMs }: Pick<SliceReading, 'ended' | 'windowMs'>): number {
  return ended === null || windowMs === 0 ? 0 : (ended / windowMs) * 1_000;
}

function seenIn({ completed, failed, ended, p50Us, p99Us, schedule }: SliceReading): Seen {
  const latenessP99Us = schedule?.latenessP99Us ?? null;
  if (schedule === undefined || ended === null || p50Us === null || p99Us === null || latenessP99Us === null)
    throw new Error('a turn without quantiles of its own can judge no rate');
  const errorRatio = completed + failed === 0 ? 0 : failed / (completed + failed);
  return { p50Us, p99Us, errorRatio, ended, schedule: { ...schedule, latenessP99Us } };
}

/** What did not hold. Where most of the time is the generator's own lateness, that is what did not hold. */
function limitOf(rules: Rules, seen: Seen): { limit: ProbeLimit; why: string } | undefined {
  const found = shortfallOf(rules, seen);
  const { latenessP99Us } = seen.schedule;
  const isLate = isMostlyLateness({ latenessUs: latenessP99Us, responseUs: seen.p99Us });
  if (found === undefined || found.limit === 'errors' || !isLate) return found;
  const why = `${found.why}, and the generator could not keep its schedule: p99 of its own lateness was ${ms(latenessP99Us)}`;
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
    const why = `${percent(errorRatio)} of the requests failed, above ${percent(objective.errorRatio)}`;
    return { limit: 'errors', why };
  }
  const quantiles = [
    { name: 'p50', us: p50Us, limitMs: objective.p50Ms },
    { name: 'p99', us: p99Us, limitMs: objective.p99Ms },
  ];
  for (const { name, us, limitMs } of quantiles) {
    if (limitMs !== undefined && us > limitMs * 1_000)
      return { limit: 'latency', why: `${name} was ${ms(us)}, above ${limitMs} ms` };
  }
  // Half of the resolution: an arm that falls behind by all of it must not pass.
  if (isFallingBehind({ due, ended }, resolutionRatio / 2))
    return { limit: 'rate', why: `${due} requests were due in the window and only ${ended} ended in it` };
  return undefined;
}

function ms(us: number): string {
  return `${Number((us / 1_000).toPrecision(3))} ms`;
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(2))} %`;
}

/** Probes that agree on a rate settle it: the best of three. */
const SETTLING = 2;
/** Beyond so many the arm has no limit that could be found: the search ends unsettled. */
const MOST_PROBES = 60;

interface CapacitySearch {
  /** The rate to try next; undefined when the search is over. */
  nextPerSec(): number | undefined;
  add(probe: Probe): void;
  result(): Capacity;
}

type Limits = Pick<CapacityLoad, 'minRatePerSec' | 'maxRatePerSec' | 'resolutionRatio'>;

/**
 * Doubles the rate from the least on until one is not kept, then halves the gap between the highest kept and the lowest
 * not kept, in logarithms, until they are within the resolution.
 *
 * One probe is a noisy judge: a neighbour's burst fails a rate that is easily borne, and near the limit the dice decide.
 * So a rate is given up only when two probes did not keep it, and taken as kept for the time being when one did; the one
 * that the search ends at has to be kept by two, before more than one did not. Where it is not, the search goes on below.
 *
 * The rates that can be found are those of a grid. Two replicates that end on the same one would look surer than the grid is
 * fine, so each begins at another place:
 * @param offset of the grid, as a share (0 to 1) of its step; the search begins at most a resolution above minRatePerSec
 */
export function createCapacitySearch(limits: Limits, offset = 0): CapacitySearch {
  const { maxRatePerSec, resolutionRatio } = limits;
  const firstPerSec = Math.min(
    maxRatePerSec,
    limits.minRatePerSec * 2 ** (offset / stepsPerOctave(resolutionRatio)),
  );
  const probes: Probe[] = [];
  /** Rates in the order in which they were first tried, with how often each was kept and not kept. */
  const tried = new Map<number, { kept: number; notKept: number }>();

  function ratesWhere(fits: (of: { kept: number; notKept: number }) => boolean): number[] {
    return [...tried].filter(([, of]) => fits(of)).map(([ratePerSec]) => ratePerSec);
  }

  /** The gap that is left: `low` 0 where no rate was kept yet, `high` infinite where none has failed. */
  function bracket(): { low: number; high: number } {
    const high = Math.min(...ratesWhere(({ notKept }) => notKept >= SETTLING));
    const kept = ratesWhere(({ kept, notKept }) => kept > 0 && notKept < SETTLING);
    return { low: Math.max(0, ...kept.filter(ratePerSec => ratePerSec < high)), high };
  }

  /** A rate within the gap that the search wants tried, or undefined where the gap is as narrow as it is to be. */
  function candidatePerSec({ low, high }: { low: number; high: number }): number | undefined {
    if (low === 0) return high > firstPerSec ? firstPerSec : undefined;
    if (high === Infinity) return low < maxRatePerSec ? Math.min(2 * low, maxRatePerSec) : undefined;
    return high / low > 1 + resolutionRatio ? Math.sqrt(low * high) : undefined;
  }

  function nextPerSec(): number | undefined {
    if (probes.length >= MOST_PROBES) return undefined;
    const gap = bracket();
    const doubted = ratesWhere(({ kept, notKept }) => kept === 0 && notKept > 0 && notKept < SETTLING);
    const inDoubt = doubted.find(ratePerSec => ratePerSec > gap.low && ratePerSec < gap.high);
    if (inDoubt !== undefined) return inDoubt;
    const candidate = candidatePerSec(gap);
    if (candidate !== undefined) return candidate;
    return gap.low > 0 && tried.get(gap.low)!.kept < SETTLING ? gap.low : undefined;
  }

  return {
    nextPerSec,
    add(probe) {
      probes.push(probe);
      const of = tried.get(probe.ratePerSec) ?? { kept: 0, notKept: 0 };
      if (probe.isKept) of.kept++;
      else of.notKept++;
      tried.set(probe.ratePerSec, of);
    },
    result() {
      const { low, high } = bracket();
      return {
        ratePerSec: low,
        notKeptPerSec: high === Infinity ? null : high,
        isSettled: nextPerSec() === undefined && probes.length < MOST_PROBES,
        probes: [...probes],
      };
    },
  };
}

/** Rates that halving an octave again and again can end at: as many as bring neighbours within the resolution. */
export function stepsPerOctave(resolutionRatio: number): number {
  return 2 ** Math.max(0, Math.ceil(Math.log2(Math.LN2 / Math.log1p(resolutionRatio))));
}
