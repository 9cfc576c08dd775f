// Simulates the slices of a replicate for two clients on a noisy host, with their true ratio.

import { randomLogNormal, randomNormal } from 'd3-random';
import type { Slice } from '../model/trial.ts';
import { createRandom, type Random, shuffled } from '../random.ts';
import { sumOf } from '../stats.ts';

/** An event loop that stands still: for `lengthMs`, once in `everyMs`, at equal distances or by chance. */
export interface Pauses {
  lengthMs: number;
  everyMs: number;
  isRandom: boolean;
}

/** A client under a closed load: lognormal response times, and what it does to itself. */
export interface SimulatedArm {
  meanMs: number;
  pauses?: Pauses;
  /** A share of the requests takes this long instead. */
  slow?: { ms: number; ratio: number };
}

/** What an arm did in a replicate. */
export interface SimulatedTrial {
  slices: Slice[];
  /** The longest request of its windows. */
  longestMs: number;
  /** What its slices were lengthened for; null where they were not. */
  lengthenedForMs: number | null;
}

/**
 * What the machine does to the arm that is running, as standard deviations of logarithms: of its speed over seconds and from one slice
 * to the next, and of a process's speed. The noise of a replicate is then that of A/A replicates on two shared cores
 * (docs/measured.md): about 2 %.
 */
const HOST = { driftSd: 0.08, jitterSd: 0.03, processSd: 0.011 } as const;

interface Span {
  startMs: number;
  endMs: number;
}

export const USERS = 8;
const SIGMA = 0.25;
const MEASURE_MS = 1_500;
/** Between two slices: messages between processes. */
const TURN_MS = 5;
/** A ramp is lengthened at random by up to this multiple of its length. */
const RAMP_SPREAD = 2;
const CPU_US = 30;
const DRIFT_STEP_MS = 50;
const DRIFT_MS = 3_000;
const SLOW_MODE = 0.25;

/** Lognormal times over their mean, one of which each request takes: to draw anew for each takes ten times as long. */
const FACTORS = drawFactors(2 ** 16);

function drawFactors(count: number): Float64Array {
  const drawn = Float64Array.from(
    { length: count },
    randomLogNormal.source(createRandom(1, 'factors'))(0, SIGMA),
  );
  const mean = drawn.reduce((sum, factor) => sum + factor, 0) / count;
  return drawn.map(factor => factor / mean);
}

/** Ramp and window of an arm whose longest request has been seen: as bench/plan/slice-shape.ts shapes them. */
function shapeOf({ meanMs, pauses, slow }: SimulatedArm): {
  rampMs: number;
  windowMs: number;
  lengthenedForMs: number | null;
} {
  const mean = meanMs + (slow === undefined ? 0 : slow.ms * slow.ratio);
  const longestMs = 2 * meanMs + Math.max(pauses?.lengthMs ?? 0, slow?.ms ?? 0);
  const askedMs = Math.max(100, 20 * mean);
  const windowMs = Math.max(askedMs, 1.25 * longestMs);
  const rampMs = Math.max(10, 3 * mean);
  return {
    rampMs: longestMs > askedMs ? Math.max(rampMs, longestMs) : rampMs,
    windowMs,
    lengthenedForMs: windowMs > askedMs ? longestMs : null,
  };
}

/** Of a process that has gone on for ever at time 0: it is in a pause then, or the next comes after what is left of a gap. */
function drawPauses({ lengthMs, everyMs, isRandom }: Pauses, untilMs: number, random: Random): Span[] {
  const spans: Span[] = [];
  const gapMs = everyMs - lengthMs;
  const drawGapMs = (): number => (isRandom ? -Math.log(1 - random()) * gapMs : gapMs);
  let startMs = random() * everyMs - lengthMs;
  // By chance a gap has no memory: what is left of it is as long as a whole one.
  if (startMs > 0 && isRandom) startMs = drawGapMs();
  while (startMs < untilMs) {
    spans.push({ startMs, endMs: startMs + lengthMs });
    startMs += lengthMs + drawGapMs();
  }
  return spans;
}

/** By how much the host makes all times longer at a time. */
function drawDrift(untilMs: number, random: Random): (atMs: number) => number {
  const { driftSd, jitterSd } = HOST;
  const noise = randomNormal.source(random)();
  const keep = Math.exp(-DRIFT_STEP_MS / DRIFT_MS);
  const factors: number[] = [];
  let drift = driftSd * noise();
  for (let atMs = 0; atMs < untilMs; atMs += DRIFT_STEP_MS) {
    drift = keep * drift + Math.sqrt(1 - keep ** 2) * driftSd * noise();
    factors.push(Math.exp(drift + jitterSd * noise()));
  }
  return atMs => factors[Math.min(factors.length - 1, Math.floor(atMs / DRIFT_STEP_MS))]!;
}

/** When an answer that would come at a time is seen: not while its client stands still. */
function seenAt(endMs: number, pauses: readonly Span[]): number {
  let seenMs = endMs;
  for (const pause of pauses) {
    if (pause.startMs > seenMs) break;
    if (seenMs < pause.endMs) seenMs = pause.endMs;
  }
  return seenMs;
}

function overlapMs(span: Span, others: readonly Span[]): number {
  return sumOf(others, other =>
    Math.max(0, Math.min(span.endMs, other.endMs) - Math.max(span.startMs, other.startMs)),
  );
}

