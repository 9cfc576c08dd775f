// In: a responder, and how long each answer is to take. Out: a responder that answers after that time.
import type { Responder } from '../bench/contracts.ts';

/**
 * Each request waits on a timer of its own, so that requests under way together are served together, those of one
 * connection too. Whole milliseconds; 0 answers at once.
 */
export function delayedResponder(respond: Responder, nextMs: () => number): Responder {
  return response => {
    const waitMs = nextMs();
    if (waitMs === 0) {
      respond(response);
      return;
    }
    const timer = setTimeout(respond, waitMs, response);
    response.once('close', () => clearTimeout(timer));
  };
}
