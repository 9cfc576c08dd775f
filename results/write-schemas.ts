// Writes the JSON Schemas of stored files beside this script (2020-12), for readers in other languages.
import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { Run } from './model/run.ts';
import { TrialResult } from './model/trial.ts';

/** The schema of run.json. */
export function runJsonSchema(): object {
  return { title: 'conntax run', ...z.toJSONSchema(Run, { target: 'draft-2020-12' }) };
}

/** The schema of each line of trials.ndjson. */
export function trialJsonSchema(): object {
  return { title: 'conntax trial result', ...z.toJSONSchema(TrialResult, { target: 'draft-2020-12' }) };
}

/** The committed files by name, as text. */
export function schemaFiles(): { name: string; content: string }[] {
  return [
    { name: 'run.schema.json', content: textOf(runJsonSchema()) },
    { name: 'trial.schema.json', content: textOf(trialJsonSchema()) },
  ];
}

function textOf(schema: object): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

for (const { name, content } of schemaFiles()) writeFileSync(new URL(name, import.meta.url), content);
