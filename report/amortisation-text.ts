// In: what fitting latency = service + handshake / k gave. Out: the same in words.
import type { AmortisationFit } from '../results/amortisation.ts';
import { countText, latencyText, percentText } from './numbers.ts';

/** Below this share of the variation the model is no account of the latencies, and its parameters mean nothing. */
const LEAST_R2 = 0.9;

/** Whether the latencies follow the model well enough to speak of its parameters. */
export function isTelling(fit: AmortisationFit): boolean {
  return fit.handshakeUs > 0 && fit.serviceUs > 0 && fit.r2 >= LEAST_R2;
}

/** `Opening a connection costs 20.1 ms, shared by the requests on it; ...`. `signs` go behind each figure. */
export function amortisationText(fit: AmortisationFit, signs: string): string {
  if (!isTelling(fit)) {
    return `The latencies do not follow the model service + handshake / requests per connection (it explains ${percentText(fit.r2)} of their variation), so what opening a connection costs can't be told from them.`;
  }
  const cost = `Opening a connection costs ${latencyText(fit.handshakeUs)}${signs}, shared by the requests on it`;
  return fit.breakEvenRequests === null
    ? `${cost}.`
    : `${cost}; from ${countText(fit.breakEvenRequests)}${signs} requests per connection on, that is at most a tenth of the ${latencyText(fit.serviceUs)}${signs} of service.`;
}
