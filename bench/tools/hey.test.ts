// hey.test.ts
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readHeyOutput } from './hey.ts';

describe('Output of hey, valid and damaged: answers and failures are read, and nothing is guessed', () => {
  const FAILURES = `failure 3 "Get \\"http://127.0.0.1:1/\\": dial tcp 127.0.0.1:1: connect: connection refused"
failure 2 "a bell \\a, which JSON does not know"
`;

  test('answers, failures and bytes are read; times are counted back from the end', () => {
    const output = `${FAILURES}total 7 2048
200 0.5 0.25 0.125 0.0625
503 1 1.5625e-02 7.8125e-03 3.90625e-03

end
`;
    assert.deepEqual(readHeyOutput(output), {
      answers: [
        { status: 200, startMs: 500, writtenMs: 562.5, headersMs: 687.5, endMs: 750 },
        { status: 503, startMs: 1_000, writtenMs: 1_003.90625, headersMs: 1_011.71875, endMs: 1_015.625 },
      ],
      failures: [
        {
          message: 'Get "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused',
          count: 3,
        },
        { message: String.raw`a bell \a, which JSON does not know`, count: 2 },
      ],
      bodyBytes: 2_048,
    });
  });

  test('nothing was answered', () => {
    assert.deepEqual(readHeyOutput('total 0 0\n\nend\n'), { answers: [], failures: [], bodyBytes: 0 });
  });

  for (const { why, output, message } of [
    { why: 'a summary', output: 'Summary:\n  Total: 1.0 secs\n', message: /does not match its template/ },
    { why: 'cut off', output: 'total 2 0\n200 0.1 0.1 0.1 0.1\n', message: /does not match/ },
    {
      why: 'fewer answers than requests',
      output: 'total 2 0\n200 0.1 0.1 0.1 0.1\nend\n',
      message: /sent 2 .*reported 1/,
    },
  ]) {
    test(`refused, not guessed: ${why}`, () => assert.throws(() => readHeyOutput(output), message));
  }
});
