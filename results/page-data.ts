// The run inside its own page: packed into the page, and taken out of it again.
import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
} from 'node:zlib';
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
/** The element as `packRun` writes it, in brotli; pages of older versions have the lines alone, in gzip. */
const ELEMENT = new RegExp(
  `<script type="application/(brotli|gzip)" id="${PAGE_DATA_ID}">([A-Za-z0-9+/=]*)</script>`,
);
/** A run with more would be no page; a short text could unpack to any size. */
const MAX_BYTES = 512 * 2 ** 20;
/** Within 4 % of the best one, in a third of its time. */
const QUALITY = 10;

/** A histogram is stored as its kind, the length of what follows, and its counts, compressed. */
const KIND_BYTES = 4;
const LENGTH_BYTES = 4;
const STORED = /"v2":"([A-Za-z0-9+/=]+)"/g;
/** In place of a stored form: how long it is unpacked. No JSON has this outside a string, and no string has the quotes. */
const PLACE = /"v2":@(\d+)@/g;
/** Ends the lines. No JSON has it. */
const END = '\0';

/**
 * The run as text for a page: a line of the run and one for each trial, then all histograms, compressed together. They are
 * compressed one by one where they are stored, which hides how much they have in common. The same run gives the same text.
 */
export function packRun({ run, trials }: MeasuredRun): string {
  const lines = [settled(Run, run), ...trials.map(trial => settled(TrialResult, trial))].map(value =>
    JSON.stringify(value),
  );
  const histograms: Buffer[] = [];
  const text = lines.join('\n').replaceAll(STORED, (stored, base64: string) => {
    const bytes = unpackHistogram(base64);
    if (bytes === null) return stored;
    histograms.push(bytes);
    return `"v2":@${bytes.length}@`;
  });
  const all = Buffer.concat([Buffer.from(`${text}${END}`), ...histograms]);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    [constants.BROTLI_PARAM_SIZE_HINT]: all.length,
  };
  return brotliCompressSync(all, { params }).toString('base64');
}

/** Compressed, as a page's own script can unpack it. */
export function packText(text: string): string {
  return gzipSync(text, { level: 9 }).toString('base64');
}

/** With keys in the schema's order, as they are when it is read from disk; a value that does not fit stays as it is. */
function settled(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  return parsed.success ? parsed.data : value;
}

/** Its kind and its counts; null if they would not be packed to the same text again. */
function unpackHistogram(base64: string): Buffer | null {
  const stored = Buffer.from(base64, 'base64');
  try {
    const counts = inflateSync(stored.subarray(KIND_BYTES + LENGTH_BYTES), { maxOutputLength: MAX_BYTES });
    const bytes = Buffer.concat([stored.subarray(0, KIND_BYTES), counts]);
    return packHistogram(bytes) === base64 ? bytes : null;
  } catch {
    return null;
  }
}

function packHistogram(bytes: Buffer): string {
  const counts = deflateSync(bytes.subarray(KIND_BYTES));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(counts.length);
  return Buffer.concat([bytes.subarray(0, KIND_BYTES), length, counts]).toString('base64');
}

/**
 * The lines in a page: the run, then its trials, not yet parsed.
 *
 * @throws UsageError for a page that holds no run, or a damaged one
 */
export function unpackRun(page: string, file: string): [run: string, ...trials: string[]] {
  const [, kind, packed] = ELEMENT.exec(page) ?? [];
  if (packed === undefined) {
    throw new UsageError(
      `${file} holds no run; expected: the report.html of a run, written by a conntax that puts the run into its page`,
    );
  }
  try {
    const bytes = Buffer.from(packed, 'base64');
    const text =
      kind === 'gzip'
        ? gunzipSync(bytes, { maxOutputLength: MAX_BYTES }).toString()
        : putBack(brotliDecompressSync(bytes, { maxOutputLength: MAX_BYTES }));
    const [run = '', ...trials] = text.split('\n');
    return [run, ...trials];
  } catch {
    throw new UsageError(`${file}: the run in this page is damaged`);
  }
}

/** The lines with each histogram in its place. */
function putBack(all: Buffer): string {
  let at = all.indexOf(END);
  if (at < 0) throw new Error('no end of the lines');
  const text = all.subarray(0, at).toString();
  at += END.length;
  return text.replaceAll(PLACE, (_, length: string) => {
    const from = at;
    at += Number(length);
    return `"v2":"${packHistogram(all.subarray(from, at))}"`;
  });
}
