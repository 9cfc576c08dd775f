// Audit of constancy: a server, or a client, that was another one from some slice of a replicate on.

import { milliseconds, percent } from '../figures.ts';
import type { CompletedTrial, Slice } from '../model/trial.ts';
import { sumOf } from '../stats.ts';
import { type ArmRule, type Check, pass, warn } from './rule.ts';

/** Slices needed on each side for figures that scatter: of ten slices, chance puts the five largest last in one of 252 cases. */
const SCATTERING_SLICES = 5;
/** Slices needed on each side for shares, which hardly scatter. */
const STABLE_SLICES = 2;
/** Medians must be this many mean distances apart. */
const MIN_SPREADS = 4;
/** On each side, this share may be out of line: bursts of the machine. */
const STRAY_SHARE = 0.1;
/** A mean response time that is this many times as long: other programs on the machine rarely do that. */
const MIN_TIMES = 3;
/** A share of requests that failed, or opened a connection, that is this much larger. */
const MIN_SHARE = 0.5;

const KINDS = {
  time: {
    read: ({ meanUs }: Slice) => (meanUs > 0 ? Math.log(meanUs) : null),
    limits: { least: Math.log(MIN_TIMES), leastSlices: SCATTERING_SLICES },
    describe: (before: number, after: number) =>
      `the mean response time was ${milliseconds(Math.exp(after))} instead of ${milliseconds(Math.exp(before))}`,
  },
  failures: {
    read: ({ completed, failed }: Slice) => (completed + failed === 0 ? null : failed / (completed + failed)),
    limits: { least: MIN_SHARE, leastSlices: STABLE_SLICES },
    describe: (before: number, after: number) =>
      `${percent(after)} of the requests failed instead of ${percent(before)}`,
  },
  connections: {
    read: ({ opened, exchanges }: Slice) => (opened == null || exchanges === 0 ? null : opened / exchanges),
    limits: { least: MIN_SHARE, leastSlices: STABLE_SLICES },
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

type Series = readonly { block: number; value: number }[];

/**
 * The best split of a series into a part before and a part after, by the distances from their medians, if the two lie apart
 * by at least `least` and do not overlap, but for some bursts; null if not.
 */
export function findChange(
  series: Series,
  { least, leastSlices }: { least: number; leastSlices: number },
): Change | null {
  let best: { at: number; before: number[]; after: number[]; cost: number } | null = null;
  for (let at = leastSlices; at <= series.length - leastSlices; at++) {
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
  return isApart && Math.abs(after - before) >= Math.max(least, MIN_SPREADS * spread)
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

function seriesOf({ measurement: { slices } }: CompletedTrial, kind: Kind): Series {
  return slices.flatMap(slice => {
    const value = KINDS[kind].read(slice);
    return value === null ? [] : [{ block: slice.block, value }];
  });
}

/** A client shares another's change from this part of the least change on: its own figures may scatter too much to show it by themselves. */
const SHARED_BY = 0.5;

/** The medians of a client before and from a block on, if they differ as those of another did, though by less; else null. */
function sameIn(trial: CompletedTrial, kind: Kind, { block, before, after }: Change): Change | null {
  const [earlier, later] = [true, false].map(isEarlier =>
    seriesOf(trial, kind)
      .filter(one => one.block < block === isEarlier)
      .map(({ value }) => value)
      .toSorted((a, b) => a - b),
  ) as [number[], number[]];
  if (earlier.length === 0 || later.length === 0) return null;
  const own = { block, before: quantile(earlier, 0.5), after: quantile(later, 0.5) };
  const by = own.after - own.before;
  const isAlike = Math.sign(by) === Math.sign(after - before);
  return isAlike && Math.abs(by) >= SHARED_BY * KINDS[kind].limits.least ? own : null;
}

/** By its own slices, or by those of another client that its own agree with. */
function changeOf(trial: CompletedTrial, rivals: readonly CompletedTrial[], kind: Kind): Change | null {
  const found = (of: CompletedTrial): Change | null => findChange(seriesOf(of, kind), KINDS[kind].limits);
  const own = found(trial);
  if (own !== null) return own;
  const [shared = null] = rivals.flatMap(rival => {
    const its = found(rival);
    return its === null ? [] : (sameIn(trial, kind, its) ?? []);
  });
  return shared;
}

/**
 * Replicates are one experiment each: where the server changes within one, its figures are a mixture of two. It is the
 * server (or the machine) if all clients that could show it do, and then failures and connections make the trials invalid; a
 * change of times, or of one client alone, is a caveat. A server that changes between replicates shows in their spread.
 */
export const changes: ArmRule = {
  rule: 'changes',
  check(trials, others) {
    const counted = trials.filter(({ measurement }) => measurement.slices.length >= 2 * STABLE_SLICES);
    if (counted.length === 0) return null;
    const found = counted.flatMap(trial => {
      const rivals = others.filter(other => other.trial.replicate === trial.trial.replicate);
      return describeChanges(trial, rivals);
    });
    const [worst] = found.toSorted((a, b) => Number(b.state === 'fail') - Number(a.state === 'fail'));
    return (
      worst ??
      pass(`no replicate has a slice from which on times, failures or connections stayed at another level`)
    );
  },
};

function describeChanges(trial: CompletedTrial, rivals: readonly CompletedTrial[]): Check[] {
  const kinds = Object.keys(KINDS) as Kind[];
  return kinds.flatMap((kind): Check[] => {
    const change = changeOf(trial, rivals, kind);
    if (change === null) return [];
    const able = rivals.filter(rival => canShow(rival, kind, change));
    const isShared = able.every(rival => sameIn(rival, kind, change) !== null);
    const { trial: of, measurement } = trial;
    const where = `in replicate ${of.replicate + 1}, from block ${change.block + 1} of ${measurement.slices.length} on, ${KINDS[kind].describe(change.before, change.after)}`;
    return [
      isShared
        ? {
            // Clients take turns, so what makes all of them slower leaves their ratios as they are.
            state: kind === 'time' ? 'warn' : 'fail',
            detail: `${able.length === 0 ? 'the server, the machine or the client' : 'the server or the machine'} changed in mid-run: ${where}; figures are a mixture of both`,
          }
        : warn(
            `this client changed in mid-run, others hardly did: ${where}; its figures are a mixture of both`,
          ),
    ];
  });
}

/** A client that opens a connection for each request anyway, or of which all requests fail, cannot show that more are. */
function canShow(
  { measurement: { slices } }: CompletedTrial,
  kind: Kind,
  { before, after }: Change,
): boolean {
  if (slices.length < 2 * KINDS[kind].limits.leastSlices) return false;
  if (kind === 'time' || after < before) return true;
  const values = slices.flatMap(slice => KINDS[kind].read(slice) ?? []);
  return values.length > 0 && Math.min(...values) < after - KINDS[kind].limits.least;
}
