// In: how a trial ended: a measurement, or an error. Out: its result. A failed trial is data, with a cause.
import { MeasureError } from '../core/errors.ts';
import type { FailureCode, Measurement, Trial, TrialResult } from '../core/types.ts';
import { FailureCode as FailureCodeSchema } from '../core/types.ts';
import type { Failure } from './arm.ts';
import { ChildError } from './child.ts';

/** Outcomes after which a trial says something about the machine's limits and nothing about its arm. */
const LIMITS = { portExhausted: 'ports-exhausted', descriptorLimit: 'descriptor-limit' } as const;

/** @param fallback the code for a process that died or failed where it happened. */
export function failureOf(error: unknown, fallback: FailureCode): Failure {
  if (error instanceof ChildError) {
    const code = error.reason === 'hung' ? 'trial-hung' : fallback;
    return { code, message: error.message, ...(error.stderr === '' ? {} : { detail: error.stderr }) };
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof MeasureError ? FailureCodeSchema.safeParse(error.code).data : undefined;
  return { code: code ?? 'internal', message };
}

/** A trial that measured something; failed when it hit a limit of the machine, or nothing came of it. */
export function resultOf(
  trial: Trial,
  startedAt: string,
  measurement: Measurement,
  isInterrupted: boolean,
): TrialResult {
  const failed = (error: Failure): TrialResult => ({ trial, startedAt, state: 'failed', error });
  for (const [outcome, code] of Object.entries(LIMITS) as [keyof typeof LIMITS, FailureCode][]) {
    const hit = measurement.outcomes[outcome];
    if (hit !== undefined) {
      return failed({
        code,
        message: `${hit.count} requests failed at a limit of this machine: ${hit.sample ?? outcome}`,
      });
    }
  }
  const { completed, failed: failures, ledger } = measurement;
  if (completed + failures === 0 && ledger.unfinished > 0 && !isInterrupted) {
    return failed({
      code: 'no-answer',
      message: `none of ${ledger.requestsSent} requests ended: each was given up at the end of its slice`,
    });
  }
  return { trial, startedAt, state: 'completed', isPartial: isInterrupted, measurement };
}
