// In: a table or a text, and a width. Out: which columns fit side by side, and lines that fit.
import type { Table } from './report.ts';

const GAP = 2;

/** Names in a stored run come from elsewhere: no escape sequence of theirs may reach the terminal. */
export function safe(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, ' ');
}

/**
 * Indices of the columns that fit into `width`, in as many parts as it takes; each part begins with the key columns, so
 * that its rows can be told.
 */
export function fittingColumns({ columns, rows }: Table, width: number): number[][] {
  const widths = columns.map(({ heading, unit }, index) =>
    Math.max(heading.length, unit?.length ?? 0, ...rows.map(row => row[index]!.text.length)),
  );
  const keys = columns.flatMap(({ isKey }, index) => (isKey ? [index] : []));
  const keysWidth = keys.reduce((sum, index) => sum + widths[index]! + GAP, 0);
  const parts: number[][] = [];
  let part: number[] = [];
  let used = keysWidth;
  columns.forEach(({ isKey }, index) => {
    if (isKey) return;
    const next = used + widths[index]! + GAP;
    if (part.length > 0 && next - GAP > width) {
      parts.push(part);
      part = [];
      used = keysWidth;
    }
    part.push(index);
    used += widths[index]! + GAP;
  });
  parts.push(part);
  return parts.map(indices => [...keys, ...indices]);
}

/** Breaks between words; the lines after the first begin with `indent`. A longer word gets a line of its own. */
export function wrapped(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of safe(text).split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
