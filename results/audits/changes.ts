// Audit of constancy: a server, or a client, that was another one from some slice of a replicate on.
import type { CompletedTrial, Slice } from '../model/trial.ts';
import { sumOf } from '../stats.ts';
import { type ArmRule, type Check, percent } from './rule.ts';

/** So many slices on each side: of ten slices, chance puts the five largest last in one of 252 cases. */
const LEAST_SLICES = 5;
/** Medians lie apart by so many mean distances from them. */
const LEAST_SPREADS = 4;
/** On each side, this share may be out of line: bursts of the machine. */
const STRAY_SHARE = 0.1;
/** A mean response time that is this many times as long: other programs on the machine rarely do that. */
const LEAST_TIMES = 3;
/** A share of requests that failed, or opened a connection, that is this much larger. */
const LEAST_SHARE = 0.5;

const KINDS = {
  time: {
    read: ({ meanUs }: Slice) => (meanUs > 0 ? Math.log(meanUs) : null),
    least: Math.log(LEAST_TIMES),
    describe: (before: number, after: number) =>
      `the mean response time was ${milliseconds(Math.exp(after))} instead of ${milliseconds(Math.exp(before))}`,
  },
  failures: {
    read: ({ completed, failed }: Slice) => (completed + failed === 0 ? null : failed / (completed + failed)),
    least: LEAST_SHARE,
    describe: (before: number, after: number) =>
      `${percent(after)} of the requests failed instead of ${percent(before)}`,
  },
  connections: {
    read: ({ opened, exchanges }: Slice) => (opened == null || exchanges === 0 ? null : opened / exchanges),
    least: LEAST_SHARE,
    describe: (before: number, after: number) =>
      `${after.toFixed(2)} connections were opened per request instead of ${before.toFixed(2)}`,
  },
} as const;

type Kind = keyof typeof KINDS;

/** Medians before and after a change, and the block that it was first seen in. */
export interface Change {
  block: number;
  before: number;
  after: number;
}

/**
 * The best split of a series into a part before and a part after, by the distances from their medians, if the two lie apart
 * by at least `least` and do not overlap, but for some bursts; null if not.
 */
export function findChange(
  series: readonly { block: number; value: number }[],
  least: number,
): Change | null {
  let best: { at: number; before: number[]; after: number[]; cost: number } | null = null;
  for (let at = LEAST_SLICES; at <= series.length - LEAST_SLICES; at++) {
    const [before, after] = [series.slice(0, at), series.slice(at)].map(part =>
      part.map(({ value }) => value).toSorted((a, b) => a - b),
    ) as [number[], number[]];
    const cost = distanceIn(before) + distanceIn(after);
    if (best === null || cost < best.cost) best = { at, before, after, cost };
  }
  if (best === null) return null;
  const [before, after] = [quantile(best.before, 0.5), quantile(best.after, 0.5)];
  const [lower, higher] = before < after ? [best.before, best.after] : [best.after, best.before];
  const isApart = quantile(lower, 1 - STRAY_SHARE) < quantile(higher, STRAY_SHARE);
  const spread = best.cost / series.length;
  return isApart && Math.abs(after - before) >= Math.max(least, LEAST_SPREADS * spread)
    ? { block: series[best.at]!.block, before, after }
    : null;
}

/** Sum of the distances from the median. */
function distanceIn(sorted: readonly number[]): number {
  const middle = quantile(sorted, 0.5);
  return sumOf(sorted, value => Math.abs(value - middle));
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.round(share * (sorted.length - 1))]!;
}

function changeIn({ measurement: { slices } }: CompletedTrial, kind: Kind): Change | null {
  const { read, least } = KINDS[kind];
  const series = slices.flatMap(slice => {
    const value = read(slice);
    return value === null ? [] : [{ block: slice.block, value }];
  });
  return findChange(series, least);
}

/** Clients take turns, so that what changed for all of them did so within some blocks. */
const SAME_BLOCKS = 2;

/**
 * Replicates are one experiment each: where the server changes within one, its figures are a mixture of two. It is the
 * server (or the machine) if all clients that could show it do, and then the trials are invalid; a change of one client
 * alone may be what that client does, and is a caveat. A server that changes between replicates shows in their spread.
 */
export const changes: ArmRule = {
  rule: 'changes',
  check(trials, others) {
    const counted = trials.filter(({ measurement }) => measurement.slices.length >= 2 * LEAST_SLICES);
    if (counted.length === 0) return null;
    const found = counted.flatMap(trial => {
      const rivals = others.filter(other => other.trial.replicate === trial.trial.replicate);
      return describeChanges(trial, rivals);
    });
    const [worst] = found.toSorted((a, b) => Number(b.state === 'fail') - Number(a.state === 'fail'));
    return (
      worst ?? {
        state: 'pass',
        detail: `no replicate has a slice from which on times, failures or connections stayed at another level`,
      }
    );
  },
};

function describeChanges(trial: CompletedTrial, rivals: readonly CompletedTrial[]): Check[] {
  const kinds = Object.keys(KINDS) as Kind[];
  return kinds.flatMap((kind): Check[] => {
    const change = changeIn(trial, kind);
    if (change === null) return [];
    const able = rivals.filter(rival => canShow(rival, kind, change));
    const isShared = able.every(rival => {
      const its = changeIn(rival, kind);
      return its !== null && Math.abs(its.block - change.block) <= SAME_BLOCKS;
    });
    const { trial: of, measurement } = trial;
    const where = `in replicate ${of.replicate + 1}, from block ${change.block + 1} of ${measurement.slices.length} on, ${KINDS[kind].describe(change.before, change.after)}`;
    return [
      isShared
        ? {
            state: 'fail',
            detail: `${able.length === 0 ? 'the server, the machine or the client' : 'the server or the machine'} changed in mid-run: ${where}; figures are a mixture of both`,
          }
        : {
            state: 'warn',
            detail: `this client changed in mid-run, others did not: ${where}; its figures are a mixture of both`,
          },
    ];
  });
}

/** A client that opens a connection for each request anyway, or of which all requests fail, cannot show that more are. */
function canShow(
  { measurement: { slices } }: CompletedTrial,
  kind: Kind,
  { before, after }: Change,
): boolean {
  if (slices.length < 2 * LEAST_SLICES) return false;
  if (kind === 'time' || after < before) return true;
  const values = slices.flatMap(slice => KINDS[kind].read(slice) ?? []);
  return values.length > 0 && Math.min(...values) < after - KINDS[kind].least;
}

function milliseconds(us: number): string {
  return `${Number((us / 1_000).toPrecision(3))} ms`;
}
