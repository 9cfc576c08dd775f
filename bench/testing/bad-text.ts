// Finds text in output that could steer a terminal, or that looks like a bug in conntax.

/** Characters that show nothing and do something. */
export const RAW_TEXT = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u;

/** Where a figure or a word belongs. */
export const BAD_TEXT = /(?<![\w"])(?:NaN|undefined|\[object \w+\]|[+-]?Infinity|∞)(?![\w"])/;

/** The first that fits, with what stands beside it. */
export function textAround(pattern: RegExp, text: string): string | undefined {
  const at = text.search(pattern);
  return at === -1 ? undefined : JSON.stringify(text.slice(Math.max(0, at - 80), at + 40));
}
