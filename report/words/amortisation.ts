// After how many requests opening a connection has paid off, in words.
import type { AmortisationFit } from '../../results/connection-cost.ts';
import { spreadPhase } from '../../results/phases.ts';
import { mostInFlight } from '../../scenarios/model/load.ts';
import type { CellView } from '../cell-view.ts';
import { formatCount, formatLatency, formatPercent } from './numbers.ts';

/** Below this share of explained variation the model does not fit, and its parameters mean nothing. */
const LEAST_R2 = 0.9;

/** Whether the latencies follow the model well enough for its parameters to be meaningful. */
export function fitsWell(fit: AmortisationFit): boolean {
  return fit.handshakeUs > 0 && fit.serviceUs > 0 && fit.r2 >= LEAST_R2;
}

/** `With 100 at once, a new connection adds 20.1 ms of latency, shared by the requests on it (mostly waiting for others: opening itself took 0.5 ms); ...`. `signs` follow each figure. */
export function describeAmortisation(
  fit: AmortisationFit,
  signs: string,
  { users, connectUs }: { users: number; connectUs: number | null },
): string {
  if (!fitsWell(fit)) {
    return `The latencies do not follow the model service + handshake / requests per connection (it explains ${formatPercent(fit.r2)} of their variation), so the cost of opening a connection cannot be derived from them.`;
  }
  const queued =
    connectUs === null || connectUs > fit.handshakeUs / 2
      ? ''
      : ` (mostly waiting for others: opening itself took ${formatLatency(connectUs)})`;
  const cost = `With ${formatCount(users)} at once, a new connection adds ${formatLatency(fit.handshakeUs)}${signs} of latency, shared by the requests on it${queued}`;
  return fit.breakEvenRequests === null
    ? `${cost}.`
    : `${cost}; at ${formatCount(fit.breakEvenRequests)}${signs} or more requests per connection, that is at most a tenth of the ${formatLatency(fit.serviceUs)}${signs} of service time.`;
}

/** How many users may be opening a connection at once, and how long opening took, TLS included; null if no client reports it. */
export function openingOf({ result, arms }: CellView): { users: number; connectUs: number | null } {
  const trials = arms.flatMap(arm => arm.trials);
  const connect = spreadPhase(trials, 'connect');
  const tls = spreadPhase(trials, 'tls');
  const connectUs = connect === null ? null : connect.meanUs + (tls?.meanUs ?? 0);
  return { users: mostInFlight(result.scenario.load), connectUs };
}
