// Notices keep within a terminal.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wrapNotices } from './output.ts';

test('a notice is broken between words, below its beginning', () => {
  assert.equal(
    wrapNotices('  ! tiny has a budget of 5s, but may need 32s.', 24),
    '  ! tiny has a budget of\n    5s, but may need\n    32s.',
  );
});

test('a command, a path and what fits stay as they are', () => {
  const command = 'Saved: conntax run ./a-rather-long-name.json --seed 123';
  assert.equal(wrapNotices(`${command}\n  ! short`, 20), `${command}\n  ! short`);
  assert.equal(wrapNotices(`  ! ${command}`, Infinity), `  ! ${command}`);
});
