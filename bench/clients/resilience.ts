// Retry, circuit breaker, bulkhead and timeout around any client library, by cockatiel.
import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  type IPolicy,
  noJitterGenerator,
  retry,
  TaskCancelledError,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel';
import type { Outcome } from '../../results/model/trial.ts';
import type { Resilience } from '../../scenarios/model/client.ts';
import { type AttemptSink, type Exchange, newExchange, type Transport } from '../contracts.ts';
import { ReusableRequest, sendReusing } from './reusable-request.ts';

/** An attempt that failed by itself: the policies may repeat and count it. */
class FailedAttempt extends Error {
  readonly attempt: Exchange;

  constructor(attempt: Exchange) {
    super(attempt.error);
    this.attempt = attempt;
  }
}

/** What counts as a failure for the breaker and is worth a repetition: not what a policy has rejected. */
const failures = () =>
  handleWhen(error => error instanceof FailedAttempt || error instanceof TaskCancelledError);

/** From the outside in, in the order that the schema states. */
function createPolicy(given: Resilience): IPolicy {
  const policies: IPolicy[] = [];
  if (given.retry !== undefined) {
    const { maxRetries, minDelayMs, maxDelayMs } = given.retry;
    // Without jitter: delays by chance would differ from run to run.
    const backoff = new ExponentialBackoff({
      initialDelay: minDelayMs,
      maxDelay: maxDelayMs,
      generator: noJitterGenerator,
    });
    policies.push(retry(failures(), { maxAttempts: maxRetries, backoff }));
  }
  if (given.breaker !== undefined) {
    const { consecutiveFailures, openMs } = given.breaker;
    policies.push(
      circuitBreaker(failures(), {
        halfOpenAfter: openMs,
        breaker: new ConsecutiveBreaker(consecutiveFailures),
      }),
    );
  }
  if (given.bulkhead !== undefined)
    policies.push(bulkhead(given.bulkhead.maxConcurrent, given.bulkhead.maxQueued));
  if (given.timeout !== undefined)
    policies.push(timeout(given.timeout.attemptMs, TimeoutStrategy.Aggressive));
  return wrap(...policies);
}

/** What all exchanges of one client share. */
interface Context {
  transport: Transport;
  policy: IPolicy;
  attempts: AttemptSink;
}

/** How an exchange ends that a policy has ended, and not an attempt. */
function rejectionOf(error: unknown): Outcome {
  if (error instanceof BrokenCircuitError) return 'breakerOpen';
  if (error instanceof BulkheadRejectedError) return 'bulkheadFull';
  return error instanceof TaskCancelledError ? 'timeoutAttempt' : 'other';
}

/** The record of an abandoned attempt is never reused either. */
class ResilientRequest extends ReusableRequest {
  readonly #context: Context;
  #giveUp = new AbortController();
  /** The record of an attempt that has ended, for the next one. */
  #spare: Exchange | undefined;

  constructor(context: Context, exchange: Exchange) {
    super(exchange);
    this.#context = context;
  }

  protected override start(): void {
    this.#giveUp = new AbortController();
    this.#context.policy
      .execute(({ signal }) => this.#attempt(signal), this.#giveUp.signal)
      .then(this.#answered, this.#failed);
  }

  protected override giveUp(): void {
    this.#giveUp.abort(new Error('abandoned by conntax'));
  }

  /** @param signal aborts at the timeout of an attempt, and when the exchange is abandoned */
  #attempt(signal: AbortSignal): Promise<Exchange> {
    const { transport, attempts } = this.#context;
    const giveUp = this.#giveUp.signal;
    if (giveUp.aborted) return Promise.reject(giveUp.reason);
    const attempt = this.#spare ?? newExchange();
    this.#spare = undefined;
    attempt.request = this.exchange.request;
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        attempt.abandon?.();
        // At its timeout, the policy itself rejects.
        if (giveUp.aborted) reject(giveUp.reason);
        else attempts.ended('timeoutAttempt', 0);
      };
      signal.addEventListener('abort', abort, { once: true });
      attempts.sent();
      transport.send(attempt, () => {
        signal.removeEventListener('abort', abort);
        this.#spare = attempt;
        if (attempts.ended(attempt.outcome, attempt.status)) resolve(attempt);
        else reject(new FailedAttempt(attempt));
      });
    });
  }

  readonly #answered = (attempt: Exchange): void => this.#endAs(attempt);

  readonly #failed = (error: unknown): void => {
    if (error instanceof FailedAttempt) {
      this.#endAs(error.attempt);
      return;
    }
    this.fail(rejectionOf(error), error instanceof Error ? error.message : String(error));
  };

  /** As the last attempt did. */
  #endAs({ writtenAtMs, headersAtMs, endedAtMs, bodyBytes, status, outcome, error }: Exchange): void {
    Object.assign(this.exchange, { writtenAtMs, headersAtMs, endedAtMs, bodyBytes, status, outcome, error });
    this.report();
  }
}

/**
 * A transport whose exchanges are sent under policies. A request takes as long as all of its attempts, and the delays between
 * them; its phases are those of the last one.
 *
 * @param attempts counts what is given to the transport, and judges its answers
 */
export function createResilient(
  transport: Transport,
  resilience: Resilience,
  attempts: AttemptSink,
): Transport {
  const context: Context = { transport, policy: createPolicy(resilience), attempts };
  return {
    ...transport,
    send: sendReusing(exchange => new ResilientRequest(context, exchange)),
  };
}
