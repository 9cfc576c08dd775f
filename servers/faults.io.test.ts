// What a target's faults do on the connection, with every behaviour, and how they are drawn.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createRandom } from '../results/random.ts';
import type { Fault } from '../scenarios/model/target.ts';
import type { BehaviourModule } from './behaviour.ts';
import { behaviours } from './behaviours/index.ts';
import { createFaultyResponder } from './faults.ts';
import { connectRaw, createClient, readToEnd } from './testing/client.ts';
import { openTestTarget } from './testing/target.ts';

type Name = keyof typeof behaviours;

/** Quick, and with a body. */
const OPTIONS: Record<Name, Record<string, unknown>> = {
  fixed: { bytes: 100 },
  delay: { meanMs: 1, bytes: 100 },
  mixed: { fastMs: 0, slowMs: 2, bytes: 100 },
  stream: { chunks: 2, chunkBytes: 50, intervalMs: 1 },
  stall: { everyMs: 4, stallMs: 2, bytes: 100 },
  compute: { cpuMs: 0.1, bytes: 100 },
};

async function behave(name: Name): Promise<{ stated: Record<string, unknown>; module: BehaviourModule }> {
  const { default: module } = await behaviours[name]();
  return { stated: { behaviour: { name, ...OPTIONS[name] } }, module };
}

const GET = 'GET / HTTP/1.1\r\nHost: t\r\n\r\n';

for (const name of Object.keys(behaviours) as Name[]) {
  suite(`behaviour ${name}`, () => {
    for (const tls of ['none', '1.3']) {
      const where = tls === 'none' ? '' : ', over TLS';
      const always = async (fault: Record<string, unknown>) => {
        const { stated, module } = await behave(name);
        return [{ ...stated, tls, faults: [{ ratio: 1, ...fault }] }, module] as const;
      };

      test(`status: the same body, and the connection is kept${where}`, async t => {
        const target = await openTestTarget(t, ...(await always({ kind: 'status', status: 418 })));
        const client = createClient(t, target.endpoint);
        const answers = await client.askTimes(3);
        assert.deepEqual(
          answers.map(({ status, body }) => [status, body.length]),
          Array(3).fill([418, 100]),
        );
        assert.equal(client.openedConnections(), 1);
        assert.deepEqual(target.read().faults, [3]);
      });

      for (const kind of ['close', 'reset', 'closeInBody']) {
        test(`${kind}: the client's request fails, and its connection is counted as closed${where}`, async t => {
          const target = await openTestTarget(t, ...(await always({ kind })));
          const client = createClient(t, target.endpoint);
          for (let i = 0; i < 3; i++) await assert.rejects(client.ask(), { code: 'ECONNRESET' });
          assert.equal(client.openedConnections(), 3);
          await target.close();
          const { faults, requestsPerConnection } = target.read();
          assert.deepEqual(faults, [3]);
          assert.deepEqual(requestsPerConnection, [{ requests: 1, connections: 3 }]);
        });
      }

      test(`connectionClose: a good answer, then the end of the connection${where}`, async t => {
        const target = await openTestTarget(t, ...(await always({ kind: 'connectionClose' })));
        const client = createClient(t, target.endpoint);
        for (const { status, headers, body } of await client.askTimes(3))
          assert.deepEqual([status, headers.connection, body.length], [200, 'close', 100]);
        assert.equal(client.openedConnections(), 3);
      });

      test(`slowBytes: the whole body, but not at once${where}`, async t => {
        const overMs = 30;
        const target = await openTestTarget(t, ...(await always({ kind: 'slowBytes', overMs })));
        const startedAtMs = performance.now();
        const { status, body } = await createClient(t, target.endpoint).ask();
        assert.deepEqual([status, body.length], [200, 100]);
        assert.ok(performance.now() - startedAtMs >= overMs);
      });
    }

    test('noAnswer: not a byte, until the client leaves', async t => {
      const { stated, module } = await behave(name);
      const target = await openTestTarget(t, { ...stated, faults: [{ kind: 'noAnswer', ratio: 1 }] }, module);
      const socket = connectRaw(t, target.endpoint);
      socket.write(GET);
      while (target.read().faults[0] === 0) await new Promise(resolve => setTimeout(resolve, 2));
      socket.end();
      assert.equal(await readToEnd(socket), '');
      await target.close();
      assert.deepEqual(target.read().requestsPerConnection, [{ requests: 1, connections: 1 }]);
    });
  });
}

