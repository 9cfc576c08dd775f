// How long a client needs after its server's faults are over, by the requests that it has in flight.
import type { CompletedTrial } from './model/trial.ts';

export interface Recovery {
  /** The most requests in flight at a sample before the faults, and from their beginning on. */
  before: number;
  most: number;
  /** From the end of the faults until the client was at rest; 0: it was already; null: not within the window. */
  afterMs: number | null;
}

/** A client at rest has now one request more in flight, now one less: up to twice the most before the faults. */
export const MOST_AT_REST_RATIO = 2;
/** So long it has to stay at rest. A pause of the machine, some time later, belongs to no fault. */
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
  const isBusy = ({ inFlight }: Sample): boolean => inFlight > MOST_AT_REST_RATIO * Math.max(1, mostBefore);
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
