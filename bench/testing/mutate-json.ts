// Mutates JSON with faults that files from elsewhere may have.
import type { Random } from '../../results/random.ts';
import { pick } from '../../results/random.ts';

/** Tries to be read as more than text by a terminal, a page, Markdown, XML, the text format of metrics, a job's log. */
export const HOSTILE_TEXTS: readonly string[] = [
  `</script><script>alert(1)</script><img src=x onerror=alert(2)>`,
  `"><svg onload=alert(3)>' autofocus onfocus=alert(4) x='`,
  '\u001b[2J\u001b]0;title\u0007\u009b31m\u007f',
  '\u202egnp.exe\u2066\u200b\u2028line\u2029paragraph\u0085next',
  'a\n::error title=x::y\r\n# heading\n- item\n| cell |',
  '[a](javascript:alert(5)) ![b](http://x) `code` <b> | | ]]> &amp; &#x3c;',
  ']]><!ENTITY x SYSTEM "file:///etc/passwd">&x; <!--',
  'x"} 1\nconntax_fake{a="b"} 2\n',
  '../../../etc/passwd',
  '%0A%0D\\"\\n$(id)`id`$HOME',
  '\ud800 half \udc00',
  '𝕏'.repeat(300),
  '',
  ' ',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
];

/** Read as a number by who is not strict; shown, they would look like a fault of ours, so they stand for numbers only. */
const NO_NUMBERS: readonly unknown[] = ['NaN', 'Infinity', '1e999', '12', '', null, true, [], {}];
const NUMBERS: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.5,
  1e-9,
  5e-324,
  7,
  1e6,
  1e9,
  1e15,
  1e16,
  2 ** 53,
  2 ** 63,
  1e100,
  1e300,
  1.7976931348623157e308,
];
const DATES: readonly string[] = ['0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z', '2026-02-30T00:00:00Z'];
/** Stands for what JSON.stringify could not write. */
const DEEP = '@deep@';
const HUGE = '@huge@';
const PROTO = '@proto@';

type Holder = Record<string, unknown>;

interface Place {
  holder: Holder;
  key: string;
}

/** Every place in a structure, lists included. */
function placesIn(value: unknown, places: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return places;
  for (const key of Object.keys(value)) {
    places.push({ holder: value as Holder, key });
    placesIn((value as Holder)[key], places);
  }
  return places;
}

/** In the same type, so that most schemas take it. */
function ofSameType(value: unknown, random: Random): unknown {
  switch (typeof value) {
    case 'number':
      return random() < 0.3 ? Math.round(value * random() * 10) : pick(NUMBERS, random);
    case 'boolean':
      return !value;
    case 'string':
      return pick(/^\d{4}-\d\d-\d\dT/.test(value) ? DATES : HOSTILE_TEXTS, random);
    default:
      return value === null ? pick(NUMBERS, random) : resized(value as object, random);
  }
}

function resized(value: object, random: Random): unknown {
  if (Array.isArray(value)) {
    return pick(
      [() => [], () => [...value, ...value], () => value.slice(1), () => value.toReversed()],
      random,
    )();
  }
  const entries = Object.entries(value);
  return Object.fromEntries(random() < 0.5 ? entries.slice(1) : entries.toReversed());
}

/** Texts that look like numbers stand for numbers only. */
function ofOtherType(value: unknown, random: Random): unknown {
  const others =
    typeof value === 'string' ? NO_NUMBERS.filter(other => typeof other !== 'string') : NO_NUMBERS;
  return pick([...others, DEEP, HUGE, PROTO, 7, -1, 'text', [[]], { constructor: {} }], random);
}

function changeOne(root: unknown, random: Random): void {
  const places = placesIn(root);
  if (places.length === 0) return;
  const { holder, key } = pick(places, random);
  const what = random();
  if (what < 0.7) put(holder, key, ofSameType(holder[key], random));
  else if (what < 0.85) put(holder, key, ofOtherType(holder[key], random));
  else if (what < 0.93) delete holder[key];
  else if (!Array.isArray(holder)) put(holder, pick(HOSTILE_TEXTS, random), 1);
}

/** As a member of its own, whatever its name. */
function put(holder: Holder, key: string, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Everywhere where one text of it stands, as value or as key, another stands: names keep fitting to one another. */
function renameOne(root: unknown, random: Random): unknown {
  const texts = placesIn(root)
    .map(({ holder, key }) => holder[key])
    .filter(value => typeof value === 'string');
  if (texts.length === 0) return root;
  const from = pick(texts, random);
  const to = pick(HOSTILE_TEXTS, random);
  const rename = (value: unknown): unknown => {
    if (value === from) return to;
    if (Array.isArray(value)) return value.map(rename);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key === from ? to : key, rename(member)]),
    );
  };
  return rename(root);
}

/** A copy with one to three faults that JSON can hold. */
export function mutatedValue<T>(sound: T, random: Random): unknown {
  let copy: unknown = structuredClone(sound);
  for (let left = pick([1, 1, 1, 2, 3], random); left > 0; left--) {
    if (random() < 0.3) copy = renameOne(copy, random);
    else changeOne(copy, random);
  }
  return copy;
}

/** As JSON; nested, huge and prototype values are written by hand. */
export function serialize(value: unknown): string {
  const depth = 5_000;
  return JSON.stringify(value)
    .replaceAll(`"${DEEP}"`, () => '['.repeat(depth) + ']'.repeat(depth))
    .replaceAll(`"${HUGE}"`, () => '1e400')
    .replaceAll(`"${PROTO}"`, () => '{"__proto__":{"isFit":true},"constructor":{"prototype":{}}}');
}

/** Bits turned, parts cut out, repeated or put in. */
export function mutatedBytes(text: string, random: Random): Buffer {
  const bytes = Buffer.from(text);
  const at = (): number => Math.floor(random() * (bytes.length + 1));
  switch (pick(['flip', 'flip', 'cut', 'drop', 'twice', 'put'], random)) {
    case 'flip': {
      for (let left = pick([1, 1, 4, 32], random); left > 0; left--) {
        const place = at();
        if (place < bytes.length) bytes[place]! ^= 1 << Math.floor(random() * 8);
      }
      return bytes;
    }
    case 'cut':
      return bytes.subarray(0, at());
    case 'drop': {
      const from = at();
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + Math.floor(random() * 64))]);
    }
    case 'twice': {
      const from = at();
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(Math.max(0, from - 40))]);
    }
    default: {
      const from = at();
      const put = Buffer.from(pick(HOSTILE_TEXTS, random));
      return Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(from)]);
    }
  }
}
