// Tests of the parser of the wire client: what it reads, what it refuses, and that it never matters where the bytes are cut.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { hostileAnswers } from './testing/hostile-answers.ts';
import { AnswerParser, HeadMemo, LIMITS, MalformedAnswerError } from './wire-parser.ts';

interface Read {
  status: number;
  bodyBytes: number;
  keepAlive: boolean;
  keepAliveSec: number;
}

interface Reading {
  answers: Read[];
  end: 'complete' | 'incomplete' | 'malformed';
}

/** Reads the pieces as of one connection that the server ends behind them, the buffer of a piece overwritten after it. */
function read(pieces: readonly Buffer[], memo = new HeadMemo()): Reading {
  const parser = new AnswerParser(memo);
  const answers: Read[] = [];
  const note = ({ status, bodyBytes, keepAlive, keepAliveSec }: AnswerParser): number =>
    answers.push({ status, bodyBytes, keepAlive, keepAliveSec });
  const shared = Buffer.alloc(Math.max(1, ...pieces.map(({ length }) => length)));
  try {
    for (const piece of pieces) {
      piece.copy(shared);
      for (let at = 0; at < piece.length; ) {
        const next = parser.feed(shared, at, piece.length);
        if (next === -1) break;
        assert.ok(next > at, 'an answer has at least a byte');
        at = next;
        note(parser);
      }
      shared.fill('\n');
    }
  } catch (error) {
    assert.ok(error instanceof MalformedAnswerError, String(error));
    return { answers, end: 'malformed' };
  }
  if (parser.end()) note(parser);
  return { answers, end: parser.hasBegun ? 'incomplete' : 'complete' };
}

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...[...places].sort((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

const OK = 'HTTP/1.1 200 OK\r\n';

suite('an answer', () => {
  const cases: { what: string; text: string; expected: Partial<Read> }[] = [
    {
      what: 'of a length',
      text: `${OK}Content-Length: 3\r\n\r\nabc`,
      expected: { bodyBytes: 3, keepAlive: true },
    },
    {
      what: 'whose names are in another case',
      text: `${OK}cOnTeNt-LeNgTh:3 \r\n\r\nabc`,
      expected: { bodyBytes: 3 },
    },
    {
      what: 'of length 0',
      text: `${OK}Content-Length: 0\r\n\r\n`,
      expected: { bodyBytes: 0, keepAlive: true },
    },
    {
      what: 'of one length twice',
      text: `${OK}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`,
      expected: { bodyBytes: 1 },
    },
    {
      what: 'in chunks, with extensions and trailers',
      text: `${OK}Transfer-Encoding: Chunked\r\n\r\n2;a=b\r\nab\r\nA \r\n0123456789\r\n0\r\nX: y\r\n\r\n`,
      expected: { bodyBytes: 12, keepAlive: true },
    },
    {
      what: 'that the end of the connection ends',
      text: `${OK}\r\nabcd`,
      expected: { bodyBytes: 4, keepAlive: false },
    },
    {
      what: '204',
      text: 'HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n',
      expected: { status: 204, bodyBytes: 0 },
    },
    { what: '304', text: 'HTTP/1.1 304 Not Modified\r\n\r\n', expected: { status: 304, bodyBytes: 0 } },
    {
      what: 'without a reason',
      text: 'HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na',
      expected: { bodyBytes: 1 },
    },
    {
      what: 'after interim ones',
      text: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n${OK}Content-Length: 1\r\n\r\na`,
      expected: { status: 200, bodyBytes: 1, keepAlive: true },
    },
    {
      what: 'that closes',
      text: `${OK}Connection: x, Close\r\nContent-Length: 0\r\n\r\n`,
      expected: { keepAlive: false },
    },
    {
      what: 'of HTTP/1.0',
      text: 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n',
      expected: { keepAlive: false },
    },
    {
      what: 'of HTTP/1.0 that is kept',
      text: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n',
      expected: { keepAlive: true },
    },
    {
      what: 'with a hint',
      text: `${OK}Keep-Alive: max=7, timeout=5\r\nContent-Length: 0\r\n\r\n`,
      expected: { keepAliveSec: 5 },
    },
    {
      what: 'with a hint that is none',
      text: `${OK}Keep-Alive: timeout=5x\r\nContent-Length: 0\r\n\r\n`,
      expected: { keepAliveSec: Number.NaN },
    },
  ];
  for (const { what, text, expected } of cases) {
    test(what, () => {
      const { answers, end } = read([bytesOf(text)]);
      assert.equal(end, 'complete');
      assert.equal(answers.length, 1);
      assert.deepEqual({ ...answers[0], ...expected }, answers[0]);
    });
  }
});

suite('malformed', () => {
  const cases: Record<string, string> = {
    'another protocol by name': 'RTSP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    'a beginning that no status line has': 'SSH',
    'a bare line feed': 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n',
    'two lengths': `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\na`,
    'a length and chunks': `${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    'a signed length': `${OK}Content-Length: +1\r\n\r\na`,
    'an unknown encoding': `${OK}Transfer-Encoding: gzip\r\n\r\n`,
    'a space before the colon': `${OK}Content-Length : 1\r\n\r\na`,
    'a folded line': `${OK}A: b\r\n c\r\n\r\n`,
    'a carriage return within a value': `${OK}A: b\rc\r\n\r\n`,
    'a chunk longer than its size': `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n`,
    'a change of protocol': 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    'a line above its limit': `${OK}A: ${'b'.repeat(LIMITS.lineBytes)}\r\n\r\n`,
    'a head above its limit': OK + `A: ${'b'.repeat(1_000)}\r\n`.repeat(LIMITS.headBytes / 1_000 + 1),
    'a line without end above its limit': `HTTP/1.1 200 ${'x'.repeat(LIMITS.lineBytes)}`,
    'trailers above their limit': `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n${`A: ${'b'.repeat(1_000)}\r\n`.repeat(LIMITS.headBytes / 1_000 + 1)}`,
    'too many interim answers': 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(LIMITS.interimAnswers + 1),
  };
  for (const [what, text] of Object.entries(cases)) {
    test(what, () => assert.deepEqual(read([bytesOf(text)]), { answers: [], end: 'malformed' }));
  }

  test('a line of exactly the limit is not', () => {
    const { end } = read([
      bytesOf(`${OK}${`A: ${'b'.repeat(LIMITS.lineBytes - 3)}`}\r\nContent-Length: 0\r\n\r\n`),
    ]);
    assert.equal(end, 'complete');
  });
});

const field = fc.constantFrom(
  'Date: Mon, 23 Nov 2026 10:00:00 GMT',
  'Content-Length: 2',
  'Content-Length: 3',
  'content-length:  0 ',
  'Transfer-Encoding: chunked',
  'Connection: close',
  'Connection: keep-alive',
  'Keep-Alive: timeout=5',
  'A',
  'A: \x00',
  ': b',
);
const body = fc.constantFrom(
  '',
  'ab',
  'abc',
  '2\r\nab\r\n0\r\n\r\n',
  '0\r\nA: b\r\n\r\n',
  '2;x\r\nab\r\n',
  'zz\r\n',
  '\r\n',
);
const anyAnswer = fc
  .tuple(
    fc.constantFrom(
      'HTTP/1.1 200 OK',
      'HTTP/1.1 204 ',
      'HTTP/1.0 404 No',
      'HTTP/1.1 103 Early',
      'HTTP/2 200',
      'HTT',
    ),
    fc.array(field, { maxLength: 4 }),
    fc.constantFrom('\r\n', '\r\n', '\r\n', '\n'),
    body,
  )
  .map(([status, fields, end, content]) => `${[status, ...fields, ''].join('\r\n')}${end}${content}`);
const anyBytes = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.array(anyAnswer, { minLength: 1, maxLength: 3 }).map(all => bytesOf(all.join(''))),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes)) },
);
const anyPlaces = (bytes: Buffer) => fc.array(fc.nat({ max: bytes.length }), { maxLength: 8 });

suite('cut anywhere', () => {
  test('any bytes: what is read does not depend on where they are cut, nor on what was read before', () => {
    const shared = new HeadMemo();
    fc.assert(
      fc.property(
        anyBytes.chain(bytes => fc.tuple(fc.constant(bytes), anyPlaces(bytes))),
        ([bytes, places]) => {
          const whole = read([bytes]);
          assert.deepEqual(read(cut(bytes, places)), whole);
          assert.deepEqual(read([bytes], shared), whole);
          assert.deepEqual(read(cut(bytes, places), shared), whole);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test('each hostile answer at each place, and byte by byte', () => {
    for (const { name, answer } of hostileAnswers) {
      if (typeof answer === 'function' || answer.length > 2_000) continue;
      const bytes = typeof answer === 'string' ? bytesOf(answer) : answer;
      const whole = read([bytes]);
      for (let place = 1; place < bytes.length; place++)
        assert.deepEqual(read(cut(bytes, [place])), whole, name);
      assert.deepEqual(read(cut(bytes, [...bytes.keys()])), whole, name);
    }
  });
});
