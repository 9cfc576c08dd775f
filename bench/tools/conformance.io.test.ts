// One suite for every load tool of the registry: a new one proves itself by its line there.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { transports } from '../clients/index.ts';
import { engineConnectionsCase } from './testing/connections-case.ts';
import { engineDeclarationCase } from './testing/declaration-case.ts';
import { engineEndsCase } from './testing/ends-case.ts';
import { engineExchangeCase } from './testing/exchange-case.ts';
import { engineRequestCase } from './testing/request-case.ts';
import type { EngineSubject } from './testing/subject.ts';

const subjects: EngineSubject[] = [];
for (const [name, load] of Object.entries(transports)) {
  const { default: module } = await load();
  if (module.kind === 'engine') subjects.push({ name, module });
}

test('there are load tools', () => {
  assert.ok(subjects.length > 0);
});

for (const subject of subjects) {
  // One case after another: what runs in this process shares its event loop with the servers.
  suite(subject.name, () => {
    engineDeclarationCase(subject);
    engineConnectionsCase(subject);
    engineExchangeCase(subject);
    engineRequestCase(subject);
    engineEndsCase(subject);
  });
}
