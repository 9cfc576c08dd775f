// In: what fitting latency = service + handshake / k gave. Out: the same in words.
import { mostInFlight } from '../scenarios/model/load.ts';
import type { AmortisationFit } from '../results/amortisation.ts';
import { spreadPhases } from '../results/phases.ts';
import type { CellView } from './cell-view.ts';
import { countText, latencyText, percentText } from './words/numbers.ts';

/** Below this share of the variation the model is no account of the latencies, and its parameters mean nothing. */
const LEAST_R2 = 0.9;

/** Whether the latencies follow the model well enough to speak of its parameters. */
export function isTelling(fit: AmortisationFit): boolean {
  return fit.handshakeUs > 0 && fit.serviceUs > 0 && fit.r2 >= LEAST_R2;
}

/** `With 100 at once, a new connection adds 20.1 ms of latency, shared by the requests on it (most of it is waiting for the others: the opening itself took 0.5 ms); ...`. `signs` go behind each figure. */
export function amortisationText(
  fit: AmortisationFit,
  signs: string,
  { users, connectUs }: { users: number; connectUs: number | null },
): string {
  if (!isTelling(fit)) {
    return `The latencies do not follow the model service + handshake / requests per connection (it explains ${percentText(fit.r2)} of their variation), so what opening a connection costs can't be told from them.`;
  }
  const queued =
    connectUs === null || connectUs > fit.handshakeUs / 2
      ? ''
      : ` (most of it is waiting for the others: the opening itself took ${latencyText(connectUs)})`;
  const cost = `With ${countText(users)} at once, a new connection adds ${latencyText(fit.handshakeUs)}${signs} of latency, shared by the requests on it${queued}`;
  return fit.breakEvenRequests === null
    ? `${cost}.`
    : `${cost}; from ${countText(fit.breakEvenRequests)}${signs} requests per connection on, that is at most a tenth of the ${latencyText(fit.serviceUs)}${signs} of service.`;
}

/** How many may be opening one at once, and what the opening itself took, TLS included; null where no client shows it. */
export function openingOf({ result, arms }: CellView): { users: number; connectUs: number | null } {
  const { connect, tls } = spreadPhases(arms.flatMap(({ trials }) => trials));
  const connectUs = connect === null ? null : connect.meanUs + (tls?.meanUs ?? 0);
  return { users: mostInFlight(result.scenario.load), connectUs };
}
