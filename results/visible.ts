// Makes characters of foreign text visible that could mislead a terminal, a page or a reader.

/**
 * Control characters (C0, DEL, C1), format characters (bidirectional overrides, blanks without width), separators of lines
 * and paragraphs, halves of surrogate pairs.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Escapes as in JSON, so that JSON stays valid and equivalent. */
function escaped(found: string): string {
  const codes = Array.from({ length: found.length }, (_, at) => found.charCodeAt(at));
  return codes.map(code => `\\u${code.toString(16).padStart(4, '0')}`).join('');
}

/** On one line: an escape character becomes `\u001b`, and so on; a line break becomes a blank. */
export function visibleLine(text: string): string {
  return text.replace(/[\t\n\r]+/g, ' ').replace(UNSEEN, escaped);
}

/** The same for a text of several lines. */
export function visibleLines(text: string): string {
  return text.replace(UNSEEN, found => (found === '\n' || found === '\t' ? found : escaped(found)));
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours consist of them
const COLOUR = /(\u001b\[[\d;]*m)/;

/** The same for a text with our own colours. */
export function visibleColours(text: string): string {
  return text
    .split(COLOUR)
    .map((part, index) => (index % 2 === 1 ? part : visibleLines(part)))
    .join('');
}
