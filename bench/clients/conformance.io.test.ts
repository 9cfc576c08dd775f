// One suite for every transport of the registry, in each of its interfaces: a new one proves itself by its line there.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { transports, userModules } from './index.ts';
import { closingCase, connectionsCase, poolCase, tlsCase } from './testing/connections-case.ts';
import { declarationCase } from './testing/declaration-case.ts';
import { endingCase, failuresCase } from './testing/endings-case.ts';
import { exchangeCase, leftBodyCase, requestCase } from './testing/request-case.ts';
import type { Subject } from './testing/subject.ts';

type Traits = Pick<Subject, 'unreported' | 'closesAfter304'>;

/** The interfaces of those that have several. */
const APIS: Readonly<Record<string, readonly string[]>> = { undici: ['request', 'dispatch', 'fetch'] };
const TRAITS: Readonly<Record<string, Traits>> = {
  fetch: { unreported: ['writtenAtMs'], closesAfter304: true },
  undici: { closesAfter304: true },
};

const subjects: Subject[] = [];
for (const [name, load] of Object.entries(transports)) {
  const { default: module } = await load();
  if (module.kind === 'engine') continue; // bench/tools/conformance.io.test.ts has a suite for those
  for (const api of APIS[name] ?? [undefined]) {
    subjects.push({
      name: api === undefined ? name : `${name}, ${api}`,
      module,
      settings: { transport: name, ...(api === undefined ? {} : { api }) },
      ...TRAITS[name],
    });
  }
}

/** A module of the user's is a transport like others. */
const { loadUserModule } = await userModules();
const transport = fileURLToPath(new URL('../../scenarios/examples/got-client.ts', import.meta.url));
const loading = await loadUserModule(transport);
assert.ok(loading.isLoaded);
subjects.push({
  name: 'a module of the user, with got',
  module: loading.module,
  settings: { transport },
  unreported: ['writtenAtMs', 'headersAtMs'],
});

test('there are transports', () => {
  assert.ok(subjects.length > 0);
});

for (const subject of subjects) {
  suite(subject.name, { concurrency: true }, () => {
    declarationCase(subject);
    connectionsCase(subject);
    poolCase(subject);
    closingCase(subject);
    tlsCase(subject);
    failuresCase(subject);
    exchangeCase(subject);
    leftBodyCase(subject);
    requestCase(subject);
    endingCase(subject);
  });
}
