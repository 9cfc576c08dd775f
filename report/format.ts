// In: nothing. Out: what every output format is to the rest: a name, perhaps a file, and a rendering.
import type { Report } from './report.ts';

export interface FormatOptions {
  /** Whether the reader's terminal shows colours. */
  hasColour: boolean;
  /** Width of the reader's terminal, characters. */
  columns: number;
}

/** Lays a report out; chooses no word and rounds no number. */
export interface Format {
  name: string;
  /** Written into the run's folder under this name; absent: only printed. */
  fileName?: string;
  render(report: Report, options: FormatOptions): string | Promise<string>;
}
