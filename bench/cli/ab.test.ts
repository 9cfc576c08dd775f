// ab.test.ts
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Load } from '../../scenarios/model/load.ts';
import { Scenario } from '../../scenarios/model/scenario.ts';
import type { Code, Variant } from '../../scenarios/model/sweep.ts';
import { beforeAndAfter } from './ab.ts';
import type { Side } from './options.ts';

describe("One arm's client on two codes: nothing but the code differs, and what would be worse is expected not to be", () => {
  const code = (label: string): Code => ({ label, dir: null, packages: {} });
  const codes = { before: code('undici 7'), after: code('undici 8') };
  const change = ({ side = 'client' as Side, minEffect = 0.05 } = {}) => ({ side, ...codes, minEffect });
  const scenario = Scenario.parse({
    name: 'mine',
    question: 'Why?',
    clients: { short: { requestsPerConnection: 1 }, long: { pool: { maxConnections: 3 } } },
    baseline: 'short',
    expect: [{ metric: 'p99Us', of: 'long', atMost: 1 }],
  });

  test('each arm is a scenario of its own, with the same client twice', () => {
    const pairs = beforeAndAfter(scenario, ['short', 'long'], change());
    assert.deepEqual(
      pairs.map(({ name, baseline }) => [name, baseline]),
      [
        ['mine-short', 'before'],
        ['mine-long', 'before'],
      ],
    );
    const { clients, target, load, timing, generatorCode, question } = pairs[1]!;
    assert.deepEqual(clients, { before: scenario.clients['long'], after: scenario.clients['long'] });
    assert.deepEqual([target, load], [scenario.target, scenario.load]);
    assert.deepEqual(timing, { ...scenario.timing, minReplicates: 4, until: 'decided' });
    assert.deepEqual(generatorCode, codes);
    assert.equal(question, 'Is undici 8 better or worse than undici 7? Client long of mine');
  });

  for (const [asked, least] of [
    [{ minReplicates: 2, maxReplicates: 30 }, 4],
    [{ minReplicates: 6, maxReplicates: 30 }, 6],
    [{ minReplicates: 2, maxReplicates: 3 }, 3],
  ] as const) {
    test(`of ${asked.minReplicates} to ${asked.maxReplicates} replicates, ${least} are the least that decide`, () => {
      const timing = { ...scenario.timing, ...asked };
      const [pair] = beforeAndAfter({ ...scenario, timing }, ['long'], change());
      assert.equal(pair!.timing.minReplicates, least);
    });
  }

  test('a slowdown by the least effect is the limit, the same for rate and CPU', () => {
    const [pair] = beforeAndAfter(scenario, ['long'], change({ minEffect: 0.1 }));
    const limits = Object.fromEntries(
      pair!.expect.map(({ metric, atLeast, atMost }) => [metric, atLeast ?? atMost]),
    );
    assert.ok(Math.abs(limits['requestsPerSec']! * limits['cpuUsPerRequest']! - 1) < 1e-3);
    assert.equal(limits['cpuUsPerRequest'], 1.1);
    assert.ok(pair!.expect.every(({ of }) => of === 'after'));
  });

  test('what may not get worse first is what decides under the load', () => {
    const limitUnder = (load: unknown) => {
      const [pair] = beforeAndAfter(
        { ...scenario, load: Load.parse(load) },
        ['long'],
        change({ minEffect: 0.1 }),
      );
      const { metric, atLeast, atMost } = pair!.expect[0]!;
      return [metric, atLeast, atMost];
    };
    assert.deepEqual(limitUnder({}), ['requestsPerSec', 0.9091, undefined]);
    assert.deepEqual(limitUnder({ model: 'open', ratePerSec: 5 }), ['meanUs', undefined, 1.1]);
    assert.deepEqual(limitUnder({ model: 'burst', size: 5, everyMs: 5 }), ['meanUs', undefined, 1.1]);
    assert.deepEqual(limitUnder({ model: 'capacity', objective: { p50Ms: 5 } }), [
      'capacityPerSec',
      0.9091,
      undefined,
    ]);
  });

  for (const [why, client, target, metric, atMost] of [
    ['a limited pool', { pool: { maxConnections: 3 } }, {}, 'unneededConnectionsPer1kRequests', 1],
    ['one request each', { requestsPerConnection: 1 }, {}, 'unneededConnectionsPer1kRequests', 1],
    ['an unlimited pool', {}, {}, 'connectionsPer1kRequests', 2],
    [
      'a server that does not say when it closes connections',
      { pool: { maxConnections: 3 } },
      { url: 'http://127.0.0.1:1/' },
      'connectionsPer1kRequests',
      2,
    ],
  ] as const) {
    test(`connections are limited beyond need, where that is known: ${why}`, () => {
      const own = Scenario.parse({
        ...scenario,
        target,
        clients: { long: client },
        baseline: 'long',
        expect: [],
      });
      const [pair] = beforeAndAfter(own, ['long'], change());
      const limit = pair!.expect.at(-1)!;
      assert.deepEqual([limit.metric, limit.atMost], [metric, atMost]);
      assert.equal(limit.over, metric === 'connectionsPer1kRequests' ? 'before' : undefined);
    });
  }

  test('only the side that was asked for runs the two codes; the other is ours, and the same for both arms', () => {
    const processesOf = (side: Side) => {
      const [{ generatorCode, targets }] = beforeAndAfter(scenario, ['long'], change({ side })) as [Variant];
      return { generatorCode, targets };
    };
    assert.deepEqual(processesOf('client'), { generatorCode: codes, targets: undefined });
    assert.deepEqual(processesOf('target'), {
      generatorCode: undefined,
      targets: [
        { arms: ['before'], code: codes.before },
        { arms: ['after'], code: codes.after },
      ],
    });
  });

  test('of another target, the limits are on what a request costs the target, and the question says whose code it is', () => {
    const [client, target] = (['client', 'target'] as const).map(
      side => beforeAndAfter(scenario, ['long'], change({ side }))[0]!,
    );
    const metrics = client!.expect.map(({ metric }) => metric);
    assert.ok(metrics.includes('cpuUsPerRequest'));
    const [rate, cpu, ...others] = client!.expect;
    const targetCpu = { ...cpu, metric: 'targetCpuUsPerRequest' };
    assert.deepEqual(target!.expect, [targetCpu, rate, ...others], 'what is looked at first comes first');
    assert.equal(
      target!.question,
      'Is the server of undici 8 better or worse than undici 7? Client long of mine',
    );
  });
});
