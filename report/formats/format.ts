// In: a report. Out: the contract of a format: the same report laid out as text.
import type { Report } from '../model.ts';

export interface FormatOptions {
  /** Whether escape sequences for colours may be used. */
  hasColour: boolean;
  /** How many characters fit into a line. */
  columns: number;
}

/** One way to lay a report out; a plug-in's default export. It words and rounds nothing. */
export interface Format {
  name: string;
  /** Its file in a run's folder; absent when it is only printed. */
  fileName?: string;
  render(report: Report, options: FormatOptions): string | Promise<string>;
}
