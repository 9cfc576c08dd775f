// In: nothing. Out: where commands print; the one door to the terminal, through which nothing goes that could steer it.
import picocolors from 'picocolors';
import { visibleColours, visibleLines } from '../../results/visible.ts';
import type { Output } from './context.ts';

const DEFAULT_COLUMNS = 100;

export function createOutput(): Output {
  const hasColour = hasColourOn(process.stdout);
  return {
    out: text => process.stdout.write(`${shown(text, hasColour)}\n`),
    note: text => process.stderr.write(`${shown(text, hasColourOn(process.stderr))}\n`),
    // Some terminals do not know their size (0 columns): a living line would be clipped to nothing.
    isTty: Boolean(process.stderr.isTTY) && process.stderr.columns > 0,
    hasColour,
    columns: process.stdout.columns || DEFAULT_COLUMNS,
  };
}

export function hasColourOn(stream: NodeJS.WriteStream): boolean {
  return Boolean(stream.isTTY) && picocolors.isColorSupported;
}

function shown(text: string, hasColour: boolean): string {
  return hasColour ? visibleColours(text) : visibleLines(text);
}
