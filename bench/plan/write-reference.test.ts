// The committed reference of client settings is the one that the schema makes, and has them all.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CLIENT_SETTINGS } from '../../scenarios/model/client.ts';
import { REFERENCE_FILE, scenarioReference } from './write-reference.ts';

test('docs/scenario-reference.md is in step (npm run schema:write)', () => {
  assert.equal(readFileSync(REFERENCE_FILE, 'utf8'), scenarioReference());
});

test('every setting of a client has a row with its values and its meaning', () => {
  const lines = scenarioReference().split('\n');
  for (const setting of CLIENT_SETTINGS) {
    const row = lines.find(line => line.startsWith(`| \`${setting}\` |`));
    assert.ok(row !== undefined, setting);
    const [, , values, , meaning] = row.split(/ ?(?<!\\)\| ?/);
    assert.ok(values !== '' && meaning !== '' && !row.includes('undefined'), row);
  }
});
