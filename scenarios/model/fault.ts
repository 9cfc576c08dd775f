// The schema of target faults: which share of the target's answers goes wrong, and how.
import { z } from 'zod';

const ratio = z
  .number()
  .gt(0)
  .max(1)
  .describe('Share of requests with this fault, drawn with the seed of the run (0.01 = 1 %)');

/** A part of each measured window. */
const During = z
  .strictObject({
    fromMs: z.int().min(0).max(3_600_000).describe('Its start, from the start of the measured window'),
    toMs: z.int().min(1).max(3_600_000).describe('Its end, from the start of the measured window'),
  })
  .refine(({ fromMs, toMs }) => fromMs < toMs, { path: ['toMs'], error: 'must be more than fromMs' });

const when = {
  ratio,
  during: During.optional().describe(
    'Part of each measured window in which the fault occurs (timing.slicing: whole); default: always',
  ),
};

const FaultKinds = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z
      .literal('status')
      .describe('The answer has an error status, after the same time and with the same body'),
    status: z.int().min(400).max(599).default(503).describe('The status, 4xx or 5xx'),
    ...when,
  }),
  z.strictObject({
    kind: z.literal('close').describe('The connection is closed instead of an answer'),
    ...when,
  }),
  z.strictObject({
    kind: z.literal('closeInBody').describe('The connection is closed in the middle of the body'),
    ...when,
  }),
  z.strictObject({
    kind: z.literal('reset').describe('The connection is reset (TCP RST) instead of an answer'),
    ...when,
  }),
  z.strictObject({
    kind: z.literal('noAnswer').describe('Nothing is answered, and the connection stays open'),
    ...when,
  }),
  z.strictObject({
    kind: z.literal('slowBytes').describe('The header is sent as usual, then the body byte by byte'),
    overMs: z.int().min(1).max(60_000).default(1_000).describe('Time over which the body is spread evenly'),
    ...when,
  }),
  z.strictObject({
    kind: z
      .literal('connectionClose')
      .describe('The answer is good, but says Connection: close, and the connection is closed after it'),
    ...when,
  }),
]);
export type Fault = z.infer<typeof FaultKinds>;
export type FaultKind = Fault['kind'];

/** Rounding errors of a sum of shares, such as 0.7 + 0.2 + 0.1. */
const ROUNDING = 1e-9;

/** Whether a request meets a fault that arrives so long after the start of the measured window; NaN: not in one. */
export function isDue({ during }: Pick<Fault, 'during'>, sinceStartMs: number): boolean {
  return during === undefined || (sinceStartMs >= during.fromMs && sinceStartMs < during.toMs);
}

/** The most that the shares of faults add up to at any time. */
function mostAtOnce(faults: readonly Fault[]): number {
  const startsMs = [0, ...faults.flatMap(({ during }) => during?.fromMs ?? [])];
  const sumAt = (atMs: number): number =>
    faults.reduce((sum, fault) => sum + (isDue(fault, atMs) ? fault.ratio : 0), 0);
  return Math.max(...startsMs.map(sumAt));
}

/** A request meets at most one of them, so at any time their shares add up to at most 1. */
export const Faults = z
  .array(FaultKinds)
  .max(20)
  .refine(faults => mostAtOnce(faults) <= 1 + ROUNDING, {
    error: 'a request meets at most one fault, so the ratios must add up to at most 1',
  });

export type Faults = z.infer<typeof Faults>;

/** Kinds after whose answer, or attempt of one, the target closes the connection. */
const CLOSING: readonly FaultKind[] = ['close', 'closeInBody', 'reset', 'connectionClose'];

export function closesConnection({ kind }: Pick<Fault, 'kind'>): boolean {
  return CLOSING.includes(kind);
}

/** Whether the fault happens within the body of an answer, so that there must be one. */
export function needsBody({ kind }: Pick<Fault, 'kind'>): boolean {
  return kind === 'closeInBody' || kind === 'slowBytes';
}

/** What faults add to the mean service time, in ms, outside of the times that some of them have. */
export function meanFaultMs(faults: readonly Fault[]): number {
  return faults.reduce(
    (sum, fault) =>
      sum + (fault.kind === 'slowBytes' && fault.during === undefined ? fault.ratio * fault.overMs : 0),
    0,
  );
}
