// What injected faults do to a client: the outcome that each kind must have, whether the client counted as many, and how long it
// needs after they are over.
import type { Client } from '../scenarios/model/client.ts';
import { isExpectedStatus } from '../scenarios/model/request-facts.ts';
import { closesConnection, type Fault, type Target } from '../scenarios/model/target.ts';
import type { CompletedTrial, Ledger, Outcome } from './model/trial.ts';
import { sumOf } from './stats.ts';

/**
 * Ways in which a request fails, each with the outcomes that a client may give it. Which of them depends on more than the
 * fault: on whether the connection had carried an answer before, and on which deadline came first. `noAnswer` stands for
 * requests that had no answer when their slice ended.
 */
export const FAILURE_WAYS = {
  status: ['badStatus'],
  lost: ['reset', 'staleSocket'],
  silent: ['timeoutHeaders', 'timeoutBody', 'timeoutTotal', 'timeoutAttempt', 'noAnswer'],
} as const satisfies Record<string, readonly Outcome[]>;

export type FailureWay = keyof typeof FAILURE_WAYS;

/** What a fault does to a request. */
export interface FaultEffect {
  /** null: the request succeeds. */
  way: FailureWay | null;
  /** Whether it always does; otherwise the request may also succeed. */
  isCertain: boolean;
}

const HARMLESS: FaultEffect = { way: null, isCertain: true };

/** By kind of fault, and by the settings that decide whether it counts as a failure. */
export function effectOf(
  fault: Fault,
  { expectStatus }: Pick<Target, 'expectStatus'>,
  { timeouts, resilience }: Pick<Client, 'timeouts' | 'resilience'>,
): FaultEffect {
  switch (fault.kind) {
    case 'status':
      return isExpectedStatus(expectStatus, fault.status) ? HARMLESS : { way: 'status', isCertain: true };
    case 'close':
    case 'closeInBody':
    case 'reset':
      return { way: 'lost', isCertain: true };
    case 'noAnswer':
      return { way: 'silent', isCertain: true };
    case 'slowBytes':
      return {
        way: 'silent',
        isCertain:
          Math.min(timeouts.totalMs ?? Infinity, resilience?.timeout?.attemptMs ?? Infinity) <= fault.overMs,
      };
    case 'connectionClose':
      return HARMLESS;
    default:
      return fault satisfies never;
  }
}

/** Failures of one way: as many as were injected, and as the client counted. */
export interface WayCount {
  way: FailureWay;
  injected: { least: number; most: number };
  counted: number;
}

/** Injected failures beside those that a client counted. */
export interface FaultAccount {
  ways: WayCount[];
  /** Failures that no fault causes, such as refused connections, by outcome. */
  others: { outcome: Outcome; count: number }[];
}

interface Faulty {
  target: Pick<Target, 'faults' | 'expectStatus'>;
  client: Pick<Client, 'timeouts' | 'resilience'>;
}

/**
 * Over the whole of a trial; null if its counts of failures by outcome are unknown, or the target injects nothing. Of a client
 * that may send a request several times, the failures of its attempts: those are what the target did to it.
 */
export function accountFaults(
  { target, client }: Faulty,
  ledger: Pick<Ledger, 'faults' | 'failures' | 'unfinished' | 'attempts'>,
): FaultAccount | null {
  const { faults: counts } = ledger;
  const byOutcome = failuresOf(ledger);
  if (target.faults.length === 0 || byOutcome === null) return null;
  const met = target.faults.map((fault, index) => ({
    ...effectOf(fault, target, client),
    count: counts[index] ?? 0,
  }));
  const ways = (Object.keys(FAILURE_WAYS) as FailureWay[]).map((way): WayCount => {
    const ofWay = met.filter(effect => effect.way === way);
    return {
      way,
      injected: {
        least: sumOf(ofWay, ({ isCertain, count }) => (isCertain ? count : 0)),
        most: sumOf(ofWay, ({ count }) => count),
      },
      counted: sumOf<Outcome>(FAILURE_WAYS[way], outcome => byOutcome[outcome] ?? 0),
    };
  });
  const known: readonly Outcome[] = Object.values(FAILURE_WAYS).flat();
  const others = (Object.entries(byOutcome) as [Outcome, number][])
    .filter(([outcome, count]) => !known.includes(outcome) && count > 0)
    .map(([outcome, count]) => ({ outcome, count }));
  return { ways, others };
}

