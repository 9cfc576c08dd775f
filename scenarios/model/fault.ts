// The schema of target faults: which share of the target's answers goes wrong, and how.
import { z } from 'zod';

const ratio = z
  .number()
  .gt(0)
  .max(1)
  .describe('Share of requests that meet this fault, drawn with the seed of the run (0.01 = 1 %)');

const FaultKinds = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z
      .literal('status')
      .describe('The answer has an error status, after the same time and with the same body'),
    status: z.int().min(400).max(599).default(503).describe('The status, 4xx or 5xx'),
    ratio,
  }),
  z.strictObject({
    kind: z.literal('close').describe('The connection is closed instead of an answer'),
    ratio,
  }),
  z.strictObject({
    kind: z.literal('closeInBody').describe('The connection is closed in the middle of the body'),
    ratio,
  }),
  z.strictObject({
    kind: z.literal('reset').describe('The connection is reset (TCP RST) instead of an answer'),
    ratio,
  }),
  z.strictObject({
    kind: z.literal('noAnswer').describe('Nothing is answered, and the connection stays open'),
    ratio,
  }),
  z.strictObject({
    kind: z.literal('slowBytes').describe('The header is sent as usual, then the body byte by byte'),
    overMs: z.int().min(1).max(60_000).default(1_000).describe('Time over which the body is spread evenly'),
    ratio,
  }),
  z.strictObject({
    kind: z
      .literal('connectionClose')
      .describe('The answer is good, but says Connection: close, and the connection is closed after it'),
    ratio,
  }),
]);
export type Fault = z.infer<typeof FaultKinds>;
export type FaultKind = Fault['kind'];

/** Rounding errors of a sum of shares, such as 0.7 + 0.2 + 0.1. */
const ROUNDING = 1e-9;

/** A request meets at most one of them, so their shares add up to at most 1. */
export const Faults = z
  .array(FaultKinds)
  .max(20)
  .refine(faults => faults.reduce((sum, { ratio: share }) => sum + share, 0) <= 1 + ROUNDING, {
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

/** What faults add to the mean service time, in ms. */
export function meanFaultMs(faults: readonly Fault[]): number {
  return faults.reduce(
    (sum, fault) => sum + (fault.kind === 'slowBytes' ? fault.ratio * fault.overMs : 0),
    0,
  );
}
