// In: a table or a text, and a width. Out: which columns fit side by side, and lines that fit.
import { visibleLine } from '../results/visible.ts';
import type { Table } from './model.ts';

const GAP = 2;

/**
 * Indices of the columns that fit into `width`, in as few parts as it takes and of about the same width; each part begins
 * with the key columns, so that its rows can be told.
 */
export function fittingColumns({ columns, rows }: Table, width: number): number[][] {
  const widths = columns.map(({ heading, unit }, index) =>
    Math.max(
      ...[heading, unit ?? '', ...rows.map(row => row[index]!.text)].map(text => visibleLine(text).length),
    ),
  );
  const indices = columns.map((_, index) => index);
  const keys = indices.filter(index => columns[index]!.isKey);
  const others = indices.filter(index => !columns[index]!.isKey);
  const keysWidth = keys.reduce((sum, index) => sum + widths[index]! + GAP, 0);
  const parts = (limit: number) => packed(others, widths, limit - keysWidth);
  const fewest = parts(width);
  let narrowest = width;
  while (narrowest > keysWidth && parts(narrowest - 1).length === fewest.length) narrowest--;
  return parts(narrowest).map(part => [...keys, ...part]);
}

/** In order, as many in each part as `limit` lets in, but at least one. */
function packed(indices: readonly number[], widths: readonly number[], limit: number): number[][] {
  const parts: number[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const index of indices) {
    const own = widths[index]!;
    if (used + GAP + own > limit) {
      parts.push([index]);
      used = own;
    } else {
      parts.at(-1)!.push(index);
      used += GAP + own;
    }
  }
  return parts;
}

/** Breaks between words; the lines after the first begin with `indent`. A longer word gets a line of its own. */
export function wrapped(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of visibleLine(text).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
