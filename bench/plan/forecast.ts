// Forecasts before a run: how long a cell will take, how long an arm will respond and rest, and how narrow an interval will be.
import { slotsPerConnection } from '../../results/connections.ts';
import { MIN_REPLICATES, studentReach, sumOf } from '../../results/stats.ts';
import type { Client } from '../../scenarios/model/client.ts';
import { connectionLimit, originCount, usesTls } from '../../scenarios/model/facts.ts';
import type { Load } from '../../scenarios/model/load.ts';
import type { Scenario, Timing } from '../../scenarios/model/scenario.ts';
import {
  isExternal,
  longestRoundTripMs,
  meanFaultMs,
  openingRoundTrips,
  REQUEST_ROUND_TRIPS,
  type Target,
} from '../../scenarios/model/target.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import { stepsPerOctave } from './capacity-search.ts';
import {
  blockCount,
  probeShape,
  type SliceShape,
  shapeForLoad,
  sliceShape,
  spreadRampMs,
} from './slice-shape.ts';
import { WARMUP_WINDOW_MS } from './warm-up.ts';

/** Durations that can only be estimated, on an idle machine or on a busy one. */
interface Pace {
  /** Starting the target and the generators of a replicate, side by side. */
  startMs: number;
  /** Messages between processes, per slice. */
  turnMs: number;
  /** Where between the shortest and the longest a ramp is. */
  rampChance: number;
  /** Ramp, drain and messages of a probe. */
  probeExtraMs: number;
  /** Position between minimum and maximum warm-up at which an arm is steady. */
  warmupRatio: number;
  /** Share of the doublings up to its highest rate that a search makes. */
  searchRatio: number;
  /** Share of the halvings of a search that are tried twice. */
  doubtRatio: number;
}

const USUAL: Pace = {
  startMs: 800,
  turnMs: 10,
  rampChance: 0.5,
  probeExtraMs: 250,
  warmupRatio: 0.5,
  searchRatio: 0.5,
  doubtRatio: 0.5,
};
const SLOW: Pace = {
  startMs: 2_000,
  turnMs: 30,
  rampChance: 1,
  probeExtraMs: 500,
  warmupRatio: 1,
  searchRatio: 1,
  doubtRatio: 1,
};
/** Warm-up of one arm. */
function warmupMs({ timing, load }: Scenario, responseMs: number, pace: Pace): number {
  const { warmupMinMs, warmupMaxMs } = timing;
  const loadMs = warmupMinMs + Math.max(0, warmupMaxMs - warmupMinMs) * pace.warmupRatio;
  const shape = { ...sliceShape(timing, { meanMs: responseMs }), windowMs: WARMUP_WINDOW_MS };
  const { rampMs, windowMs } = shapeForForecast(shape, timing, load);
  const windows = Math.ceil(loadMs / (rampMs + windowMs));
  return windows * (rampMs + windowMs + responseMs + pace.turnMs);
}

/** Adjusted to the load's rate if it has one; the rates of a capacity search are unknown in advance. */
function shapeForForecast(shape: SliceShape, timing: Timing, load: Load): SliceShape {
  return load.model === 'capacity' ? shape : shapeForLoad(shape, timing, load);
}

/** Duration of a capacity search; a failing rate is tried twice. */
function searchMs(load: Load, pace: Pace): number {
  if (load.model !== 'capacity') return 0;
  const { minRatePerSec, maxRatePerSec, resolutionRatio, probeMs } = load;
  const doublings = Math.ceil(Math.log2(maxRatePerSec / minRatePerSec) * pace.searchRatio) + 1;
  const halvings = Math.log2(stepsPerOctave(resolutionRatio));
  const notKept = 1 + halvings * pace.doubtRatio;
  const confirmed = 1;
  return (doublings + halvings + notKept + confirmed) * (probeMs + pace.probeExtraMs);
}

/** Duration of the measurement: all arms in turn, each for as long as the slowest needs. */
function measureMs({ timing, load }: Scenario, responsesMs: readonly number[], pace: Pace): number {
  const shapes = responsesMs.map(meanMs => shapeForForecast(sliceShape(timing, { meanMs }), timing, load));
  const longestMs = Math.max(...shapes.map(({ windowMs }) => windowMs));
  const blocks = blockCount(timing, longestMs);
  const turnsMs = shapes.map(
    ({ rampMs, windowMs }, index) =>
      spreadRampMs(rampMs, timing, load, pace.rampChance) +
      Math.max(windowMs, timing.measureMs / blocks) +
      responsesMs[index]! +
      pace.turnMs,
  );
  return blocks * turnsMs.reduce((sum, turnMs) => sum + turnMs, 0);
}