/**
 * One replicate of `a` and `b`, block by block in shuffled order.
 * @param slowModeRatio chance of a process to be slower for life
 */
export function simulateReplicate(
  arms: readonly [SimulatedArm, SimulatedArm],
  slowModeRatio: number,
  random: Random,
): [SimulatedTrial, SimulatedTrial] {
  const shapes = arms.map(shapeOf);
  const blockCount = Math.max(1, Math.ceil(MEASURE_MS / Math.max(...shapes.map(({ windowMs }) => windowMs))));
  const leastMs = Math.ceil(MEASURE_MS / blockCount);
  const untilMs =
    5 *
    blockCount *
    shapes.reduce((sum, { rampMs, windowMs }) => sum + rampMs + Math.max(windowMs, leastMs) + 50, 0);
  const driftAt = drawDrift(untilMs, random);
  const normal = randomNormal.source(random)();
  const sides = arms.map((arm, index) => {
    const pauses = arm.pauses === undefined ? [] : drawPauses(arm.pauses, untilMs, random);
    const mode = random() < slowModeRatio ? SLOW_MODE : 0;
    return {
      arm,
      pauses,
      rampMs: shapes[index]!.rampMs,
      windowMs: Math.max(shapes[index]!.windowMs, leastMs),
      speed: Math.exp(HOST.processSd * normal() + mode),
      draw: drawTimes(arm, random),
      slices: [] as Slice[],
      longestMs: 0,
      lengthenedForMs: shapes[index]!.lengthenedForMs,
    };
  });
  let atMs = 0;
  for (let block = 0; block < blockCount; block++) {
    for (const [position, side] of shuffled(sides, random).entries()) {
      const { slice, endMs, longestMs } = simulateSlice(side, {
        block,
        position,
        atMs,
        driftAt,
        rampChance: random(),
      });
      side.slices.push(slice);
      side.longestMs = Math.max(side.longestMs, longestMs);
      atMs = endMs + TURN_MS;
    }
  }
  return [sides[0]!, sides[1]!];
}

function drawTimes({ meanMs, slow }: SimulatedArm, random: Random): (factor: number) => number {
  return factor =>
    slow !== undefined && random() < slow.ratio
      ? slow.ms
      : meanMs * FACTORS[Math.floor(random() * FACTORS.length)]! * factor;
}

function simulateSlice(
  side: {
    pauses: Span[];
    rampMs: number;
    windowMs: number;
    speed: number;
    draw: (factor: number) => number;
  },
  place: {
    block: number;
    position: number;
    atMs: number;
    driftAt: (atMs: number) => number;
    rampChance: number;
  },
): { slice: Slice; endMs: number; longestMs: number } {
  // A client that stands still begins its slice afterwards.
  const startMs = seenAt(place.atMs, side.pauses);
  const openMs = startMs + side.rampMs * (1 + RAMP_SPREAD * place.rampChance);
  const closeMs = openMs + side.windowMs;
  const near = side.pauses.filter(pause => pause.endMs > startMs);
  const factor = side.speed * place.driftAt(openMs);
  let completed = 0;
  let userMs = 0;
  let longestMs = 0;
  let exchanges = 0;
  let ended = 0;
  let lastMs = closeMs;
  for (let user = 0; user < USERS; user++) {
    for (let beginMs = startMs; beginMs < closeMs; exchanges++) {
      const endMs = seenAt(beginMs + side.draw(factor), near);
      if (beginMs >= openMs) {
        completed++;
        userMs += endMs - beginMs;
        longestMs = Math.max(longestMs, endMs - beginMs);
      }
      if (endMs >= openMs && endMs < closeMs) ended++;
      beginMs = endMs;
      lastMs = Math.max(lastMs, endMs);
    }
  }
  const slice: Slice = {
    block: place.block,
    position: place.position,
    atMs: openMs,
    windowMs: side.windowMs,
    completed,
    failed: 0,
    censored: 0,
    ended,
    userMs: completed === 0 ? null : userMs,
    meanUs: completed === 0 ? 0 : (userMs / completed) * 1_000,
    exchanges,
    generatorCpuUs: exchanges * CPU_US * factor + 1_000 * overlapMs({ startMs, endMs: lastMs }, side.pauses),
    targetCpuUs: exchanges * CPU_US * factor,
  };
  return { slice, endMs: lastMs, longestMs };
}

/** Mean response time in a run without end, by itself on a still machine. */
export function trueMeanMs(arm: SimulatedArm, random: Random): number {
  const { meanMs, pauses, slow } = arm;
  if (pauses === undefined)
    return slow === undefined ? meanMs : meanMs * (1 - slow.ratio) + slow.ms * slow.ratio;
  const untilMs = (pauses.isRandom ? 10_000 : 2_000) * pauses.everyMs;
  const spans = drawPauses(pauses, untilMs, random);
  const draw = drawTimes(arm, random);
  let count = 0;
  let next = 0;
  let beginMs = 0;
  for (; beginMs < untilMs; count++) {
    let endMs = beginMs + draw(1);
    while (next < spans.length && spans[next]!.endMs <= endMs) next++;
    const stall = spans[next];
    if (stall !== undefined && stall.startMs <= endMs) endMs = stall.endMs;
    beginMs = endMs;
  }
  return beginMs / count;
}
