// Every client counts every fault that the target injects, as the failure that it is, and no other: kinds by clients, exactly.
import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { accountFaults, effectOf, type FailureWay } from '../../results/faults.ts';
import { createRandom } from '../../results/random.ts';
import { Client } from '../../scenarios/model/client.ts';
import { Load } from '../../scenarios/model/load.ts';
import { Target } from '../../scenarios/model/target.ts';
import type { OpenTarget } from '../../servers/app.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import delay from '../../servers/behaviours/delay.ts';
import fixed from '../../servers/behaviours/fixed.ts';
import { openTestTarget } from '../../servers/testing/target.ts';
import type { LoadLoop } from '../contracts.ts';
import { createClosedLoad } from '../load/closed.ts';
import { Recorder } from '../load/recorder.ts';
import { transports } from './index.ts';
import { prepareRequests } from './request.ts';

/** Long; a slice is cut as soon as enough faults were met. */
const TIMES = { rampMs: 0, windowMs: 5_000, drainMs: 400, isRecorded: true };
const WATCH_MS = 5;

/** Each kind at a share that many requests meet, while others succeed beside them. */
const KINDS = [
  { kind: 'status', status: 503 },
  { kind: 'status', status: 400 },
  { kind: 'close' },
  { kind: 'closeInBody' },
  { kind: 'reset' },
  { kind: 'noAnswer' },
  { kind: 'slowBytes', overMs: 20 },
  { kind: 'connectionClose' },
] as const;
const RATIO = 0.2;

const CLIENTS: { transport: keyof typeof transports; api?: string; isTls?: true }[] = [
  { transport: 'undici', isTls: true },
  { transport: 'undici', api: 'dispatch' },
  { transport: 'undici', api: 'fetch' },
  { transport: 'wire', isTls: true },
  { transport: 'node-http', isTls: true },
  { transport: 'fetch' },
  { transport: 'autocannon' },
];

interface Counted {
  failures: ReturnType<Recorder['finish']>['failures'];
  answered: number;
  unfinished: number;
  sent: number;
}

interface Limits {
  users: number;
  /** How often each fault is to be met at least. */
  least: number;
}

/** One slice of a closed load, as a generator sends it, to the end of its client. */
async function sendSlice(target: OpenTarget, client: Client, { users, least }: Limits): Promise<Counted> {
  const { endpoint } = target;
  const { default: plugin } = await transports[client.transport as keyof typeof transports]();
  const recorder = new Recorder();
  const requests = prepareRequests({}, endpoint.path, {});
  const load = Load.parse({ concurrency: users });
  assert.ok(load.model === 'closed');
  let loop: LoadLoop;
  let close: () => Promise<void>;
  if (plugin.kind === 'engine') {
    const engine = plugin.open({ client, load, endpoint, requests, sink: recorder });
    loop = engine;
    close = () => engine.close();
  } else {
    const transport = plugin.open({ client, endpoint, requests, onConnection: recorder.addConnection });
    const random = createRandom(1, 'load');
    loop = createClosedLoad({ ...load, totalMs: undefined, transport, recorder, random });
    close = () => transport.close();
  }
  const watch = setInterval(() => {
    if (target.read().faults.some(count => count < least)) return;
    clearInterval(watch);
    loop.cut();
  }, WATCH_MS);
  await loop.runSlice({ ...TIMES, originMs: performance.now() });
  clearInterval(watch);
  await close();
  const { failures, answered } = recorder.finish();
  return { failures, answered, unfinished: loop.unfinished, sent: loop.sent };
}

async function countFaults(
  t: TestContext,
  stated: Record<string, unknown>,
  {
    settings,
    behaviour = fixed,
    ...limits
  }: Limits & { settings: Record<string, unknown>; behaviour?: BehaviourModule },
) {
  const target = await openTestTarget(t, stated, behaviour);
  const client = Client.parse(settings);
  const counted = await sendSlice(target, client, limits);
  const faulty = { target: Target.parse(stated), client };
  const { faults } = target.read();
  return {
    ...counted,
    faulty,
    faults,
    account: accountFaults(faulty, { ...counted, faults, attempts: null })!,
  };
}

for (const { isTls, ...settings } of CLIENTS) {
  for (const tls of isTls ? ['none', '1.3'] : ['none']) {
    suite(`${Object.values(settings).join(', ')}${tls === 'none' ? '' : ', over TLS'}`, () => {
      for (const kind of KINDS) {
        test(JSON.stringify(kind), async t => {
          const stated = {
            tls,
            behaviour: { name: 'fixed', bytes: 64 },
            faults: [{ ...kind, ratio: RATIO }],
          };
          const { faulty, faults, account, answered, failures, unfinished, sent } = await countFaults(
            t,
            stated,
            { settings, users: 4, least: 4 },
          );
          const [met = 0] = faults;
          const { way, isCertain } = effectOf(faulty.target.faults[0]!, faulty.target, faulty.client);
          assert.ok(met > 0 && met < sent, `${met} of ${sent} requests met the fault`);
          const failing = isCertain ? way : null;
          const expected: Record<FailureWay, number> = { status: 0, lost: 0, silent: 0 };
          if (failing !== null) expected[failing] = met;
          assert.deepEqual(
            Object.fromEntries(account.ways.map(({ way: name, counted }) => [name, counted])),
            expected,
            JSON.stringify(failures),
          );
          assert.deepEqual(account.others, []);
          const failed = Object.values(failures).reduce((sum, count) => sum + count, 0);
          assert.equal(answered + failed + unfinished, sent);
        });
      }
    });
  }
}

suite('over HTTP/2', () => {
  for (const kind of [{ kind: 'status' }, { kind: 'noAnswer' }, { kind: 'slowBytes', overMs: 20 }]) {
    test(JSON.stringify(kind), async t => {
      const stated = { tls: '1.3', protocol: 'h2', faults: [{ ...kind, ratio: RATIO }] };
      const { account, faults } = await countFaults(t, stated, {
        settings: { protocol: 'h2' },
        users: 4,
        least: 4,
      });
      assert.ok(faults[0]! > 0);
      for (const { counted, injected } of account.ways)
        assert.equal(counted, kind.kind === 'slowBytes' ? 0 : injected.least);
      assert.deepEqual(account.others, []);
    });
  }
});

const POLICIES = ['unlimited', 1] as const;

test('all kinds together, by every client, persistent and short: sums by effect are exact', async t => {
  const cases = CLIENTS.flatMap(({ isTls: _, ...client }) =>
    POLICIES.map(requestsPerConnection => ({ ...client, requestsPerConnection })),
  );
  for (const settings of cases) {
    const faults = KINDS.map(kind => ({ ...kind, ratio: 0.05 }));
    const stated = { faults, behaviour: { name: 'delay', meanMs: 2 } };
    const limits = { users: 16, least: 1 };
    const { account, faulty } = await countFaults(t, stated, { settings, behaviour: delay, ...limits });
    for (const { way, counted, injected } of account.ways)
      assert.equal(counted, injected.least, `${faulty.client.transport}, ${way}`);
    assert.deepEqual(account.others, []);
  }
});
