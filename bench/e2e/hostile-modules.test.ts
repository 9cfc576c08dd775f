// A few of the modules that do what no client should, one of each kind: the others are for the campaign.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { hostileModules } from '../testing/hostile-modules.ts';
import { checkHostileModule } from './testing/hostile-module.ts';

const REPRESENTATIVES = [
  'exits-with-0',
  'rejects-unheard',
  'never-settles',
  'prints',
  'exits-while-sending',
  'throws-a-trap',
];

test('there are enough of them, each of a name of its own', () => {
  assert.ok(hostileModules.length >= 45);
  assert.equal(new Set(hostileModules.map(({ name }) => name)).size, hostileModules.length);
});

suite('hostile modules', () => {
  for (const name of REPRESENTATIVES) {
    const module = hostileModules.find(candidate => candidate.name === name);
    test(name, async t => checkHostileModule(t, module ?? assert.fail('it is not in the table')));
  }
});
