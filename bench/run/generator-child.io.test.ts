// The generator as a process: prepared, given slices, cut short, finished, and never left behind.
import assert from 'node:assert/strict';
import { after, suite, type TestContext, test } from 'node:test';
import type { Trial } from '../../results/model/trial.ts';
import { Client } from '../../scenarios/model/client.ts';
import { Load } from '../../scenarios/model/load.ts';
import { Target } from '../../scenarios/model/target.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import fixed from '../../servers/behaviours/fixed.ts';
import type { Endpoint } from '../../servers/protocol.ts';
import { openTestTarget } from '../../servers/testing/target.ts';
import type { GeneratorCommand, GeneratorReply, SliceOrder } from '../protocol.ts';
import { missingProgram } from '../tools/program.ts';
import type { GeneratorChild } from './arm.ts';
import { ChildError, spawnChild } from './child.ts';
import { childrenOf, eventually, isGone, ourChildren } from './testing/processes.ts';

const LIMIT_MS = 20_000;

function spawnGenerator(t: TestContext): GeneratorChild {
  const child = spawnChild<GeneratorCommand, GeneratorReply>({
    title: 'the generator',
    entry: './generator-child',
    cpu: null,
  });
  t.after(() => child.kill());
  return child;
}

function makeTrial(client: Record<string, unknown>, concurrency = 4): Trial {
  return {
    id: 'c/0/a',
    scenario: 'c',
    cell: 'c',
    replicate: 0,
    arm: 'a',
    target: Target.parse({}),
    load: Load.parse({ concurrency }),
    client: Client.parse(client),
    phases: true,
    seed: 1,
  };
}

function prepare(child: GeneratorChild, endpoint: Endpoint, client: Record<string, unknown> = {}) {
  return child.ask({ type: 'prepare', trial: makeTrial(client), endpoint }, 'ready', LIMIT_MS);
}

function skipWithout(program: string): { skip?: string } {
  const obstacle = missingProgram(program);
  return obstacle === undefined || process.env['CI'] !== undefined ? {} : { skip: obstacle.message };
}

/** Long enough for a request of a cold process to end within it on a busy machine. */
const LONG = { windowMs: 400 };

function order(stated: Partial<SliceOrder> = {}): { type: 'slice'; order: SliceOrder } {
  const times = { rampMs: 5, windowMs: 40, drainMs: 1_000, isRecorded: true, epochMs: Date.now() };
  return { type: 'slice', order: { ...times, ...stated } };
}

