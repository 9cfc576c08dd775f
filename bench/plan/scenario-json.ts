// Parses JSON as editors write it, and finds the keys that an object has more than once.
import type { Node, ParseError } from 'jsonc-parser';
import jsonc from 'jsonc-parser';
import { joinWords } from '../../results/figures.ts';
import { formatPath, type Path } from './problems.ts';

const BYTE_ORDER_MARK = '\ufeff';

/**
 * Parses JSON as editors write it: comments, trailing commas and a byte order mark are accepted.
 * @throws SyntaxError with line and column
 */
export function parseJson(text: string): unknown {
  const plain = withoutMark(text);
  try {
    return JSON.parse(plain);
  } catch {
    return parseRelaxed(plain);
  }
}

/** A key that an object has more than once: all but the last of its values would be ignored. */
export interface DuplicateKey {
  /** Dotted, of the key. */
  path: string;
  message: string;
}

/** Finds repeated keys in a text that can be parsed, in its order. */
export function findDuplicateKeys(text: string): DuplicateKey[] {
  const plain = withoutMark(text);
  const root = jsonc.parseTree(plain, [], { allowTrailingComma: true });
  return root === undefined ? [] : duplicatesIn(root, [], plain);
}

function withoutMark(text: string): string {
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

function parseRelaxed(text: string): unknown {
  const errors: ParseError[] = [];
  const root = jsonc.parseTree(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first !== undefined) throw new SyntaxError(`${wordsOf(first)} at ${describePlace(text, first.offset)}`);
  return root === undefined ? undefined : plainValue(root);
}

/** Unlike the package's own conversion, keeps `__proto__` as an ordinary member, as JSON.parse does. */
function plainValue({ type, value, children = [] }: Node): unknown {
  if (type === 'array') return children.map(plainValue);
  if (type !== 'object') return value;
  return Object.fromEntries(
    children.map(({ children: [key, member] = [] }) => [key!.value, plainValue(member!)]),
  );
}

function duplicatesIn(node: Node, path: Path, text: string): DuplicateKey[] {
  const { type, children = [] } = node;
  if (type === 'array') return children.flatMap((item, index) => duplicatesIn(item, [...path, index], text));
  if (type !== 'object') return [];
  const members = children.flatMap(({ children: [key, member] = [] }) =>
    key === undefined || member === undefined ? [] : [{ key, member }],
  );
  const groups = Map.groupBy(members, ({ key }) => String(key.value));
  const own = [...groups].flatMap(([name, group]): DuplicateKey[] => {
    if (group.length === 1) return [];
    const places = group.map(({ key }) => describePlace(text, key.offset));
    const count = group.length === 2 ? 'twice' : `${group.length} times`;
    return [
      { path: formatPath([...path, name]), message: `is given ${count}: at ${joinWords(places, 'and')}` },
    ];
  });
  return [
    ...own,
    ...members.flatMap(({ key, member }) => duplicatesIn(member, [...path, String(key.value)], text)),
  ];
}

/** `line 3, column 5`. */
function describePlace(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${before.at(-1)!.length + 1}`;
}

/** Turns the package's `CommaExpected` into `comma expected`. */
function wordsOf({ error }: ParseError): string {
  return jsonc
    .printParseErrorCode(error)
    .replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)
    .trim();
}
