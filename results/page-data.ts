// The run inside its own page: packed into the page, and taken out of it again.
import { gunzipSync, gzipSync } from 'node:zlib';
import type { z } from 'zod';
import { UsageError } from './errors.ts';
import { Run } from './model/run.ts';
import { TrialResult } from './model/trial.ts';

/** A run with all that was measured, histograms included. */
export interface MeasuredRun {
  run: Run;
  trials: readonly TrialResult[];
}

/** Id of the element of a page that holds the run. */
export const PAGE_DATA_ID = 'run-data';
const ELEMENT = new RegExp(`<script type="application/gzip" id="${PAGE_DATA_ID}">([A-Za-z0-9+/=]*)</script>`);
/** A run with more would be no page; a short text could unpack to any size. */
const MOST_BYTES = 512 * 2 ** 20;

/** The run as text for a page: a line of the run and one for each trial, compressed. The same run gives the same text. */
export function packRun({ run, trials }: MeasuredRun): string {
  const lines = [settled(Run, run), ...trials.map(trial => settled(TrialResult, trial))].map(value =>
    JSON.stringify(value),
  );
  return packText(lines.join('\n'));
}

/** Compressed, as a page holds it. */
export function packText(text: string): string {
  return gzipSync(text, { level: 9 }).toString('base64');
}

/** With keys in the schema's order, as they are when it is read from disk; a value that does not fit stays as it is. */
function settled(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : value;
}

/**
 * The lines in a page: the run, then its trials, not yet parsed.
 *
 * @throws UsageError for a page that holds no run, or a damaged one
 */
export function unpackRun(page: string, file: string): [run: string, ...trials: string[]] {
  const [, packed] = ELEMENT.exec(page) ?? [];
  if (packed === undefined) {
    throw new UsageError(
      `${file} holds no run; expected: the report.html of a run, written by a conntax that puts the run into its page`,
    );
  }
  try {
    const text = gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: MOST_BYTES }).toString();
    const [run = '', ...trials] = text.split('\n');
    return [run, ...trials];
  } catch {
    throw new UsageError(`${file}: the run in this page is damaged`);
  }
}