suite('load child', { concurrency: 2 }, () => {
  after(() => {
    assert.deepEqual(ourChildren(), []);
  });

  test('counts what it did, slice by slice and in all; then it ends by itself', async t => {
    const target = await openTestTarget(t, { behaviour: { name: 'fixed', bytes: 10 } });
    const child = spawnGenerator(t);
    await prepare(child, target.endpoint, { pool: { maxConnections: 4 } });
    const { reading: warm } = await child.ask(order({ ...LONG, isRecorded: false }), 'slice', LIMIT_MS);
    const { reading: slice } = await child.ask(order(LONG), 'slice', LIMIT_MS);
    const { reading } = await child.ask({ type: 'finish' }, 'finished', LIMIT_MS);
    assert.ok(warm.completed > 0 && slice.completed > 0);
    assert.equal(Math.round(slice.windowMs), LONG.windowMs);
    assert.ok(slice.exchanges >= slice.completed);
    assert.ok(slice.after.cpuUs >= slice.before.cpuUs && slice.after.atMs > slice.before.atMs);
    assert.equal(reading.completedRecorded, slice.completed);
    assert.equal(reading.bytesRecorded, 10 * slice.completed);
    assert.equal(reading.sent, warm.exchanges + slice.exchanges);
    assert.deepEqual([reading.answered, reading.failed, reading.unfinished], [reading.sent, 0, 0]);
    assert.equal(reading.opened, warm.opened! + slice.opened!);
    assert.equal(target.read().requests, reading.sent);
    assert.equal(target.read().accepted, reading.opened);
    assert.equal(
      reading.timeline.buckets.reduce((sum, { completed }) => sum + completed, 0),
      slice.completed,
    );
    await child.kill();
    assert.ok(isGone(child.pid));
  });

  for (const phases of [true, false]) {
    test(`phases ${phases}: the same counts, with and without the times within a request`, async t => {
      const target = await openTestTarget(t, { behaviour: { name: 'fixed', bytes: 10 } });
      const child = spawnGenerator(t);
      const trial = { ...makeTrial({ requestsPerConnection: 1 }), phases };
      await child.ask({ type: 'prepare', trial, endpoint: target.endpoint }, 'ready', LIMIT_MS);
      await child.ask(order(LONG), 'slice', LIMIT_MS);
      const { reading } = await child.ask({ type: 'finish' }, 'finished', LIMIT_MS);
      const { completedRecorded, response, service, wait, firstByte, body, connect } = reading;
      assert.ok(completedRecorded > 0 && connect.count > 0 && connect.count <= reading.opened!);
      assert.deepEqual([response.count, service.count], [completedRecorded, completedRecorded]);
      const counts = new Set([wait.count, firstByte.count, body.count]);
      assert.deepEqual([...counts], [phases ? completedRecorded : 0]);
      const sumUs = wait.meanUs + firstByte.meanUs + body.meanUs;
      // Each of the three rounds what is below 1 µs up to it.
      if (phases) assert.ok(Math.abs(sumUs - service.meanUs) <= 3, `${sumUs} and ${service.meanUs}`);
    });
  }

  test('a slice that is cut short answers soon, with the window as it was', async t => {
    const target = await openTestTarget(t);
    const child = spawnGenerator(t);
    await prepare(child, target.endpoint);
    const asked = child.ask(order({ windowMs: 600_000 }), 'slice', LIMIT_MS);
    child.tell({ type: 'cut' });
    const { reading } = await asked;
    assert.ok(reading.windowMs < 600_000, `${reading.windowMs}`);
    const { reading: all } = await child.ask({ type: 'finish' }, 'finished', LIMIT_MS);
    assert.equal(all.sent, all.answered + all.failed + all.unfinished);
  });

  test(
    'a tool in a process of its own: its slices say what that used, and it does not outlive the generator',
    skipWithout('wrk'),
    async t => {
      const target = await openTestTarget(t);
      const child = spawnGenerator(t);
      await prepare(child, target.endpoint, { transport: 'wrk' });
      const { reading } = await child.ask(order(), 'slice', LIMIT_MS);
      assert.equal(reading.opened, null);
      assert.deepEqual(
        [reading.before.cpuUs, reading.before.loopIdleMs, reading.after.loopIdleMs],
        [0, 0, 0],
      );
      assert.ok(reading.after.cpuUs > 0 && reading.exchanges > 0);
      void child.ask(order({ windowMs: 700 }), 'slice', LIMIT_MS).catch(() => {});
      let tool: number | undefined;
      await eventually('the tool runs', () => {
        tool = childrenOf(child.pid).find(({ commandLine }) => commandLine.startsWith('wrk '))?.pid;
        return tool !== undefined;
      });
      await child.kill();
      await eventually('the tool has ended', () => isGone(tool!));
    },
  );

  const silent: BehaviourModule = { ...fixed, createResponder: () => () => {} };

  /** A slice of 40 users and a pool of 2, in which no request is answered. */
  async function silentSlice(t: TestContext, client: object, drainMs: number) {
    const target = await openTestTarget(t, {}, silent);
    const child = spawnGenerator(t);
    const trial = makeTrial({ pool: { maxConnections: 2 }, ...client }, 40);
    await child.ask({ type: 'prepare', trial, endpoint: target.endpoint }, 'ready', LIMIT_MS);
    const { reading: slice } = await child.ask(order({ drainMs }), 'slice', LIMIT_MS);
    await eventually('both ends agree', () => target.read().accepted >= slice.opened!);
    assert.equal(target.read().accepted, slice.opened, 'and nothing comes after it');
    const { reading } = await child.ask({ type: 'finish' }, 'finished', LIMIT_MS);
    assert.equal(reading.opened, slice.opened);
    return { slice, reading };
  }

  test('connections opened for requests that were given up are those of the slice in which they were', async t => {
    const { slice, reading } = await silentSlice(t, {}, 50);
    assert.equal(reading.unfinished, 40);
    assert.ok(slice.opened! > 2, `${slice.opened}: those that waited were given a connection each`);
  });

  test('so are those of requests that have passed their deadline', async t => {
    const { reading } = await silentSlice(t, { timeouts: { totalMs: 30 } }, 500);
    assert.equal(reading.unfinished, 0);
  });

  test('a cut between slices is nothing', async t => {
    const target = await openTestTarget(t);
    const child = spawnGenerator(t);
    await prepare(child, target.endpoint);
    child.tell({ type: 'cut' });
    const { reading } = await child.ask(order(), 'slice', LIMIT_MS);
    assert.equal(Math.round(reading.windowMs), 40);
  });

  test('a target that is gone is a failure of every exchange, not of the generator', async t => {
    const target = await openTestTarget(t);
    const child = spawnGenerator(t);
    await prepare(child, target.endpoint);
    await target.close();
    const { reading: slice } = await child.ask(order(), 'slice', LIMIT_MS);
    assert.equal(slice.completed, 0);
    assert.ok(slice.failed > 0);
    const { reading } = await child.ask({ type: 'finish' }, 'finished', LIMIT_MS);
    assert.deepEqual(Object.keys(reading.outcomes), ['refused']);
    assert.match(reading.outcomes.refused?.sample ?? '', /ECONNREFUSED/);
    assert.equal(reading.failed, reading.sent);
  });

  const failures: [what: string, command: GeneratorCommand, message: RegExp][] = [
    ['a slice before it is prepared', order(), /"slice" before "prepare"/],
    ['a finish before it is prepared', { type: 'finish' }, /"finish" before "prepare"/],
    [
      'an unknown transport',
      {
        type: 'prepare',
        trial: makeTrial({ transport: 'toString' }),
        endpoint: { origin: 'http://127.0.0.1:9', path: '/' },
      },
      /unknown transport "toString"/,
    ],
    [
      'a client that cannot be',
      {
        type: 'prepare',
        trial: makeTrial({ api: 'none' }),
        endpoint: { origin: 'http://127.0.0.1:9', path: '/' },
      },
      /no api "none"/,
    ],
  ];
  for (const [what, command, message] of failures) {
    test(`${what} is reported as a failure`, async t => {
      const asked = spawnGenerator(t).ask(command, 'finished', LIMIT_MS);
      await assert.rejects(asked, error => {
        assert.ok(error instanceof ChildError && error.reason === 'failed');
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test('Ctrl-C, SIGTERM and SIGHUP are for the parent to decide', async t => {
    const target = await openTestTarget(t);
    const child = spawnGenerator(t);
    await prepare(child, target.endpoint);
    process.kill(child.pid, 'SIGTERM');
    await child.ask(order(), 'slice', LIMIT_MS);
    process.kill(child.pid, 'SIGHUP');
    await child.ask(order(), 'slice', LIMIT_MS);
    assert.ok(child.isAlive);
  });
});
