// Calls cross a pair of streams whatever else is written to them, and however they are cut into pieces.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { openChannel, readLines } from './channel.ts';

interface Adder {
  add(a: number, b: number): number;
  fail(): void;
}

function pair() {
  const [there, back] = [new PassThrough(), new PassThrough()];
  const noise: string[] = [];
  openChannel<object, Adder>({
    input: there,
    output: back,
    calls: {
      add: (a, b) => a + b,
      fail() {
        throw new Error('it cannot');
      },
    },
    onNoise: () => assert.fail('nothing but calls is written to it'),
  });
  const near = openChannel<Adder, object>({
    input: back,
    output: there,
    calls: {},
    onNoise: line => noise.push(line),
  });
  return { near, back, there, noise };
}

describe('a channel', () => {
  test('carries calls and their answers', async () => {
    assert.equal(await pair().near.$call('add', 1, 2), 3);
  });

  test('carries the message of an error', async () => {
    await assert.rejects(
      () => pair().near.$call('fail'),
      (error: unknown) => error === 'it cannot',
    );
  });

  test('passes over what a login shell prints, JSON included', async () => {
    const { near, back, noise } = pair();
    back.write('Welcome to gen1\r\n{"t":"other"}\n{"broken\n\n');
    assert.equal(await near.$call('add', 1, 2), 3);
    assert.deepEqual(noise, ['Welcome to gen1\r', '{"t":"other"}', '{"broken', '']);
  });

  test('rejects what is still to be answered when it is closed, and calls after that', async () => {
    const { near } = pair();
    const asked = near.$call('add', 1, 2);
    near.$close();
    await assert.rejects(asked);
    await assert.rejects(near.$call('add', 1, 2));
  });
});

describe('lines', () => {
  test('are whole however the stream is cut, also within a character', async () => {
    const input = new PassThrough();
    const lines: string[] = [];
    readLines(input, line => lines.push(line), { onTooLong: assert.fail });
    for (const byte of Buffer.from('one\n\u00e9\u4e16two\nrest')) input.write(Buffer.from([byte]));
    input.end();
    await once(input, 'end');
    assert.deepEqual(lines, ['one', '\u00e9\u4e16two']);
  });

  test('without an end are given up', async () => {
    const input = new PassThrough();
    let given = 0;
    readLines(input, () => assert.fail('there is no line'), { mostChars: 10, onTooLong: () => given++ });
    input.write('x'.repeat(11));
    await once(input, 'close');
    assert.equal(given, 1);
  });
});