/** Estimated durations of a cell, ms. */
interface CellTimes {
  /** As many replicates as fit the budget. It may take less, because replicates end once the intervals are narrow. */
  aboutMs: number;
  /** Upper estimates of one replicate, and of those that an interval needs: a busy machine, arms that warm up slowly. */
  oneMostMs: number;
  intervalMostMs: number;
  /** The same for what follows when the time is over: results are collected, and processes ended. */
  endingMostMs: number;
  /** Replicates that usually fit the budget. */
  replicates: number;
}

interface Expected {
  /** Estimate of an arm's mean response time. */
  expectedMs?: (client: Client) => number;
  /** Target processes: a single one is kept for all replicates, several are restarted in each. */
  targetCount?: number;
  /** How many times as long processes take as on an idle machine; for the upper estimates. */
  slowness?: number;
}

/** What is left to do per arm, and in all, when the time of a cell is over. */
const ENDING_MS = { arm: 300, cell: 1_500 } as const;

export function cellTimes(
  scenario: Scenario,
  { expectedMs = () => 0, targetCount = 1, slowness = 1 }: Expected = {},
): CellTimes {
  const { maxReplicates, budgetMs } = scenario.timing;
  const responsesMs = Object.values(scenario.clients).map(expectedMs);
  const sureCount = sureReplicates(scenario.timing);

  function partsAt(pace: Pace): { onceMs: number; oneMs: number } {
    const warmupsMs = sumOf(responsesMs, ms => warmupMs(scenario, ms, pace));
    // Own targets are started, and conditioned by generators that are then discarded; an external server is not.
    const openMs = isExternal(scenario.target) ? 0 : (targetCount + 1) * pace.startMs + warmupsMs;
    const onceMs = targetCount === 1 ? openMs : 0;
    const searchesMs = responsesMs.length * searchMs(scenario.load, pace);
    const measuredMs = measureMs(scenario, responsesMs, pace);
    return { onceMs, oneMs: openMs - onceMs + pace.startMs + warmupsMs + searchesMs + measuredMs };
  }

  const usual = partsAt(USUAL);
  const slow = partsAt({ ...SLOW, startMs: SLOW.startMs * slowness, turnMs: SLOW.turnMs * slowness });
  const fittingCount = Math.max(Math.floor((budgetMs - usual.onceMs) / usual.oneMs), sureCount);
  const replicates = Math.min(fittingCount, maxReplicates);
  return {
    replicates,
    aboutMs: Math.round(usual.onceMs + replicates * usual.oneMs),
    oneMostMs: Math.round(slow.onceMs + slow.oneMs),
    intervalMostMs: Math.round(slow.onceMs + sureCount * slow.oneMs),
    endingMostMs: Math.round((ENDING_MS.cell + responsesMs.length * ENDING_MS.arm) * slowness),
  };
}

/** Replicates that an interval needs; they may exceed the budget, within the announced maximum. */
export function sureReplicates({ minReplicates }: Timing): number {
  return Math.min(MIN_REPLICATES, minReplicates);
}

/** How a cell's replicates went so far, ms. */
export interface ReplicateTimes {
  replicates: number;
  /** Duration of the cell. */
  elapsedMs: number;
  /** The longest replicate, without the setup shared by all. */
  longestMs: number;
  /** The maximum announced for the cell. */
  mostMs: number;
}

/**
 * What the next replicate has to end within: replicates that an interval needs may take as long as announced before the run,
 * more than the budget.
 */
export function limitOfAnother(
  timing: Timing,
  { replicates, mostMs }: Pick<ReplicateTimes, 'replicates' | 'mostMs'>,
): { isBudget: boolean; limitMs: number } {
  const { budgetMs } = timing;
  const isNeeded = replicates < sureReplicates(timing) && mostMs > budgetMs;
  return isNeeded ? { isBudget: false, limitMs: mostMs } : { isBudget: true, limitMs: budgetMs };
}

/** Whether another replicate would end in time, if it takes as long as the longest so far. The first is always made. */
export function hasTimeForAnother(timing: Timing, times: ReplicateTimes): boolean {
  if (times.replicates === 0) return true;
  return times.elapsedMs + times.longestMs <= limitOfAnother(timing, times).limitMs;
}

