// The committed JSON Schemas are current, and stored runs validate against them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { sampleRun, sampleSweep } from './testing/sample-run.ts';
import { runJsonSchema, schemaFiles, trialJsonSchema } from './write-schemas.ts';

describe('The committed JSON Schemas are current, and runs validate', () => {
  for (const { name, content } of schemaFiles()) {
    test(`${name} is in step (else run: node results/write-schemas.ts)`, () => {
      assert.equal(readFileSync(new URL(name, import.meta.url), 'utf8'), content);
    });
  }

  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictTypes: false });
  addFormats.default(ajv);
  const validateRun = ajv.compile(runJsonSchema());
  const validateTrial = ajv.compile(trialJsonSchema());

  for (const options of [
    {},
    { scenario: 'requests-per-connection' },
    { trouble: 'failed-trial' },
    { trouble: 'invalid-trial' },
  ] as const) {
    test(`a stored run validates against them: ${JSON.stringify(options)}`, () => {
      const { run, trials } = JSON.parse(JSON.stringify(sampleRun(options)));
      assert.ok(validateRun(run), ajv.errorsText(validateRun.errors));
      for (const trial of trials) assert.ok(validateTrial(trial), ajv.errorsText(validateTrial.errors));
    });
  }

  test('so does a stored sweep', () => {
    const { run, trials } = JSON.parse(JSON.stringify(sampleSweep('link-and-reuse')));
    assert.ok(validateRun(run), ajv.errorsText(validateRun.errors));
    for (const trial of trials) assert.ok(validateTrial(trial), ajv.errorsText(validateTrial.errors));
  });

  test('what is not a run does not validate', () => {
    const { run, trials } = sampleRun();
    assert.equal(validateRun({ ...run, schemaVersion: 2 }), false);
    assert.equal(validateRun({ ...run, surprise: true }), false);
    assert.equal(validateTrial({ ...trials[0], measurement: undefined }), false);
  });
});
