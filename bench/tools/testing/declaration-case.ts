// Conformance: what a load tool declares about itself is true and helpful.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { z } from 'zod';
import { CLIENT_SETTINGS, Client } from '../../../scenarios/model/client.ts';
import { Target } from '../../../scenarios/model/target.ts';
import type { EngineSubject } from './subject.ts';

/** What no load tool here can do. */
const refused: { stated: z.input<typeof Client>; path: string }[] = [
  { stated: { body: 'dump' }, path: 'body' },
];

export function engineDeclarationCase({ name, module }: EngineSubject): void {
  suite('declaration', () => {
    test('by default nothing is refused, with and without TLS, and there is a caveat for the reader', () => {
      for (const tls of ['none', '1.3'] as const) {
        assert.deepEqual(module.refusals(Client.parse({ transport: name }), Target.parse({ tls })), []);
      }
      assert.ok((module.caveats ?? []).length > 0);
    });

    for (const { stated, path } of refused) {
      test(`${JSON.stringify(stated)} is refused, with the reason and what is expected`, () => {
        const [refusal] = module.refusals(Client.parse({ transport: name, ...stated }), Target.parse({}));
        assert.equal(refusal?.path, path);
        assert.ok(module.honours.includes(path), 'it knows the setting, but not in this value');
        assert.ok(refusal.message.length > 10 && refusal.hint.length > 3);
      });
    }

    test('it honours a setting, or says in a sentence why it cannot: one of the two for each that there is', () => {
      const reasons = Object.keys(module.cannot ?? {});
      assert.deepEqual([...module.honours, ...reasons].sort(), [...CLIENT_SETTINGS].sort());
    });
  });
}
