// What Artillery gives an engine, as far as it is used here (artillery 2.0, dist/lib/core/runner.js and phases.js).

/** A phase as Artillery gives it to one of its workers. */
export interface Phase {
  name?: string;
  pause?: number;
  /** Seconds. */
  duration?: number;
  arrivalRate?: number;
  arrivalCount?: number;
  rampTo?: number;
  /** Number of the worker on its machine, from 1; absent where the work is not divided. */
  worker?: number;
}

/** The events of a worker's own runner. A phase starts before its first user arrives. */
export interface Runner {
  on(event: 'phaseStarted' | 'phaseCompleted', listener: (phase: Phase) => void): unknown;
}

/** Where a worker's metrics go. */
export interface ScenarioEvents {
  emit(event: 'started'): unknown;
  emit(event: 'error', code: string): unknown;
  emit(event: 'counter' | 'histogram', name: string, value: number): unknown;
}

export interface ScenarioSpec {
  name?: string;
  engine?: string;
  weight?: number | string;
  flow?: unknown;
}

export interface Script {
  config: {
    target?: string;
    /** Of scenarios that name none. */
    engine?: string;
    phases?: readonly Phase[];
    engines?: Readonly<Record<string, unknown>>;
  };
  scenarios?: readonly ScenarioSpec[];
}

/** Runs one user. */
export type RunUser<Context> = (
  context: Context,
  callback: (error: Error | null, context: Context) => void,
) => void;
