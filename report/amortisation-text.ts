// In: what fitting latency = service + handshake / k gave. Out: the same in words.
import type { AmortisationFit } from '../results/amortisation.ts';
import { countText, latencyText } from './numbers.ts';

/** `Opening a connection costs 20.1 ms, shared by the requests on it; ...`. `signs` go behind each figure. */
export function amortisationText(fit: AmortisationFit, signs: string): string {
  if (fit.handshakeUs <= 0 || fit.serviceUs <= 0) {
    return 'The latencies do not fall with the requests per connection, so no cost of opening one can be told from them.';
  }
  const cost = `Opening a connection costs ${latencyText(fit.handshakeUs)}${signs}, shared by the requests on it`;
  return fit.breakEvenRequests === null
    ? `${cost}.`
    : `${cost}; from ${countText(fit.breakEvenRequests)}${signs} requests per connection on, that is at most a tenth of the ${latencyText(fit.serviceUs)}${signs} of service.`;
}
