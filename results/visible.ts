// In: text from outside. Out: the same with all that a terminal, a page or a reader could be led astray by made visible.

/**
 * Control characters (C0, DEL, C1), format characters (bidirectional overrides, blanks without width), separators of lines
 * and paragraphs, halves of surrogate pairs.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Escapes as JSON has them, so that JSON stays JSON, and the same. */
function escapes(text: string): string {
  return text.replace(UNSEEN, found =>
    Array.from({ length: found.length }, (_, at) => escaped(found.charCodeAt(at))).join(''),
  );
}

function escaped(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

/** One line: `\u001b` in place of an escape character, and so on; a line break is a blank. */
export function visibleLine(text: string): string {
  return escapes(text.replace(/[\t\n\r]+/g, ' '));
}

/** The same of a text of several lines. */
export function visibleLines(text: string): string {
  return text
    .split(/([\n\t])/)
    .map((part, index) => (index % 2 === 1 ? part : escapes(part)))
    .join('');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what colours are made of
const COLOUR = /(\u001b\[[\d;]*m)/;

/** The same of a text that we have coloured. */
export function visibleColours(text: string): string {
  return text
    .split(COLOUR)
    .map((part, index) => (index % 2 === 1 ? part : visibleLines(part)))
    .join('');
}
