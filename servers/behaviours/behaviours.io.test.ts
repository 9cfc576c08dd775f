// What every behaviour of the registry must do, and what each does of its own.
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import { Socket } from 'node:net';
import { suite, test } from 'node:test';
import { z } from 'zod';
import { UsageError } from '../../results/errors.ts';
import { createRandom } from '../../results/random.ts';
import type { BehaviourModule } from '../behaviour.ts';
import { connectRaw, createClient, readToEnd } from '../testing/client.ts';
import { openTestTarget } from '../testing/target.ts';
import { behaviours } from './index.ts';

type Name = keyof typeof behaviours;

/** Per behaviour: cases of options with the length of the body and the mean service time that they promise. */
const promises: Record<Name, { options: Record<string, unknown>; bytes: number; meanMs: number }[]> = {
  fixed: [
    { options: {}, bytes: 1024, meanMs: 0 },
    { options: { bytes: 0 }, bytes: 0, meanMs: 0 },
    { options: { bytes: 1 }, bytes: 1, meanMs: 0 },
    { options: { bytes: 100_000, contentType: 'text/plain; charset=utf-8' }, bytes: 100_000, meanMs: 0 },
  ],
  delay: [
    { options: {}, bytes: 1024, meanMs: 5 },
    { options: { meanMs: 0.5, bytes: 10 }, bytes: 10, meanMs: 0.5 },
    { options: { distribution: 'uniform', minMs: 1, maxMs: 4 }, bytes: 1024, meanMs: 2.5 },
    { options: { distribution: 'exponential', meanMs: 2 }, bytes: 1024, meanMs: 2 },
    { options: { distribution: 'lognormal', meanMs: 2, sigma: 1 }, bytes: 1024, meanMs: 2 },
  ],
  mixed: [
    { options: {}, bytes: 1024, meanMs: 3.45 },
    { options: { fastMs: 2, slowMs: 10, slowRatio: 0.25, bytes: 10 }, bytes: 10, meanMs: 4 },
    { options: { fastMs: 0, slowRatio: 0 }, bytes: 1024, meanMs: 0 },
  ],
  stream: [
    { options: {}, bytes: 10_240, meanMs: 90 },
    { options: { chunks: 1, chunkBytes: 7 }, bytes: 7, meanMs: 0 },
    { options: { chunks: 50, chunkBytes: 100_000, intervalMs: 0 }, bytes: 5_000_000, meanMs: 0 },
  ],
  stall: [
    { options: {}, bytes: 1024, meanMs: 5 },
    { options: { everyMs: 40, stallMs: 20, bytes: 10 }, bytes: 10, meanMs: 5 },
    { options: { stallMs: 0 }, bytes: 1024, meanMs: 0 },
    { options: { everyMs: 40, stallMs: 20, stops: 'process' }, bytes: 1024, meanMs: 5 },
  ],
  compute: [
    { options: {}, bytes: 1024, meanMs: 1 },
    { options: { cpuMs: 2.5, bytes: 10 }, bytes: 10, meanMs: 2.5 },
    { options: { cpuMs: 0 }, bytes: 1024, meanMs: 0 },
  ],
};

const refused: Record<Name, Record<string, unknown>[]> = {
  fixed: [{ bytes: -1 }, { bytes: 1.5 }, { bytes: 2 ** 40 }, { contentType: 'a\r\nb: c' }, { chunks: 2 }],
  delay: [
    { meanMs: -1 },
    { distribution: 'pareto' },
    { distribution: 'uniform', minMs: 3, maxMs: 2 },
    { distribution: 'uniform', meanMs: 3 },
    { distribution: 'exponential', sigma: 1 },
    { distribution: 'lognormal', sigma: 0 },
  ],
  mixed: [{ slowRatio: 1.1 }, { slowRatio: -0.1 }, { fastMs: 3, slowMs: 2 }, { meanMs: 1 }],
  stream: [{ chunks: 0 }, { chunkBytes: 0 }, { intervalMs: -1 }, { bytes: 2 }],
  stall: [
    { everyMs: 0 },
    { stallMs: -1 },
    { stallMs: 11, everyMs: 10 },
    { everyMs: 0.5 },
    { stops: 'server' },
  ],
  compute: [{ cpuMs: -1 }, { cpuMs: 2_000 }, { meanMs: 1 }],
};

