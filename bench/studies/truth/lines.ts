// In: a run and what a witness found. Out: the figures of both, beside each other.
import { summariseArms } from '../../../results/compare.ts';
import { completedOf, type Measured, marksOf } from './conntax-run.ts';
import type { Seen } from './protocol.ts';
import type { Line } from './verdict.ts';
import { type Figures, figuresOf } from './witnesses.ts';

export const USERS = 20;
export const ARM = 'arm';
const WITHIN = 0.02;
const WITHIN_P999 = 0.05;

/**
 * The figures of the arm's times, beside a witness's: from when a request was sent, for no witness knows when it was due. In a
 * closed load that is the response time.
 */
export function latencyLines(
  measured: Measured,
  witness: Partial<Figures>,
  by: string,
  marks = marksOf(measured, ARM),
): Line[] {
  const [trial] = completedOf(measured, ARM);
  const { meanUs, p50Us, p99Us, p999Us } = trial!.measurement.service;
  const rows: [string, number, number | undefined, number][] = [
    ['mean, ms', meanUs, witness.meanMs, WITHIN],
    ['p50, ms', p50Us, witness.p50Ms, WITHIN],
    ['p99, ms', p99Us, witness.p99Ms, WITHIN],
    ['p99.9, ms', p999Us, witness.p999Ms, WITHIN_P999],
  ];
  return rows.flatMap(([figure, us, ms, within]) =>
    ms === undefined ? [] : [{ figure, conntax: us / 1_000, witness: ms, by, within, marks }],
  );
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

/** @param accepted by the server, of which one is the question whether it is there */
export function connectionLine(measured: Measured, accepted: number): Line {
  const conntax = completedOf(measured, ARM).reduce(
    (sum, { measurement }) => sum + measurement.ledger.opened,
    0,
  );
  const marks = marksOf(measured, ARM);
  return { figure: 'connections', conntax, witness: accepted - 1, by: 'server', within: 0, marks };
}

/** Where users keep their connections, the time from one request to the next on a connection is that of a user. */
export function cycleLines(measured: Measured, cycles: readonly Seen[]): Line[] {
  if (cycles.length === 0) return [];
  const { meanMs, p50Ms, p99Ms } = figuresOf(cycles);
  return [
    rateLine(measured, (USERS * 1_000) / meanMs, 'users / mean of server'),
    ...latencyLines(measured, { meanMs, p50Ms, p99Ms }, 'server'),
  ];
}
