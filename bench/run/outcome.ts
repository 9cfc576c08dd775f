// In: how a trial ended: a measurement, or an error. Out: its result. A failed trial is data, with a cause.
import { areFailuresExpected } from '../../results/expected-failures.ts';
import { MeasureError } from '../../results/errors.ts';
import { OUTCOME_WORDS } from '../core/outcome-words.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import type { FailureCode, Measurement, Outcome, Trial, TrialResult } from '../../results/model/trial.ts';
import { FailureCode as FailureCodeSchema } from '../../results/model/trial.ts';
import type { Failure } from './arm.ts';
import { ChildError } from './child.ts';

/** Outcomes after which a trial says something about the machine's limits and nothing about its arm. */
const LIMITS = { portExhausted: 'ports-exhausted', descriptorLimit: 'descriptor-limit' } as const;

/** A message names the commonest kinds of failure, and of each the beginning of an example. */
const MOST_KINDS = 3;
const MOST_SAMPLE = 200;

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

export interface ResultOptions {
  /** Cut short: what is missing may only have lacked the time. */
  isInterrupted: boolean;
  scenario: Pick<Scenario, 'expect' | 'baseline'>;
}

/** A trial that measured something; failed when it hit a limit of the machine, or nothing good came of it. */
export function resultOf(
  trial: Trial,
  startedAt: string,
  measurement: Measurement,
  { isInterrupted, scenario }: ResultOptions,
): TrialResult {
  const error =
    limitHit(measurement) ?? (isInterrupted ? undefined : withoutAnswer(trial, measurement, scenario));
  return error === undefined
    ? { trial, startedAt, state: 'completed', isPartial: isInterrupted, measurement }
    : { trial, startedAt, state: 'failed', error };
}

function limitHit({ outcomes }: Measurement): Failure | undefined {
  for (const [outcome, code] of Object.entries(LIMITS) as [keyof typeof LIMITS, FailureCode][]) {
    const hit = outcomes[outcome];
    if (hit !== undefined) {
      return {
        code,
        message: `${hit.count} requests failed at a limit of this machine: ${hit.sample ?? outcome}`,
      };
    }
  }
  return undefined;
}

/** An arm without good answers has no figures: how fast it fails says nothing of what it was to do. */
function withoutAnswer(
  { arm }: Trial,
  measurement: Measurement,
  scenario: ResultOptions['scenario'],
): Failure | undefined {
  const { completed, failed, ledger, outcomes } = measurement;
  if (completed > 0 || (failed > 0 && areFailuresExpected(arm, scenario))) return undefined;
  const hasOnlyHung = failed === (outcomes.noAnswer?.count ?? 0) && ledger.unfinished > 0;
  if (hasOnlyHung) {
    const hasEnded = ledger.answered + ledger.failed > 0;
    return {
      code: 'no-answer',
      message: hasEnded
        ? `none of ${countText(failed || ledger.unfinished)} requests of ${arm} in the measured windows ended: each was given up at the end of its slice`
        : `none of ${countText(ledger.requestsSent)} requests of ${arm} ended: each was given up at the end of its slice`,
    };
  }
  const hasFailed = failed > 0 || (ledger.failed > 0 && ledger.answered === 0);
  if (!hasFailed || areFailuresExpected(arm, scenario)) return undefined;
  return {
    code: 'no-good-answer',
    message: `none of ${countText(failed || ledger.failed)} requests of ${arm} was answered well${commonestText(measurement)}`,
  };
}

/** `: 90 × connection reset, for example "read ECONNRESET"; 10 × bad status`, the most frequent first. */
function commonestText({ outcomes }: Measurement): string {
  const kinds = (Object.entries(outcomes) as [Outcome, { count: number; sample?: string }][])
    .toSorted(([, a], [, b]) => b.count - a.count)
    .slice(0, MOST_KINDS)
    .map(([outcome, { count, sample }]) => {
      const example = sample === undefined ? '' : `, for example "${sample.slice(0, MOST_SAMPLE)}"`;
      return `${countText(count)} × ${OUTCOME_WORDS[outcome]}${example}`;
    });
  return kinds.length === 0 ? ', and none ended in a measured window' : `: ${kinds.join('; ')}`;
}

function countText(count: number): string {
  return count.toLocaleString('en-US');
}
