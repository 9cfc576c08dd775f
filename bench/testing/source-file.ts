// In: the path and text of a source file. Out: its imports with their lines, and its code without comments and strings.

export interface Import {
  /** As written: a package, `node:...`, or a relative path. */
  specifier: string;
  /** Path within the project, for a relative one. */
  path?: string;
  line: number;
  isTypeOnly: boolean;
}

export interface SourceFile {
  path: string;
  text: string;
  /** The text with every character of comments and string contents blanked; lines and columns stay. */
  code: string;
  imports: readonly Import[];
}

type Mode = 'code' | 'line-comment' | 'block-comment' | "'" | '"' | 'template' | 'regex';

/** A slash after one of these begins a regular expression; after anything else it divides. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else))\s*$/;

/** Blanks comments, and string contents too unless they are kept. Templates are blanked but for their expressions. */
function masked(text: string, areStringsKept: boolean): string {
  let out = '';
  let mode: Mode = 'code';
  let isInClass = false;
  // Braces open in each template expression that we are within.
  const expressions: number[] = [];
  const blank = (piece: string) => piece.replaceAll(/[^\n]/g, ' ');
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!;
    const pair = text.slice(index, index + 2);
    if (mode === 'code') {
      if (pair === '//' || pair === '/*') {
        mode = pair === '//' ? 'line-comment' : 'block-comment';
        out += blank(pair);
        index++;
        continue;
      }
      if (character === "'" || character === '"') mode = character;
      else if (character === '`') mode = 'template';
      else if (character === '/' && BEFORE_REGEX.test(out.slice(-80))) mode = 'regex';
      else if (character === '{' && expressions.length > 0) expressions.push(expressions.pop()! + 1);
      else if (character === '}' && expressions.length > 0) {
        const depth = expressions.pop()! - 1;
        if (depth > 0) expressions.push(depth);
        else mode = 'template';
      }
      out += character;
      continue;
    }
    if (mode === 'line-comment' || mode === 'block-comment') {
      const isEnd = mode === 'line-comment' ? character === '\n' : pair === '*/';
      out += blank(mode === 'block-comment' && isEnd ? pair : character);
      if (isEnd && mode === 'block-comment') index++;
      if (isEnd) mode = 'code';
      continue;
    }
    if (character === '\\') {
      out += blank(pair);
      index++;
      continue;
    }
    if (mode === 'template' && pair === '${') {
      expressions.push(1);
      mode = 'code';
      out += pair;
      index++;
      continue;
    }
    if (mode === 'regex' && (character === '[' || character === ']')) isInClass = character === '[';
    const closing = mode === 'template' ? '`' : mode === 'regex' ? '/' : mode;
    const isClosed = character === closing && !isInClass;
    // A string that is still open at the end of its line was none: some slash or quote was misread.
    if (isClosed || (character === '\n' && mode !== 'template')) {
      mode = 'code';
      isInClass = false;
      out += character;
    } else out += areStringsKept && mode !== 'template' && mode !== 'regex' ? character : blank(character);
  }
  return out;
}

/** Number of the line that holds the offset. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

function resolved(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

const IMPORTS = [
  /\b(?:import|export)\b(?<type>\s+type\b)?[^'"`;()]*?\bfrom\s*(?<quote>['"])(?<specifier>[^'"]+)\k<quote>/g,
  /\bimport\s*(?<quote>['"])(?<specifier>[^'"]+)\k<quote>/g,
  /\bimport\s*\(\s*(?<quote>['"])(?<specifier>[^'"]+)\k<quote>/g,
];

function importsOf(path: string, text: string): Import[] {
  const found = IMPORTS.flatMap(pattern => [...masked(text, true).matchAll(pattern)]).map(match => {
    const specifier = match.groups!['specifier']!;
    return {
      specifier,
      ...(specifier.startsWith('.') ? { path: resolved(path, specifier) } : {}),
      line: lineAt(text, match.index),
      isTypeOnly: match.groups!['type'] !== undefined,
    };
  });
  return found.sort((left, right) => left.line - right.line);
}

export function createSourceFile(path: string, text: string): SourceFile {
  return { path, text, code: masked(text, false), imports: importsOf(path, text) };
}
