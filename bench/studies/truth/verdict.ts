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