/** Failures by outcome, those without an answer included; null if they are unknown. */
function failuresOf({
  failures,
  unfinished,
  attempts,
}: Pick<Ledger, 'failures' | 'unfinished' | 'attempts'>): Partial<Record<Outcome, number>> | null {
  if (attempts === null) return failures && { ...failures, noAnswer: unfinished };
  const failed = sumOf(Object.values(attempts.failures), count => count);
  return { ...attempts.failures, noAnswer: attempts.sent - attempts.answered - failed };
}

/**
 * How many connections a number of requests needs where faults end some of them: each of those is replaced if another request
 * follows, and a connection on which an answer may still come carries no other request.
 */
export function withFaults(
  needed: Ledger['needed'],
  faults: readonly Fault[],
  counts: readonly number[],
  requests: number,
): Ledger['needed'] {
  const met = faults.map((fault, index) => ({ fault, count: counts[index] ?? 0 }));
  const closed = sumOf(met, ({ fault, count }) => (closesConnection(fault) ? count : 0));
  const blocked = sumOf(met, ({ fault, count }) => (fault.kind === 'noAnswer' ? count : 0));
  return {
    least: Math.max(needed.least, closed),
    most:
      needed.most === null ? null : Math.max(needed.most, Math.min(requests, needed.most + closed + blocked)),
  };
}

export interface Recovery {
  /** The most requests in flight at a sample before the faults, and from their beginning on. */
  before: number;
  most: number;
  /** From the end of the faults until the client was at rest; 0: it was already; null: not within the window. */
  afterMs: number | null;
}

/** A client at rest has now one request more in flight, now one less: up to twice the most before the faults. */
export const MAX_AT_REST_RATIO = 2;
/** How long a client must stay at rest to have recovered: a later pause of the machine belongs to no fault. */
export const REST_MS = 500;

/** null where the faults of the target have no time of their own, or nothing was sampled before them. */
export function recoveryOf({ trial, measurement }: CompletedTrial): Recovery | null {
  const { held, slices } = measurement;
  const times = trial.target.faults.flatMap(({ during }) => during ?? []);
  const [slice] = slices;
  if (held === undefined || slice === undefined || times.length === 0) return null;
  const samples = held.client.atMs
    .map((atMs, place) => ({ atMs: atMs - slice.atMs, inFlight: held.client.inFlight[place]! }))
    .filter(({ atMs }) => atMs >= 0 && atMs <= slice.windowMs);
  const fromMs = Math.min(...times.map(time => time.fromMs));
  const toMs = Math.max(...times.map(time => time.toMs));
  const [before, since] = [
    samples.filter(({ atMs }) => atMs < fromMs),
    samples.filter(({ atMs }) => atMs >= fromMs),
  ];
  if (before.length === 0 || since.length === 0) return null;
  const mostBefore = mostOf(before);
  const isBusy = ({ inFlight }: Sample): boolean => inFlight > MAX_AT_REST_RATIO * Math.max(1, mostBefore);
  const after = samples.filter(({ atMs }) => atMs >= toMs);
  const rest = after.find(({ atMs }, place) => {
    const next = after.slice(place).find(isBusy)?.atMs ?? slice.windowMs;
    return next - atMs >= REST_MS;
  });
  // The first sample comes some time after the end of the faults.
  const wasAtRest = rest !== undefined && rest === after[0];
  return {
    before: mostBefore,
    most: mostOf(since),
    afterMs: rest === undefined ? null : wasAtRest ? 0 : rest.atMs - toMs,
  };
}

interface Sample {
  /** Since the start of the window. */
  atMs: number;
  inFlight: number;
}

function mostOf(samples: readonly Sample[]): number {
  return Math.max(...samples.map(({ inFlight }) => inFlight));
}