for (const name of Object.keys(behaviours) as Name[]) {
  suite(`behaviour ${name}`, async () => {
    const behaviour: BehaviourModule = (await behaviours[name]()).default;

    test('its options parse by name alone, and every one is described', () => {
      assert.equal(behaviour.options.safeParse({ name }).success, true);
      const schema = z.toJSONSchema(behaviour.options, { io: 'input' });
      for (const variant of schema.oneOf ?? [schema]) {
        const described = Object.entries((variant as z.core.JSONSchema.JSONSchema).properties ?? {});
        assert.ok(described.length > 1);
        for (const [option, about] of described) {
          assert.ok(typeof about === 'object' && about.description, `${option} has a description`);
        }
      }
    });

    test('it refuses an unknown option, another name and what is out of bounds', () => {
      for (const options of [{ unknown: 1 }, { name: 'other' }, ...refused[name]]) {
        const result = behaviour.options.safeParse({ name, ...options });
        assert.equal(result.success, false, JSON.stringify(options));
      }
    });

    test('a target with invalid options is refused with the option named', async t => {
      const opened = openTestTarget(t, { behaviour: { name, unknown: 1 } }, behaviour);
      await assert.rejects(opened, (error: Error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, new RegExp(`"${name}".*unknown`, 's'));
        return true;
      });
    });

    for (const { options, bytes, meanMs } of promises[name]) {
      const stated = JSON.stringify(options);

      test(`it declares the mean service time of ${stated}`, () => {
        assert.equal(behaviour.meanServiceMs(behaviour.options.parse({ name, ...options })), meanMs);
      });

      test(`the body of ${stated} has the length promised and an end that allows reuse`, async t => {
        const target = await openTestTarget(t, { behaviour: { name, ...options } }, behaviour);
        const client = createClient(t, target.endpoint);
        const answers = [
          await client.ask(),
          await client.ask('/any/%zz/path?q=1'),
          await client.ask('/', { method: 'POST', body: 'x'.repeat(70_000) }),
        ];
        for (const { status, headers, body } of answers) {
          assert.equal(status, 200);
          assert.equal(body.length, bytes);
          const length = headers['content-length'];
          if (length === undefined) assert.equal(headers['transfer-encoding'], 'chunked');
          else assert.equal(length, String(bytes));
          const isJson = headers['content-type'] === 'application/json';
          if (isJson && bytes > 0) assert.doesNotThrow(() => JSON.parse(body.toString()));
        }
        assert.equal(client.openedConnections(), 1);
        assert.equal(target.read().accepted, 1);
      });
    }

    test('it answers pipelined requests in turn, and HEAD without a body', async t => {
      const target = await openTestTarget(t, { behaviour: { name } }, behaviour);
      const socket = connectRaw(t, target.endpoint);
      const head = 'HEAD / HTTP/1.1\r\nHost: t\r\n\r\n';
      socket.write(`${head}${head}GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n`);
      const parts = (await readToEnd(socket)).split('\r\n\r\n');
      for (const part of parts.slice(0, 3)) assert.match(part, /^HTTP\/1\.1 200 OK/);
      assert.ok(parts[3]!.length > 0);
    });

    test('when the client goes away, its pending answers end and leave no timer', async t => {
      const slow = {
        delay: { meanMs: 60_000 },
        mixed: { fastMs: 60_000, slowMs: 60_000 },
        stream: { intervalMs: 60_000 },
        fixed: {},
        stall: { everyMs: 60_000, stallMs: 60_000 },
        compute: {},
      }[name];
      const ended: Promise<unknown>[] = [];
      const respond = behaviour.createResponder(behaviour.options.parse({ name, ...slow }), () => 0.5);
      const observed: BehaviourModule = {
        ...behaviour,
        createResponder: () => response => {
          ended.push(once(response, 'close'));
          respond(response);
          if (ended.length === 3) socket.destroy();
        },
      };
      const target = await openTestTarget(t, { behaviour: { name, ...slow } }, observed);
      const countTimers = () => process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length;
      const timersBefore = countTimers();
      const socket = connectRaw(t, target.endpoint);
      socket.write('GET / HTTP/1.1\r\nHost: t\r\n\r\n'.repeat(3));
      await once(socket, 'close');
      await Promise.all(ended);
      assert.equal(ended.length, 3);
      assert.ok(countTimers() <= timersBefore, `${countTimers()} timers, ${timersBefore} before`);
    });
  });
}

