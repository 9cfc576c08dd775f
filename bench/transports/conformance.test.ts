// One suite for every transport of the registry, in each of its interfaces: a new one proves itself by its line there.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { transports } from '../registry.ts';
import { connectionsCase } from './testing/connections-case.ts';
import { declarationCase } from './testing/declaration-case.ts';
import { exchangeCase } from './testing/exchange-case.ts';
import { failuresCase } from './testing/failures-case.ts';
import type { Subject } from './testing/subject.ts';
import { tlsCase } from './testing/tls-case.ts';

/** The interfaces of those that have several. */
const APIS: Readonly<Record<string, readonly string[]>> = { undici: ['request', 'dispatch', 'fetch'] };

const subjects: Subject[] = [];
for (const [name, load] of Object.entries(transports)) {
  const { default: module } = await load();
  const apis = APIS[name];
  if (apis === undefined) subjects.push({ name, module, settings: { transport: name } });
  else
    subjects.push(
      ...apis.map(api => ({ name: `${name}, ${api}`, module, settings: { transport: name, api } })),
    );
}

test('there are transports', () => {
  assert.ok(subjects.length > 0);
});

for (const subject of subjects) {
  suite(subject.name, { concurrency: true }, () => {
    declarationCase(subject);
    connectionsCase(subject);
    tlsCase(subject);
    failuresCase(subject);
    exchangeCase(subject);
  });
}
