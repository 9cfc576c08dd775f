// Conformance: how slices of a load tool end: in time, when cut short, against a silent server; and nothing is left running.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import delay from '../../../servers/behaviours/delay.ts';
import { openTestTarget } from '../../../servers/testing/target.ts';
import { openMisbehavingServer } from '../../clients/testing/misbehaving-server.ts';
import { until } from '../../clients/testing/until.ts';
import { childrenWith } from '../../run/testing/processes.ts';
import { type EngineSubject, openEngine, skipMissing } from './subject.ts';

const USERS = 4;
const slow = { behaviour: { name: 'delay', meanMs: 5 } };

export function engineEndsCase(subject: EngineSubject): void {
  /** Of this test alone: its address is an argument of the program. */
  const processes = (origin: string): unknown[] => childrenWith(origin);

  suite('ends', { ...skipMissing(subject), concurrency: true }, () => {
    test('cut while it sends, it tells what was done, and leaves nothing', async t => {
      const target = await openTestTarget(t, slow, delay);
      const { origin } = target.endpoint;
      const { engine, slice, account } = openEngine(t, subject, { endpoint: target.endpoint, users: USERS });
      const running = slice({ windowMs: 600_000 });
      await until('it sends', () => target.read().requests > 50);
      assert.equal(processes(origin).length, subject.module.countsConnections ? 0 : 1);
      engine.cut();
      const window = await running;
      assert.ok(window.closeAtMs - window.openAtMs < 300_000);
      assert.deepEqual(processes(origin), []);
      await engine.close();
      await until('every connection is closed', () => target.read().openConnections === 0);
      const { sent, answered } = account();
      assert.ok(answered > 0 && target.read().requests >= answered && target.read().requests <= sent);
    });

    test('cut before it sends, or when it does not run, it can go on', async t => {
      const target = await openTestTarget(t, slow, delay);
      const { endpoint } = target;
      const { engine, slice, sliceUntil, account } = openEngine(t, subject, { endpoint, users: USERS });
      engine.cut();
      const running = slice({ rampMs: 600_000, windowMs: 600_000 });
      engine.cut();
      const window = await running;
      assert.ok(window.closeAtMs - window.openAtMs < 300_000);
      engine.cut();
      await sliceUntil('it sends', () => target.read().requests > 50);
      assert.ok(account().answered > 0);
    });

    test('cut where every request fails, its window ends then', async t => {
      const server = await openMisbehavingServer(t, ({ raw }) => raw.resetAndDestroy());
      const { engine, slice, account } = openEngine(t, subject, { endpoint: server.endpoint, users: USERS });
      const running = slice({ rampMs: 0, windowMs: 600_000 });
      await until('it sends', () => server.requests > 50);
      engine.cut();
      const window = await running;
      assert.ok(window.closeAtMs - window.openAtMs < 300_000);
      const { failed, answered } = account();
      assert.ok(failed > 0 && answered === 0);
    });

    test('closed while it sends, it leaves nothing', async t => {
      const target = await openTestTarget(t, slow, delay);
      const { engine, slice } = openEngine(t, subject, { endpoint: target.endpoint, users: USERS });
      const running = slice({ windowMs: 60_000, drainMs: 0 }).catch(() => undefined);
      await until('it sends', () => target.read().requests > 50);
      engine.cut();
      await engine.close();
      await running;
      assert.deepEqual(processes(target.endpoint.origin), []);
      await until('every connection is closed', () => target.read().openConnections === 0);
    });

    test('what a silent server never answers is unfinished or has failed, or the trial ends with the reason', async t => {
      const server = await openMisbehavingServer(t, () => {});
      const { engine, slice, account } = openEngine(t, subject, { endpoint: server.endpoint, users: USERS });
      const ended = await slice({ windowMs: 100, drainMs: 50 }).then(
        () => 'in time',
        (error: Error) => error.message,
      );
      const { unfinished, failed } = account();
      if (ended === 'in time') assert.equal(unfinished + failed, USERS);
      else assert.match(ended, /did not end within \d+ ms/);
      await engine.close();
      assert.deepEqual(processes(server.endpoint.origin), []);
      await until('every connection is closed', () => server.open === 0);
    });
  });
}
