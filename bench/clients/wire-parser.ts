// A strict, incremental parser of HTTP/1.1 responses: where each ends, what it says, and whether its connection lives on.

/** The answer is not what RFC 9112 allows, or exceeds a limit: its connection cannot be used any further. */
export class MalformedAnswerError extends Error {
  readonly code = 'ERR_MALFORMED_ANSWER';

  constructor(message: string) {
    super(`malformed answer: ${message}`);
  }
}

/** Limits on what a server may send beside bodies. */
export const LIMITS = {
  /** One line of a head, of a chunk size or of a trailer, without its CR LF. */
  lineBytes: 16_384,
  /** All lines of one answer's head; so too of its trailers. */
  headBytes: 65_536,
  /** Answers such as 103 before the final one. */
  interimAnswers: 256,
} as const;

const State = {
  statusLine: 0,
  fieldLine: 1,
  bodyOfLength: 2,
  bodyUntilClose: 3,
  chunkSize: 4,
  chunkData: 5,
  chunkEnd: 6,
  trailer: 7,
} as const;
type State = (typeof State)[keyof typeof State];

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const COLON = 58;
const SEMICOLON = 59;
const ZERO = 48;
const NINE = 57;
const NOTHING = Buffer.alloc(0);
const START = Buffer.from('HTTP/1.');
const SHORTEST_STATUS_LINE = 'HTTP/1.1 200'.length;

/** The lower case of each byte that a field name may hold; 0 of others. */
const NAME_BYTE = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
  NAME_BYTE[char.charCodeAt(0)] = char.charCodeAt(0);
  NAME_BYTE[char.toUpperCase().charCodeAt(0)] = char.charCodeAt(0);
}
/** 1 of each byte that a field value may hold. */
const TEXT_BYTE = new Uint8Array(256).fill(1, SPACE);
TEXT_BYTE[127] = 0;
TEXT_BYTE[TAB] = 1;
/** The value of each hexadecimal digit; -1 of other bytes. */
const DIGIT = new Int8Array(256).fill(-1);
for (const [value, char] of [...'0123456789abcdef'].entries()) {
  DIGIT[char.charCodeAt(0)] = value;
  DIGIT[char.toUpperCase().charCodeAt(0)] = value;
}

const CONTENT_LENGTH = Buffer.from('content-length');
const TRANSFER_ENCODING = Buffer.from('transfer-encoding');
const CONNECTION = Buffer.from('connection');
const KEEP_ALIVE = Buffer.from('keep-alive');
/** Content-Length and chunk sizes stay exact in a double. */
const MAX_LENGTH_DIGITS = 15;
const MAX_CHUNK_DIGITS = 12;

function isNamed(bytes: Buffer, start: number, end: number, name: Buffer): boolean {
  if (end - start !== name.length) return false;
  for (let at = 0; at < name.length; at++) {
    if (NAME_BYTE[bytes[start + at]!] !== name[at]) return false;
  }
  return true;
}