test('closeInBody sends the header and half of the body, even of a body of one byte', async t => {
  for (const [bytes, sent] of [
    [1, 0],
    [101, 50],
  ]) {
    const target = await openTestTarget(t, {
      behaviour: { name: 'fixed', bytes },
      faults: [{ kind: 'closeInBody', ratio: 1 }],
    });
    const socket = connectRaw(t, target.endpoint);
    socket.write(GET);
    const [header, body] = (await readToEnd(socket)).split('\r\n\r\n');
    assert.match(header!, new RegExp(`^HTTP/1\\.1 200 OK[^]*Content-Length: ${bytes}\\r?\\n?`));
    assert.equal(body!.length, sent);
  }
});

test('reset sends a RST, close does not', async t => {
  for (const [kind, code] of [
    ['reset', 'ECONNRESET'],
    ['close', undefined],
  ] as const) {
    const target = await openTestTarget(t, { faults: [{ kind, ratio: 1 }] });
    const socket = connectRaw(t, target.endpoint);
    let error: NodeJS.ErrnoException | undefined;
    socket.on('error', caught => {
      error = caught;
    });
    socket.write(GET);
    socket.resume();
    await new Promise(resolve => socket.once('close', resolve));
    assert.equal(error?.code, code);
  }
});

suite('the draw', () => {
  /** Which fault each of n requests meets; -1: none. */
  function drawn(faults: Fault[], count: number, seed: number): number[] {
    const { respond, read } = createFaultyResponder(
      response => response.writeHead(200),
      faults,
      createRandom(seed, 'faults'),
      () => undefined,
    );
    const silent = { writeHead: () => silent } as never;
    return Array.from({ length: count }, () => {
      const before = read();
      respond(Object.create(silent));
      return read().findIndex((met, index) => met > before[index]!);
    });
  }
  const faults: Fault[] = [
    { kind: 'noAnswer', ratio: 0.1 },
    { kind: 'status', status: 500, ratio: 0.3 },
  ];

  test('the same seed gives the same sequence, another seed another', () => {
    assert.deepEqual(drawn(faults, 200, 1), drawn(faults, 200, 1));
    assert.notDeepEqual(drawn(faults, 200, 1), drawn(faults, 200, 2));
  });

  test('each is met in its share of requests, within five standard deviations', () => {
    const count = 20_000;
    const sequence = drawn(faults, count, 3);
    for (const [index, { ratio }] of faults.entries()) {
      const met = sequence.filter(one => one === index).length;
      assert.ok(
        Math.abs(met - ratio * count) < 5 * Math.sqrt(count * ratio * (1 - ratio)),
        `${met} of ${count}`,
      );
    }
  });

  test('a fault with a time is met in this part of a measured window, and never outside of one', () => {
    const { respond, read, startSlice } = createFaultyResponder(
      response => response.writeHead(200),
      [{ kind: 'noAnswer', ratio: 1, during: { fromMs: 60_000, toMs: 120_000 } }],
      createRandom(1, 'faults'),
      () => undefined,
    );
    const silent = { writeHead: () => silent } as never;
    const isMet = (windowAfterMs: number | null): boolean => {
      startSlice(windowAfterMs);
      const [before] = read();
      respond(Object.create(silent));
      return read()[0]! > before!;
    };
    const slices = [null, 0, -50_000, -61_000, -110_000, -121_000];
    assert.deepEqual(slices.map(isMet), [false, false, false, true, true, false]);
  });

  test('with shares of 1 together, every request meets one', () => {
    const all: Fault[] = [0.7, 0.2, 0.1].map(ratio => ({ kind: 'noAnswer', ratio }));
    assert.ok(!drawn(all, 5_000, 4).includes(-1));
  });
});
