// Errors that conntax raises on purpose. Each carries a code, and by it the exit status; anything else is a bug.
// What does not belong here: the failure of a trial, which is data (TrialResult), and of an exchange (Outcome).

/** Exit statuses of the command line. */
export const EXIT = { ok: 0, failed: 1, usage: 2, cannotMeasure: 3, interrupted: 130 } as const;

/** One thing that is wrong with a scenario: where, what, and what would be right. */
export interface Problem {
  file: string;
  /** Dotted path within the scenario, '' for the whole. */
  path: string;
  message: string;
  /** What would be right, with the nearest known name where there is one. */
  hint?: string;
}

/** The user asked for something that cannot be: a bad scenario, an unknown name. Nothing was started. Exit 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly exitCode = EXIT.usage;
  readonly problems: readonly Problem[];
  constructor(message: string, problems: readonly Problem[] = []) {
    super(message);
    this.problems = problems;
  }
}

/** The user has asked to end before anything was measured. Exit 130. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly exitCode = EXIT.interrupted;
}

/** The machine, the disk or a process did not let us measure. Exit 3. */
export class MeasureError extends Error {
  override readonly name = 'MeasureError';
  readonly exitCode = EXIT.cannotMeasure;
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
