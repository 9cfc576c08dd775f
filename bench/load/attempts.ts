// Counts what a client sent for its requests, where a request may be sent several times, or not at all.
import type { Attempts, Outcome } from '../../results/model/trial.ts';
import { type ExpectedStatus, expectedTable } from '../../scenarios/model/request-facts.ts';
import type { AttemptSink } from '../contracts.ts';

/** A fold of attempts, in warm-ups, ramps and drains too, like the ledger that it is a part of. */
export class AttemptFold implements AttemptSink {
  readonly #isExpected: ReturnType<typeof expectedTable>;
  readonly #failures = new Map<Outcome, number>();
  #sent = 0;
  #answered = 0;

  /** @param expectStatus statuses that count as success */
  constructor(expectStatus: readonly ExpectedStatus[]) {
    this.#isExpected = expectedTable(expectStatus);
  }

  sent(): void {
    this.#sent++;
  }

  ended(outcome: Outcome, status: number): boolean {
    const isAnswer = outcome === 'ok' || outcome === 'badStatus';
    // Without a status, the client has judged.
    const judged = isAnswer && status !== 0 ? (this.#isExpected[status] === 1 ? 'ok' : 'badStatus') : outcome;
    if (judged === 'ok') this.#answered++;
    else this.#failures.set(judged, (this.#failures.get(judged) ?? 0) + 1);
    return judged === 'ok';
  }

  counts(): Attempts {
    return { sent: this.#sent, answered: this.#answered, failures: Object.fromEntries(this.#failures) };
  }
}
