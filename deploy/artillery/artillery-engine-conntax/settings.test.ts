// Settings of the engine: what a script makes of them, and every mistake in it, named at once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dueIn, readSettings, type Script } from './settings.ts';

const CLIENTS = { short: { requestsPerConnection: 1 }, persistent: {} };

function scriptFor(phases: object[], settings: object = {}): Script {
  return {
    config: {
      target: 'http://127.0.0.1:3000',
      phases,
      engines: { conntax: { clients: CLIENTS, baseline: 'short', ...settings } },
    },
    scenarios: [
      { engine: 'conntax', weight: '3.9', flow: [{ request: { path: '/a' } }] },
      { engine: 'conntax', flow: [{ loop: [{ request: { path: '/b' } }], count: 4 }] },
      { engine: 'http', weight: 4, flow: [{ get: { url: '/' } }] },
    ],
  };
}

test('a scenario of conntax is made of the settings, the target and the flows', () => {
  const { scenario, warmUpMs, drainMs, requestsPerUser, flows } = readSettings(
    scriptFor([{ name: 'short #1', arrivalRate: 10 }, { pause: 1 }, { name: 'persistent #1' }], {
      warmUpSec: 0.5,
      target: { keepAliveTimeoutMs: 5_000 },
    }),
  );
  assert.deepEqual(scenario, {
    name: 'artillery',
    question: 'How do short and persistent compare under the load of Artillery?',
    clients: CLIENTS,
    baseline: 'short',
    target: { url: 'http://127.0.0.1:3000', keepAliveTimeoutMs: 5_000 },
    requests: [
      { path: '/a', weight: 0.375 },
      { path: '/b', weight: 0.5 },
    ],
  });
  assert.deepEqual([warmUpMs, drainMs, requestsPerUser], [500, 10_000, 0.875]);
  assert.equal(flows[2], undefined, 'of another engine');
});

test('what a phase asks of a worker', () => {
  assert.deepEqual(dueIn({ arrivalRate: 10, duration: 20 }, 2), { requests: 400, ms: 20_000 });
  assert.deepEqual(dueIn({ arrivalRate: 10, rampTo: 30, duration: 2 }, 1), { requests: 40, ms: 2_000 });
  assert.deepEqual(dueIn({ arrivalCount: 7, duration: 3 }, 1), { requests: 7, ms: 3_000 });
});

test('all mistakes are named at once', () => {
  const script = scriptFor(
    [
      { name: 'shrot #1', arrivalRate: 1 },
      { name: 'short #1', arrivalRate: 1 },
      { name: 'arm=short block=1', arrivalRate: 1 },
      { arrivalRate: 1 },
    ],
    { warmUpSec: '1s', allowHosts: 'example.com', request: {}, warmupSec: 1 },
  );
  assert.throws(
    () => readSettings(script),
    ({ message }: Error) => {
      for (const part of [
        /config\.phases\[0\]\.name: no client "shrot"; expected: short or persistent/,
        /config\.phases\[2\]\.name: short #1 is also the name of an earlier phase/,
        /config\.phases\[3\]\.name: is missing; expected: .* such as 'short #1'/,
        /warmUpSec: "1s" is not a number of seconds/,
        /allowHosts: expected: a list of hosts/,
        /conntax\.request: unknown setting; expected: requests in the flow of scenarios/,
        /conntax\.warmupSec: unknown setting; did you mean warmUpSec\? Known: clients, baseline/,
      ])
        assert.match(message, part);
      return true;
    },
  );
});

test('a block without a turn of each client has nothing to compare', () => {
  const cases: [object[], RegExp][] = [
    [
      [{ name: 'short #1', arrivalRate: 1 }],
      /clients\.persistent: no phase is its turn; expected: a phase named 'persistent #1', or no such client/,
    ],
    [
      ['short #1', 'persistent #1', 'short #2'].map(name => ({ name, arrivalRate: 1 })),
      /^config\.phases: block 2 has no turn of persistent; expected: a phase named 'persistent #2'$/,
    ],
    [[{ pause: 1 }], /^config\.phases: no phase is a turn of a client/],
  ];
  for (const [phases, message] of cases) assert.throws(() => readSettings(scriptFor(phases)), { message });
});

test('a script whose scenarios are all of other engines has nothing to send', () => {
  const { config } = scriptFor(['short #1', 'persistent #1'].map(name => ({ name, arrivalRate: 1 })));
  assert.throws(() => readSettings({ config, scenarios: [{ flow: [{ get: { url: '/' } }] }] }), {
    message: 'scenarios: none is for this engine; expected: engine: conntax in at least one',
  });
});
