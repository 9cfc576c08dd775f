// A few of the modules that do what no client should, one of each kind: the others are for the campaign.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { checkHostileModules, hostileModules } from './testing/hostile-modules.ts';

/** Those of one outcome share a run: a client of it each. */
const REPRESENTATIVES = {
  'refused before anything starts': ['exits-with-0', 'rejects-unheard', 'never-settles'],
  'measured, or failed by itself': ['prints', 'exits-while-sending', 'throws-a-trap'],
};

test('there are enough of them, each of a name of its own', () => {
  assert.ok(hostileModules.length >= 45);
  assert.equal(new Set(hostileModules.map(({ name }) => name)).size, hostileModules.length);
});

suite('hostile modules', () => {
  for (const [what, names] of Object.entries(REPRESENTATIVES)) {
    test(`${what}: ${names.join(', ')}`, async t => {
      const modules = names.map(
        name => hostileModules.find(candidate => candidate.name === name) ?? assert.fail(name),
      );
      await checkHostileModules(t, modules);
    });
  }
});
