// In: text and markup. Out: markup in which text can't be read as markup: what is interpolated is escaped unless marked.
import { visibleLines } from '../../results/visible.ts';

export interface Markup {
  readonly markup: string;
}

type Interpolated = string | number | Markup | readonly Markup[];

/** Tag for templates: everything interpolated is escaped, also within quoted attributes; markup goes in as it is. */
export function html(strings: TemplateStringsArray, ...values: readonly Interpolated[]): Markup {
  const parts = strings.map((string, index) => {
    const value = values[index];
    return value === undefined ? string : `${string}${textOf(value)}`;
  });
  return { markup: parts.join('') };
}

/** Markup that was made elsewhere and is known to be safe, such as a rendered chart. */
export function trusted(markup: string): Markup {
  return { markup };
}

export const nothing: Markup = { markup: '' };

function textOf(value: Interpolated): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return escaped(value);
  if ('markup' in value) return value.markup;
  return value.map(({ markup }) => markup).join('\n');
}

/** A figure and its unit stay on one line; characters that show nothing are made visible. */
function escaped(text: string): string {
  return visibleLines(text)
    .replace(/(\d[†‡]?) (?=(?:%|ms|µs|s)(?!\w))/g, '$1\u00a0')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
