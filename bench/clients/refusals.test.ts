// Ways to a server that a client or load tool cannot follow: each says so by itself, and names those that can.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client } from '../../scenarios/model/client.ts';
import { Target } from '../../scenarios/model/target.ts';
import { transports } from './index.ts';
import { createModule } from './user-module.ts';

const WAYS = [
  {
    setting: 'proxy',
    target: { url: 'http://127.0.0.1/', proxy: 'http://127.0.0.1:3128' },
    able: ['undici', 'node-http'],
  },
  { setting: 'origins', target: { origins: 2 }, able: ['undici', 'node-http', 'fetch'] },
  {
    setting: 'urls',
    target: { urls: ['http://127.0.0.1:1/', 'http://127.0.0.1:2/'] },
    able: ['undici', 'node-http', 'fetch'],
  },
];

for (const { setting, target, able } of WAYS) {
  for (const [name, load] of Object.entries(transports)) {
    const isAble = able.includes(name);
    test(`${name} ${isAble ? 'follows' : 'refuses'} target.${setting}`, async () => {
      const { default: module } = await load();
      const refused = module.refusals(Client.parse({ transport: name }), Target.parse(target));
      const [refusal] = refused.filter(({ message }) => message.includes(`target.${setting}`));
      assert.equal(refusal === undefined, isAble, JSON.stringify(refused));
      if (refusal === undefined) return;
      assert.match(refusal.message, /^cannot follow target\.\w+: ./);
      for (const other of able) assert.ok(refusal.hint.includes(other), refusal.hint);
    });
  }
}

test('what no client keeps through a proxy is refused', async () => {
  const target = Target.parse({ url: 'https://127.0.0.1/', proxy: 'http://127.0.0.1:3128' });
  for (const name of ['undici', 'node-http'] as const) {
    const { default: module } = await transports[name]();
    const pathsOf = (stated: object) =>
      module.refusals(Client.parse({ transport: name, ...stated }), target).map(({ path }) => path);
    assert.deepEqual(pathsOf({}), []);
    assert.ok(pathsOf({ protocol: 'h2' }).includes('protocol'));
    assert.deepEqual(pathsOf({ pool: { tlsSessions: 'pinned' } }), ['pool.tlsSessions']);
    assert.deepEqual(
      pathsOf({ pool: { maxConnections: 4 } }),
      name === 'undici' ? [] : ['pool.maxConnections'],
    );
  }
});

test('a module that may ignore the URL of a request is not asked to follow several origins', () => {
  const refusalOf = (sendsRequest: boolean) =>
    createModule({ open: () => assert.fail(), sendsRequest }, '/a.ts').refusals(
      Client.parse({ transport: './a.ts' }),
      Target.parse({ origins: 2 }),
    )[0]?.message;
  assert.match(refusalOf(false) ?? '', /does not state sendsRequest/);
  assert.equal(refusalOf(true), undefined);
});
