// In: nothing. Out: the committed JSON Schemas of stored files, written anew beside this script.
import { writeFileSync } from 'node:fs';
import { schemaFiles } from './json-schemas.ts';

for (const { name, content } of schemaFiles()) writeFileSync(new URL(name, import.meta.url), content);