function isText(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (TEXT_BYTE[bytes[at]!] === 0) return false;
  return true;
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

/**
 * The last head that parsers of one client have read in answer to a request, and what it said: the same bytes say the same.
 * Servers repeat a head for up to a second (Date), and to compare one costs a third of parsing it.
 */
export class HeadMemo {
  /** Whether answers have no body, whatever their head says: those to HEAD. */
  readonly isBodiless: boolean;
  bytes = NOTHING;
  length = 0;
  status = 0;
  state: State = State.statusLine;
  remaining = 0;
  keepAlive = true;
  keepAliveSec = Number.NaN;

  constructor(isBodiless = false) {
    this.isBodiless = isBodiless;
  }
}

/**
 * One per connection. The state is that of the current answer; the lines of a head are parsed where they lie, and only what
 * is cut off at the end of a piece is copied. No allocation per answer as long as heads repeat.
 */
export class AnswerParser {
  /** Status of the final answer, set as soon as `hasHead`. */
  status = 0;
  /** Whether the connection may carry another request after this answer. */
  keepAlive = true;
  /** What the server has announced in `Keep-Alive: timeout`; NaN where it has not. */
  keepAliveSec = Number.NaN;
  /** Bytes of the current or last body so far, without what chunks add. */
  bodyBytes = 0;
  /** Whether the head of the final answer is complete. */
  hasHead = false;
  /** Whether anything of the current answer has arrived. */
  hasBegun = false;

  #memo: HeadMemo;
  #state: State = State.statusLine;
  /** Bytes that are still to come of a body or chunk. */
  #remaining = 0;
  /** The beginning of a line whose end is still to come. */
  #partial = NOTHING;
  #partialLength = 0;
  #headBytes = 0;
  #interimAnswers = 0;
  /** What the lines of the head have said so far. */
  #minor = 1;
  #length = -1;
  #isChunked = false;
  #hasClose = false;
  #hasKeepAlive = false;

  constructor(memo: HeadMemo) {
    this.#memo = memo;
  }

  /** States which request the current answer, or the next one, belongs to, by the memo of that request. */
  expect(memo: HeadMemo): void {
    this.#memo = memo;
  }

  /** For another connection: forgets an answer that has not ended. */
  reset(): void {
    this.#finish(0);
    this.keepAliveSec = Number.NaN;
  }

  /**
   * Takes in what has arrived.
   * @returns where the answer ends, or -1 where more of it is to come
   * @throws MalformedAnswerError
   */
  feed(bytes: Buffer, start: number, end: number): number {
    let at = start;
    if (!this.hasBegun) {
      if (at === end) return -1;
      this.#begin();
      at = this.#recall(bytes, at, end);
      if (this.hasHead && this.#state === State.statusLine) return this.#finish(at);
    }
    const headStart = at;
    while (at < end) {
      switch (this.#state) {
        case State.bodyOfLength:
          at = this.#takeBody(end - at) + at;
          if (this.#remaining === 0) return this.#finish(at);
          break;
        case State.bodyUntilClose:
          this.bodyBytes += end - at;
          return -1;
        case State.chunkData:
          at = this.#takeBody(end - at) + at;
          if (this.#remaining === 0) this.#state = State.chunkEnd;
          break;
        default: {
          const wasHead = !this.hasHead;
          at = this.#takeLine(bytes, at, end);
          if (at === -1) return -1;
          if (!this.hasHead) break;
          if (wasHead) this.#remember(bytes, headStart, at);
          if (this.#state === State.statusLine) return this.#finish(at);
        }
      }
    }
    return -1;
  }

  /** The server has ended the connection. @returns whether that is where the answer ends */
  end(): boolean {
    if (this.#state !== State.bodyUntilClose) return false;
    this.#finish(0);
    return true;
  }

  #begin(): void {
    this.hasBegun = true;
    this.hasHead = false;
    this.bodyBytes = 0;
    this.#state = State.statusLine;
    this.#partialLength = 0;
    this.#interimAnswers = 0;
    this.#headBytes = 0;
  }

  #finish(at: number): number {
    this.hasBegun = false;
    this.#state = State.statusLine;
    return at;
  }

  /** Skips a head that is the same as the last one. */
  #recall(bytes: Buffer, start: number, end: number): number {
    const memo = this.#memo;
    const { length } = memo;
    if (length === 0 || end - start < length) return start;
    if (memo.bytes.compare(bytes, start, start + length, 0, length) !== 0) return start;
    this.hasHead = true;
    this.status = memo.status;
    this.keepAlive = memo.keepAlive;
    this.keepAliveSec = memo.keepAliveSec;
    this.#state = memo.state;
    this.#remaining = memo.remaining;
    return start + length;
  }

  /** Keeps a head that came in one piece, and was not preceded by interim ones. */
  #remember(bytes: Buffer, start: number, end: number): void {
    if (this.#interimAnswers > 0 || this.#headBytes !== end - start) return;
    const memo = this.#memo;
    const length = end - start;
    if (memo.bytes.length < length) memo.bytes = Buffer.alloc(length * 2);
    bytes.copy(memo.bytes, 0, start, end);
    memo.length = length;
    memo.status = this.status;
    memo.keepAlive = this.keepAlive;
    memo.keepAliveSec = this.keepAliveSec;
    memo.state = this.#state;
    memo.remaining = this.#remaining;
  }

  #takeBody(available: number): number {
    const taken = Math.min(this.#remaining, available);
    this.#remaining -= taken;
    this.bodyBytes += taken;
    return taken;
  }

  /** @returns where the next line begins, or -1 where this one is not complete yet */
  #takeLine(bytes: Buffer, start: number, end: number): number {
    const lineFeed = bytes.indexOf(LF, start);
    const isComplete = lineFeed !== -1 && lineFeed < end;
    const next = isComplete ? lineFeed + 1 : end;
    this.#count(next - start);
    if (isComplete && this.#partialLength === 0) {
      this.#parseLine(bytes, start, lineFeed);
      return next;
    }
    this.#append(bytes, start, next);
    if (!isComplete) {
      if (this.#state === State.statusLine) this.#checkStart(this.#partial, 0, this.#partialLength);
      return -1;
    }
    const length = this.#partialLength;
    this.#partialLength = 0;
    this.#parseLine(this.#partial, 0, length - 1);
    return next;
  }

  #count(bytes: number): void {
    // A chunk's size and end are no part of a head; their lines are limited like all others.
    if (this.#state !== State.chunkSize && this.#state !== State.chunkEnd) this.#headBytes += bytes;
    if (this.#headBytes > LIMITS.headBytes) {
      throw new MalformedAnswerError(`a head or trailers of more than ${LIMITS.headBytes} bytes`);
    }
    // CR LF ends it.
    if (this.#partialLength + bytes > LIMITS.lineBytes + 2) {
      throw new MalformedAnswerError(`a line of more than ${LIMITS.lineBytes} bytes`);
    }
  }

  #append(bytes: Buffer, start: number, end: number): void {
    const length = this.#partialLength + end - start;
    if (this.#partial.length < length) {
      const grown = Buffer.alloc(length * 2);
      this.#partial.copy(grown, 0, 0, this.#partialLength);
      this.#partial = grown;
    }
    bytes.copy(this.#partial, this.#partialLength, start, end);
    this.#partialLength = length;
  }

  /** @param lineFeed where the line feed stands that ends the line */
  #parseLine(bytes: Buffer, start: number, lineFeed: number): void {
    const end = lineFeed - 1;
    if (end < start || bytes[end] !== CR)
      throw new MalformedAnswerError('a line that does not end with CR LF');
    switch (this.#state) {
      case State.statusLine:
        this.#parseStatusLine(bytes, start, end);
        break;
      case State.fieldLine:
        if (start === end) this.#endHead();
        else this.#parseField(bytes, start, end);
        break;
      case State.chunkSize:
        this.#parseChunkSize(bytes, start, end);
        break;
      case State.chunkEnd:
        if (start !== end) throw new MalformedAnswerError('a chunk that is longer than its size');
        this.#state = State.chunkSize;
        break;
      default: // a trailer; an empty line ends the answer
        if (start === end) this.#state = State.statusLine;
        else this.#fieldNameEnd(bytes, start, end);
    }
  }

  #checkStart(bytes: Buffer, start: number, end: number): void {
    for (let at = 0; at < START.length && start + at < end; at++) {
      if (bytes[start + at] !== START[at]) throw new MalformedAnswerError('not an HTTP/1 status line');
    }
  }

  #parseStatusLine(bytes: Buffer, start: number, end: number): void {
    this.#checkStart(bytes, start, end);
    if (end - start < SHORTEST_STATUS_LINE) throw new MalformedAnswerError('a status line without a status');
    const minor = bytes[start + 7]! - ZERO;
    if ((minor !== 0 && minor !== 1) || bytes[start + 8] !== SPACE) {
      throw new MalformedAnswerError('neither HTTP/1.0 nor HTTP/1.1');
    }
    let status = 0;
    for (let at = start + 9; at < start + SHORTEST_STATUS_LINE; at++) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) throw new MalformedAnswerError('a status that is not three digits');
      status = status * 10 + digit;
    }
    if (status < 100) throw new MalformedAnswerError('a status below 100');
    const reason = start + SHORTEST_STATUS_LINE;
    if (reason < end && bytes[reason] !== SPACE)
      throw new MalformedAnswerError('a status of more than three digits');
    if (!isText(bytes, reason, end)) throw new MalformedAnswerError('a control character in the status line');
    this.status = status;
    this.keepAliveSec = Number.NaN;
    this.#minor = minor;
    this.#length = -1;
    this.#isChunked = false;
    this.#hasClose = false;
    this.#hasKeepAlive = false;
    this.#state = State.fieldLine;
  }

  /** @returns where the colon stands */
  #fieldNameEnd(bytes: Buffer, start: number, end: number): number {
    let colon = start;
    while (colon < end && NAME_BYTE[bytes[colon]!] !== 0) colon++;
    if (colon === start || colon === end || bytes[colon] !== COLON) {
      throw new MalformedAnswerError('a header line without a name and a colon');
    }
    if (!isText(bytes, colon, end)) throw new MalformedAnswerError('a control character in a header');
    return colon;
  }

  #parseField(bytes: Buffer, start: number, end: number): void {
    const colon = this.#fieldNameEnd(bytes, start, end);
    let from = colon + 1;
    let to = end;
    while (from < to && isBlank(bytes[from])) from++;
    while (to > from && isBlank(bytes[to - 1])) to--;
    if (isNamed(bytes, start, colon, CONTENT_LENGTH)) this.#parseLength(bytes, from, to);
    else if (isNamed(bytes, start, colon, TRANSFER_ENCODING)) this.#parseEncoding(bytes, from, to);
    else if (isNamed(bytes, start, colon, CONNECTION)) this.#parseConnection(bytes, from, to);
    else if (isNamed(bytes, start, colon, KEEP_ALIVE)) this.#parseKeepAlive(bytes, from, to);
  }

  #parseLength(bytes: Buffer, from: number, to: number): void {
    if (from === to || to - from > MAX_LENGTH_DIGITS) {
      throw new MalformedAnswerError(`a Content-Length that does not have 1 to ${MAX_LENGTH_DIGITS} digits`);
    }
    let length = 0;
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      if (byte < ZERO || byte > NINE) throw new MalformedAnswerError('a Content-Length that is not a number');
      length = length * 10 + byte - ZERO;
    }
    if (this.#length !== -1 && this.#length !== length) {
      throw new MalformedAnswerError('two different Content-Lengths');
    }
    this.#length = length;
  }

  #parseEncoding(bytes: Buffer, from: number, to: number): void {
    if (this.#isChunked || bytes.toString('latin1', from, to).toLowerCase() !== 'chunked') {
      throw new MalformedAnswerError('a Transfer-Encoding other than chunked');
    }
    this.#isChunked = true;
  }

  #parseConnection(bytes: Buffer, from: number, to: number): void {
    for (const option of bytes.toString('latin1', from, to).toLowerCase().split(',')) {
      this.#hasClose ||= option.trim() === 'close';
      this.#hasKeepAlive ||= option.trim() === 'keep-alive';
    }
  }

  #parseKeepAlive(bytes: Buffer, from: number, to: number): void {
    const seconds = /(?:^|[,\s])timeout\s*=\s*(\d{1,9})(?![^,\s])/i.exec(
      bytes.toString('latin1', from, to),
    )?.[1];
    if (seconds !== undefined) this.keepAliveSec = Number(seconds);
  }

  /** What RFC 9112, section 6.3, makes of the head. */
  #endHead(): void {
    const { status } = this;
    if (this.#isChunked && this.#length !== -1) {
      throw new MalformedAnswerError('both a Content-Length and a Transfer-Encoding');
    }
    if (status < 200) {
      if (status === 101) throw new MalformedAnswerError('101: no other protocol was asked for');
      if (++this.#interimAnswers > LIMITS.interimAnswers) {
        throw new MalformedAnswerError(`more than ${LIMITS.interimAnswers} interim answers`);
      }
      this.#headBytes = 0;
      this.#state = State.statusLine;
      return;
    }
    this.hasHead = true;
    this.keepAlive = this.#minor === 1 ? !this.#hasClose : this.#hasKeepAlive && !this.#hasClose;
    if (this.#memo.isBodiless || status === 204 || status === 304 || this.#length === 0)
      this.#state = State.statusLine;
    else if (this.#isChunked) this.#state = State.chunkSize;
    else if (this.#length === -1) {
      this.#state = State.bodyUntilClose;
      this.keepAlive = false;
    } else {
      this.#state = State.bodyOfLength;
      this.#remaining = this.#length;
    }
  }

  #parseChunkSize(bytes: Buffer, start: number, end: number): void {
    let size = 0;
    let at = start;
    while (at < end && DIGIT[bytes[at]!]! >= 0) size = size * 16 + DIGIT[bytes[at++]!]!;
    if (at === start || at - start > MAX_CHUNK_DIGITS) {
      throw new MalformedAnswerError(`a chunk size that does not have 1 to ${MAX_CHUNK_DIGITS} digits`);
    }
    let extension = at;
    while (extension < end && isBlank(bytes[extension])) extension++;
    if (extension < end && bytes[extension] !== SEMICOLON) {
      throw new MalformedAnswerError('a chunk size that is not hexadecimal');
    }
    if (!isText(bytes, extension, end))
      throw new MalformedAnswerError('a control character in a chunk extension');
    this.#remaining = size;
    this.#headBytes = 0;
    this.#state = size === 0 ? State.trailer : State.chunkData;
  }
}