/** CPU time on the slowest machine worth measuring on, ms: of an exchange, and of opening a connection, plain and with TLS. */
const CPU_MS = { exchange: 0.05, opening: 0.3, openingTls: 1.5 };
/** Between the end of one slice and the start of the next: two messages between processes. */
const TURN_MS = 10;

/** Users per connection, the one being served included. */
function usersPerConnection({ load, target }: Scenario, client: Client): number {
  const limit = connectionLimit(client.pool, originCount(target));
  if (load.model !== 'closed' || !Number.isFinite(limit)) return 1;
  return Math.max(1, load.concurrency / (limit * slotsPerConnection(client, target)));
}

/** How long a target takes to answer on average, by its behaviour and its faults. */
export function targetServiceMs(
  { behaviour, faults }: Target,
  behaviours: Readonly<Record<string, BehaviourModule>>,
): number {
  return (behaviours[behaviour.name]?.meanServiceMs(behaviour) ?? 0) + meanFaultMs(faults);
}

/** Time that the link adds to an arm's mean response time, with the largest jitter. */
function tripsMs({ target, link }: Scenario, { requestsPerConnection }: Client): number {
  if (link === undefined) return 0;
  const opening =
    requestsPerConnection === 'unlimited' ? 0 : openingRoundTrips(target.tls, 'full') / requestsPerConnection;
  return (REQUEST_ROUND_TRIPS + opening) * longestRoundTripMs(link);
}

/** A high estimate of an arm's mean response time: its users queue for one core, or wait for service and network. */
export function expectedResponseMs(scenario: Scenario, client: Client, serviceMs: number): number {
  const { target, load } = scenario;
  const openingMs = usesTls(target) ? CPU_MS.openingTls : CPU_MS.opening;
  const { requestsPerConnection } = client;
  const cpuMs =
    CPU_MS.exchange + (requestsPerConnection === 'unlimited' ? 0 : openingMs / requestsPerConnection);
  const queuedMs = load.model === 'closed' ? load.concurrency * cpuMs : 0;
  const servedMs = serviceMs + tripsMs(scenario, client) + cpuMs;
  return Math.max(servedMs * usersPerConnection(scenario, client), queuedMs);
}

function turnMs(scenario: Scenario, client: Client, serviceMs: number): number {
  const { timing, load } = scenario;
  const responseMs = expectedResponseMs(scenario, client, serviceMs);
  const shape = shapeForLoad(sliceShape(timing, { meanMs: responseMs }), timing, load);
  const shapes = [{ ...shape, rampMs: spreadRampMs(shape.rampMs, timing, load, 1) }];
  // A client is also idle while others search.
  if (load.model === 'capacity') shapes.push(probeShape(load, timing, load.minRatePerSec));
  return Math.max(...shapes.map(({ rampMs, windowMs }) => rampMs + windowMs)) + responseMs + TURN_MS;
}

/**
 * The longest idle time of an arm between two of its slices, ms, estimated high: if it is first in one block and last in
 * the next, every other arm has two slices in between.
 */
export function sliceGapMs(scenario: Scenario, arm: string, serviceMs: number): number {
  const others = Object.entries(scenario.clients).filter(([name]) => name !== arm);
  const oneTurnEachMs = sumOf(others, ([, client]) => turnMs(scenario, client, serviceMs));
  return Math.ceil(TURN_MS + 2 * oneTurnEachMs);
}

/**
 * Standard deviation of the logarithm of a replicate's ratio, as measured on two shared cores: in quiet hours, and beside other
 * programs or with processes in slow modes (docs/measured.md).
 */
const REPLICATE_SD = { quiet: 0.04, busy: 0.12 } as const;

/** The reach of a ratio's interval to either side, as a share of the ratio; null with too few replicates for an interval. */
export interface LikelyPrecision {
  /** How many usually fit the budget. */
  replicates: number;
  quietRatio: number | null;
  busyRatio: number | null;
}

/** Replicates that end early because they are precise enough reach the scenario's precision, so no less is promised. */
export function likelyPrecision({
  likelyReplicates: replicates,
  scenario,
}: {
  likelyReplicates: number;
  scenario: Pick<Scenario, 'timing'>;
}): LikelyPrecision {
  const reachAt = (sd: number): number | null =>
    replicates < MIN_REPLICATES ? null : Math.expm1(studentReach(replicates) * sd);
  const quiet = reachAt(REPLICATE_SD.quiet);
  return {
    replicates,
    quietRatio: quiet === null ? null : Math.max(quiet, scenario.timing.precision),
    busyRatio: reachAt(REPLICATE_SD.busy),
  };
}
