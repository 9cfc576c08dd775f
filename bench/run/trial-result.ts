// How a trial ended, as data: its measurement, or the error with a code that stands in place of one.
import { MeasureError } from '../../results/errors.ts';
import { areFailuresExpected } from '../../results/expect.ts';
import {
  type FailureCode,
  FailureCode as FailureCodeSchema,
  type Measurement,
  OUTCOME_NAMES,
  type Outcome,
  type Trial,
  type TrialResult,
} from '../../results/model/trial.ts';
import type { Limits, Scenario } from '../../scenarios/model/scenario.ts';
import type { Failure } from './arm.ts';
import { ChildError } from './child.ts';

/** Outcomes that make a trial a measurement of the machine's limits instead of its arm. */
const LIMITS = {
  portExhausted: { code: 'ports-exhausted', setting: 'localPorts' },
  descriptorLimit: { code: 'descriptor-limit', setting: 'openFiles' },
} as const satisfies Partial<Record<Outcome, { code: FailureCode; setting: keyof Limits }>>;

/** How many kinds of failure a message lists, the most frequent ones, and how much of each kind's example. */
const MAX_KINDS = 3;
const MAX_SAMPLE = 200;

/** Whether it is a result of a trial, and not a bug. */
export function isFailure(error: unknown): error is ChildError | MeasureError {
  return error instanceof ChildError || error instanceof MeasureError;
}

/** @param fallback the code for a process that died or failed at this point */
export function failureOf(error: unknown, fallback: FailureCode): Failure {
  if (error instanceof ChildError) {
    const code = error.reason === 'hung' ? 'trial-hung' : fallback;
    return { code, message: error.message, ...(error.stderr === '' ? {} : { detail: error.stderr }) };
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof MeasureError ? FailureCodeSchema.safeParse(error.code).data : undefined;
  return { code: code ?? 'internal', message };
}

interface ResultOptions {
  /** Whether the run was cut short: missing answers may only have lacked time. */
  isInterrupted: boolean;
  scenario: Pick<Scenario, 'expect' | 'baseline' | 'limits'>;
}

/** The result of a trial that was measured: failed if it hit a limit of the machine that the scenario does not ask for, or no request succeeded. */
export function resultOf(
  trial: Trial,
  startedAt: string,
  measurement: Measurement,
  { isInterrupted, scenario }: ResultOptions,
): TrialResult {
  const error =
    limitHit(measurement, scenario) ??
    (isInterrupted ? undefined : withoutAnswer(trial, measurement, scenario));
  return error === undefined
    ? { trial, startedAt, state: 'completed', isPartial: isInterrupted, measurement }
    : { trial, startedAt, state: 'failed', error };
}

function limitHit(
  { outcomes }: Measurement,
  { limits = {} }: ResultOptions['scenario'],
): Failure | undefined {
  for (const outcome of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) {
    const hit = outcomes[outcome];
    const { code, setting } = LIMITS[outcome];
    if (hit !== undefined && limits[setting] === undefined) {
      return {
        code,
        message: `${hit.count} requests failed at a limit of this machine: ${hit.sample ?? outcome}`,
      };
    }
  }
  return undefined;
}

/** An arm without successful requests has no figures: the speed of failures says nothing about its work. */
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
        ? `none of ${formatCount(failed || ledger.unfinished)} requests of ${arm} in the measured windows ended: each was abandoned at the end of its slice`
        : `none of ${formatCount(ledger.requestsSent)} requests of ${arm} ended: each was abandoned at the end of its slice`,
    };
  }
  const hasFailed = failed > 0 || (ledger.failed > 0 && ledger.answered === 0);
  if (!hasFailed || areFailuresExpected(arm, scenario)) return undefined;
  return {
    code: 'no-good-answer',
    message: `none of ${formatCount(failed || ledger.failed)} requests of ${arm} succeeded${describeFailures(measurement)}`,
  };
}

/** `: 90 × connection reset, for example "read ECONNRESET"; 10 × bad status`, the most frequent first. */
function describeFailures({ outcomes }: Measurement): string {
  const kinds = (Object.entries(outcomes) as [Outcome, { count: number; sample?: string }][])
    .toSorted(([, a], [, b]) => b.count - a.count)
    .slice(0, MAX_KINDS)
    .map(([outcome, { count, sample }]) => {
      const example = sample === undefined ? '' : `, for example "${sample.slice(0, MAX_SAMPLE)}"`;
      return `${formatCount(count)} × ${OUTCOME_NAMES[outcome]}${example}`;
    });
  return kinds.length === 0 ? ', and none ended in a measured window' : `: ${kinds.join('; ')}`;
}

function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