test('a stream sends its first chunk before its last is due', async t => {
  const { default: behaviour } = await behaviours.stream();
  const stated = { name: 'stream', chunks: 2, intervalMs: 60_000 };
  const target = await openTestTarget(t, { behaviour: stated }, behaviour);
  const socket = connectRaw(t, target.endpoint);
  socket.write('GET / HTTP/1.1\r\nHost: t\r\n\r\n');
  const [chunk] = await once(socket, 'data');
  assert.match(String(chunk), /^HTTP\/1\.1 200 OK.*Transfer-Encoding: chunked.*\r\n400\r\nabc/s);
});

test('mixed: the share of slow answers is as stated, and the same for the same seed', async () => {
  const { default: behaviour } = await behaviours.mixed();
  const options = behaviour.options.parse({ name: 'mixed', fastMs: 0, slowMs: 60_000, slowRatio: 0.1 });
  const drawn = (seed: number): string => {
    let slow = '';
    const respond = behaviour.createResponder(options, createRandom(seed, 'behaviour', 'mixed'));
    for (let count = 0; count < 2_000; count++) {
      let isFast = false;
      const response = new EventEmitter();
      respond(
        Object.assign(response, {
          writeHead: () => ({ end: () => (isFast = true) }),
        }) as unknown as Parameters<typeof respond>[0],
      );
      response.emit('close');
      slow += isFast ? '.' : 's';
    }
    return slow;
  };
  const slowCount = drawn(1).split('s').length - 1;
  assert.ok(slowCount > 150 && slowCount < 250, `${slowCount} of 2000`);
  assert.equal(drawn(1), drawn(1));
  assert.notEqual(drawn(1), drawn(2));
});

test('a stall answers what came in it at its end, and what comes outside of it at once', async t => {
  const { default: behaviour } = await behaviours.stall();
  const [everyMs, stallMs] = [1_000, 400];
  let nowMs = 5_000;
  t.mock.method(performance, 'now', () => nowMs);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const respond = behaviour.createResponder(behaviour.options.parse({ name: 'stall', everyMs, stallMs }));
  const answeredAt: Record<string, number> = {};
  const ask = (name: string): void => {
    const response = new http.ServerResponse(new http.IncomingMessage(new Socket()));
    response.end = () => {
      answeredAt[name] = nowMs - 5_000;
      return response;
    };
    respond(response);
  };
  const cycles = [0, 1].map(cycle => cycle * everyMs);
  const arrivals = new Map(
    cycles.flatMap(start => [0, 599, 600, 750, 999].map(at => [start + at, `${start + at}`])),
  );
  for (let ms = 0; ms <= 2 * everyMs; ms++) {
    const name = arrivals.get(ms);
    if (name !== undefined) ask(name);
    nowMs++;
    t.mock.timers.tick(1);
  }
  const expected = [0, 599, 1_000, 1_000, 1_000, 1_000, 1_599, 2_000, 2_000, 2_000];
  assert.deepEqual(Object.values(answeredAt), expected);
});

test('a stall of the process stops its event loop until the cycle ends, and one of the answers does not', async () => {
  const { default: behaviour } = await behaviours.stall();
  const spent = (stops: string): number => {
    const options = behaviour.options.parse({ name: 'stall', everyMs: 60, stallMs: 60, stops });
    const response = new EventEmitter() as unknown as http.ServerResponse;
    Object.assign(response, { writeHead: () => response, end: () => response.emit('close') });
    const before = performance.now();
    behaviour.createResponder(options)(response);
    response.emit('close');
    return performance.now() - before;
  };
  assert.ok(spent('process') > 2 * spent('answers'));
});

test('compute: each answer takes CPU time, as stated', async t => {
  const behaviour: BehaviourModule = (await behaviours.compute()).default;
  const target = await openTestTarget(t, { behaviour: { name: 'compute', cpuMs: 20 } }, behaviour);
  const client = createClient(t, target.endpoint);
  const before = process.cpuUsage();
  for (let asked = 0; asked < 5; asked++) await client.ask();
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system >= 100_000, `${user + system} µs`);
});
