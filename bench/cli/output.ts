// What a command prints: its result and its notices, on the only way to the terminal.
import picocolors from 'picocolors';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import { visibleColours, visibleLines } from '../../results/visible.ts';

export interface Output {
  /** The result, which a pipe receives. */
  out(text: string): void;
  /** Progress and remarks. */
  note(text: string): void;
  isTty: boolean;
  hasColour: boolean;
  columns: number;
}

const DEFAULT_COLUMNS = 100;

/** The only way to the terminal: control characters are made visible. */
export function createOutput(): Output {
  const hasColour = hasColourOn(process.stdout);
  return {
    out: text => process.stdout.write(`${shown(text, hasColour)}\n`),
    note: text =>
      process.stderr.write(
        `${shown(wrapNotices(text, process.stderr.columns || Infinity), hasColourOn(process.stderr))}\n`,
      ),
    // Some terminals report 0 columns, and a dumb one can't go back to a line.
    isTty: Boolean(process.stderr.isTTY) && process.stderr.columns > 0 && process.env['TERM'] !== 'dumb',
    hasColour,
    columns: process.stdout.columns || DEFAULT_COLUMNS,
  };
}

/** Notices are sentences, so they are broken between words; commands and paths stay in one piece, to be copied. */
export function wrapNotices(text: string, columns: number): string {
  return text
    .split('\n')
    .map(line => {
      const sign = /^ *! /.exec(line)?.[0];
      if (sign === undefined || stringWidth(line) <= columns) return line;
      const wrapped = wrapAnsi(line.slice(sign.length), columns - sign.length);
      return sign + wrapped.replaceAll('\n', `\n${' '.repeat(sign.length)}`);
    })
    .join('\n');
}

export function hasColourOn(stream: NodeJS.WriteStream): boolean {
  return Boolean(stream.isTTY) && picocolors.isColorSupported;
}

function shown(text: string, hasColour: boolean): string {
  return hasColour ? visibleColours(text) : visibleLines(text);
}
