// In: the text of a JSON file as editors write it. Out: what it holds; comments, commas after the last member and a byte order mark are taken.
import jsonc, { type Node, type ParseError } from 'jsonc-parser';

const BYTE_ORDER_MARK = '\ufeff';

/** @throws SyntaxError that says line and column */
export function parseJson(text: string): unknown {
  const plain = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  try {
    return JSON.parse(plain);
  } catch {
    return parseRelaxed(plain);
  }
}

function parseRelaxed(text: string): unknown {
  const errors: ParseError[] = [];
  const root = jsonc.parseTree(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first !== undefined) throw new SyntaxError(`${wordsOf(first)} ${placeText(text, first)}`);
  return root === undefined ? undefined : plainValue(root);
}

/** The package's own makes `__proto__` the prototype of the object; as with JSON.parse it is a member like any other. */
function plainValue({ type, value, children = [] }: Node): unknown {
  if (type === 'array') return children.map(plainValue);
  if (type !== 'object') return value;
  return Object.fromEntries(
    children.map(({ children: [key, member] = [] }) => [key!.value, plainValue(member!)]),
  );
}

function placeText(text: string, { offset }: ParseError): string {
  const before = text.slice(0, offset).split('\n');
  return `in line ${before.length}, column ${before.at(-1)!.length + 1}`;
}

/** The package says `CommaExpected`. */
function wordsOf({ error }: ParseError): string {
  return jsonc
    .printParseErrorCode(error)
    .replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)
    .trim();
}
