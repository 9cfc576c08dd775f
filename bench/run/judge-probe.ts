// In: an objective, a rate, and what one turn at that rate showed. Out: whether the rate is kept, and if not, what did not hold.
import { areTooManyLost, isFallingBehind, isMostlyLateness } from '../../results/schedule-limits.ts';
import type { WindowSchedule } from '../contracts.ts';
import type { CapacityLoad } from '../../scenarios/model/load.ts';
import type { Probe, ProbeLimit } from '../core/open-results.ts';
import type { SliceReading } from '../../servers/protocol.ts';

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
