// The committed JSON Schema is the one that the code would write, and it agrees with what the code accepts.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { z } from 'zod';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import { behaviours } from '../../servers/behaviours/index.ts';
import { behaviourOptions, createScenarioSchema, scenarioJsonSchema } from './schema.ts';
import { fullScenario, plugins } from './testing/plugins.ts';

async function loadBehaviours(): Promise<Record<string, BehaviourModule>> {
  const entries = Object.entries(behaviours).map(
    async ([name, load]) => [name, (await load()).default] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

test('scenarios/scenario.schema.json is in step (npm run schema:write)', async () => {
  const committed = await readFile(new URL('../../scenarios/scenario.schema.json', import.meta.url), 'utf8');
  const written = scenarioJsonSchema(behaviourOptions(await loadBehaviours()));
  assert.deepEqual(JSON.parse(committed), JSON.parse(JSON.stringify(written)));
});

test('the JSON Schema and the parser agree', () => {
  const options = behaviourOptions(plugins.behaviours);
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  const validate = ajv.compile(scenarioJsonSchema(options));
  const parser = createScenarioSchema(options);
  const cases: [boolean, unknown][] = [
    [true, fullScenario],
    [true, { name: 'a', question: 'q', clients: {}, baseline: 'b' }],
    [false, { ...fullScenario, extra: 1 }],
    [false, { ...fullScenario, load: { concurrency: 0 } }],
    [false, { ...fullScenario, target: { behaviour: { name: 'slow', kind: 'steady' } } }],
    [false, { ...fullScenario, clients: { 'Not a name': {} } }],
  ];
  for (const [isValid, raw] of cases) {
    assert.equal(validate(raw), isValid, JSON.stringify(validate.errors));
    assert.equal(parser.safeParse(raw).success, isValid);
  }
});

test('every setting has a description, but those that only hold others', () => {
  const schema = scenarioJsonSchema(behaviourOptions(plugins.behaviours));
  const client = schema.properties?.['clients'];
  assert.ok(typeof client === 'object' && typeof client.additionalProperties === 'object');
  for (const [name, node] of Object.entries(client.additionalProperties.properties ?? {})) {
    assert.ok(typeof node === 'object' && (node.description !== undefined || node.type === 'object'), name);
  }
});

test('a behaviour whose options are no object is a bug that names it', () => {
  const odd = {
    ...plugins.behaviours,
    odd: { ...plugins.behaviours['fixed']!, options: z.string() },
  };
  assert.throws(() => behaviourOptions(odd), /odd/);
});
