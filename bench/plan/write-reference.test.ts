// The committed reference of a scenario's settings is the one that its schema makes, and has them all.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CLIENT_SETTINGS } from '../../scenarios/model/client.ts';
import { REFERENCE_FILE, SCHEMA_FILE, scenarioReference } from './write-reference.ts';

const schema = JSON.parse(readFileSync(SCHEMA_FILE, 'utf8'));
const page = scenarioReference(schema);

test('docs/scenario-reference.md is in step (npm run schema:write)', () => {
  assert.equal(readFileSync(REFERENCE_FILE, 'utf8'), page);
});

/** Every description within, in order of appearance. */
function descriptions(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === 'description' && typeof value === 'string' ? [value] : descriptions(value),
  );
}

test('every setting has a row with its values and its meaning', () => {
  const rows = page.split('\n').filter(line => line.startsWith('| `'));
  for (const row of rows) {
    const [, , values, , meaning] = row.split(/ ?(?<!\\)\| ?/);
    assert.ok(values !== '' && meaning !== '' && !/undefined|NaN|\[object/.test(row), row);
  }
  for (const setting of CLIENT_SETTINGS) {
    assert.ok(
      rows.some(row => row.startsWith(`| \`clients.*.${setting}\` |`)),
      setting,
    );
  }
  const { $schema: _, ...settings } = schema.properties;
  const missing = descriptions(settings).filter(text => !page.includes(text.replaceAll('|', '\\|')));
  assert.deepEqual(missing, []);
});
