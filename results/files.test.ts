// Which stored content was written by a newer conntax.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newerWriter, readVersion } from './files.ts';

test('a newer writer is named, by numbers and not by letters', () => {
  const rows: [content: unknown, own: string, writer: string | undefined][] = [
    [{ conntax: '0.10.0' }, '0.9.2', '0.10.0'],
    [{ conntax: '0.9.2' }, '0.10.0', undefined],
    [{ conntax: '1.0.0' }, '1.0.0', undefined],
    [{ conntax: '1.0.1-beta.2' }, '1.0.0', '1.0.1-beta.2'],
    [{ conntax: 'x' }, '1.0.0', undefined],
    [{}, '1.0.0', undefined],
    [null, '1.0.0', undefined],
  ];
  for (const [content, own, writer] of rows)
    assert.equal(newerWriter(content, own), writer, JSON.stringify(content));
  assert.match(readVersion(), /^\d+\.\d+\.\d+/);
});
