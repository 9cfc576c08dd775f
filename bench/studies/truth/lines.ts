// The figures of a run beside those of a witness.
import { summariseArms } from '../../../results/compare.ts';
import { completedOf, type Measured, marksOf } from './conntax-run.ts';
import type { Seen } from './protocol.ts';
import { type Figures, figuresOf } from './witnesses.ts';

// Whether a figure of conntax and that of a witness agree, or the report says that they may not.

export interface Line {
  figure: string;
  conntax: number;
  witness: number;
  /** Who the witness is. */
  by: string;
  /** By which share the two may differ. */
  within: number;
  /** The interval of the figure, where that has to hold the witness's instead. */
  interval?: { low: number; high: number } | null;
  /** What the report says against the figure; none: nothing. */
  marks: readonly string[];
}

export type Verdict = 'right' | 'marked' | 'WRONG';

export function verdictOf({ conntax, witness, within, interval, marks }: Line): Verdict {
  const isRight =
    interval === undefined || interval === null
      ? Math.abs(conntax - witness) <= within * Math.abs(witness)
      : interval.low <= witness && witness <= interval.high;
  if (isRight) return 'right';
  return marks.length > 0 ? 'marked' : 'WRONG';
}

export const USERS = 20;
export const ARM = 'arm';
export const WITHIN = 0.02;
const WITHIN_P999 = 0.05;

/**
 * The figures of the arm's times, beside a witness's. `service`: from when a request was sent, for a witness that does not know
 * when it was due; in a closed load that is the response time.
 */
export function latencyLines(
  measured: Measured,
  witness: Partial<Figures>,
  by: string,
  { marks = marksOf(measured, ARM), of = 'service' }: { marks?: string[]; of?: 'service' | 'response' } = {},
): Line[] {
  const [trial] = completedOf(measured, ARM);
  const { censored, [of]: times } = trial!.measurement;
  const rows: [string, number, number | undefined, number][] = [
    ['mean', times.meanUs, witness.meanMs, WITHIN],
    ['p50', times.p50Us, witness.p50Ms, WITHIN],
    ['p99', times.p99Us, witness.p99Ms, WITHIN],
    ['p99.9', times.p999Us, witness.p999Ms, WITHIN_P999],
  ];
  return rows.flatMap(([name, us, ms, within]) => {
    if (ms === undefined) return [];
    const isBound = censored !== null && (name === 'mean' || us >= censored.leastUs);
    return [
      {
        figure: `${of === 'response' ? 'from due, ' : ''}${name}, ms`,
        conntax: us / 1_000,
        witness: ms,
        by,
        within,
        marks: isBound ? [...marks, '≥'] : marks,
      },
    ];
  });
}

export function rateLine(measured: Measured, perSec: number, by: string, within = WITHIN): Line {
  const conntax = summariseArms(measured.trials).find(({ arm }) => arm === ARM)!.requestsPerSec?.value ?? 0;
  return {
    figure: 'requests/s',
    conntax,
    witness: perSec,
    by,
    within,
    marks: marksOf(measured, ARM),
  };
}

/**
 * @param counts of those who count connections; undefined: does not
 * @param asked how many of them asked the server something before the run
 */
export function connectionLines(
  measured: Measured,
  counts: { server: number | undefined; kernel: number | undefined },
  asked: number,
): Line[] {
  const conntax = completedOf(measured, ARM).reduce(
    (sum, { measurement }) => sum + measurement.ledger.opened,
    0,
  );
  const marks = marksOf(measured, ARM);
  return Object.entries(counts).flatMap(([by, count]) =>
    count === undefined
      ? []
      : [{ figure: 'connections', conntax, witness: count - asked, by, within: 0, marks }],
  );
}

/** Where users keep their connections, the time from one request to the next on a connection is that of a user. */
export function cycleLines(measured: Measured, cycles: readonly Seen[]): Line[] {
  const witness = figuresOf(cycles);
  return [
    rateLine(measured, (USERS * 1_000) / witness.meanMs, 'users / mean of server'),
    ...latencyLines(measured, witness, 'server'),
  ];
}

/** What has to be so, by the issue or the scenario: a number that is exact. */
export function exactLine(figure: string, conntax: number, witness: number, by = 'what was asked for'): Line {
  return { figure, conntax, witness, by, within: 0, marks: [] };
}
