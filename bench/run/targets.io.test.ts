// The target process is started, read and killed; when it can't start, the caller knows why and nothing is left.
import assert from 'node:assert/strict';
import { after, describe, suite, type TestContext, test } from 'node:test';
import { Link, Target } from '../../scenarios/model/target.ts';
import type { RelayReading } from '../../servers/protocol.ts';
import { createClient } from '../../servers/testing/client.ts';
import { ChildError } from './child.ts';
import { linkTo, startTarget, type TargetProcess, withoutRelay } from './targets.ts';
import { childrenWith, eventually, isGone, ourChildren } from './testing/processes.ts';

describe('A target behind a link is reached through the relay alone, is settled when nothing is in flight, and ends with its relay', () => {
  async function startLinked(t: TestContext, link: Record<string, unknown>): Promise<TargetProcess> {
    const target = await startTarget(Target.parse({ behaviour: { name: 'fixed', bytes: 3 } }), 1, null);
    t.after(target.kill);
    const linked = await linkTo(target, Link.parse(link), 1);
    t.after(linked.kill);
    return linked;
  }

  suite('linked target', () => {
    after(() => {
      assert.deepEqual(ourChildren(), []);
    });

    test('is reached through the relay; what was sent or closed is counted once it has settled', async t => {
      const roundTripMs = 200;
      const target = await startLinked(t, { roundTripMs });
      const { upstreamPort } = target.link!;
      assert.notEqual(Number(new URL(target.endpoint.origin).port), upstreamPort);
      assert.equal((await target.link!.read()).inFlight, 0);
      const startedAtMs = performance.now();
      const client = createClient(t, target.endpoint);
      const { body, socket } = await client.ask();
      const tookMs = performance.now() - startedAtMs;
      assert.ok(tookMs >= 2 * roundTripMs - 5, `a handshake, and there and back: ${tookMs} ms`);
      assert.equal(body.length, 3);
      assert.deepEqual([(await target.read()).accepted, (await target.read()).requests], [1, 1]);
      assert.equal((await target.read()).openConnections, 1);
      socket.destroy();
      while ((await target.link!.read()).inFlight === 0); // until the relay has seen it
      await target.link!.settle();
      assert.equal((await target.read()).openConnections, 0, 'the close has arrived, too');
      assert.equal((await target.link!.read()).connections, 1);
      await target.kill();
      assert.ok(isGone(target.pid) && childrenWith('link-child').length === 0);
    });

    test('dies with its relay', async t => {
      const target = await startLinked(t, {});
      assert.equal(target.isAlive, true);
      process.kill(childrenWith('link-child')[0]!.pid, 'SIGKILL');
      await eventually('its death is seen', () => !target.isAlive);
      assert.equal(target.link!.isAlive, false);
      await assert.rejects(target.link!.settle(), { name: 'ChildError', reason: 'died' });
      await assert.rejects(target.link!.read(), /the relay of the link ended unexpectedly \(SIGKILL\)/);
    });
  });

  test("the kernel's counts of opens are without the relay's own", () => {
    const kernel = {
      activeOpens: 20,
      passiveOpens: 21,
      retransmits: 3,
      needlessRetransmits: 1,
      synRetransmits: 0,
      listenDrops: 0,
      timeWaitCreated: 20,
    };
    const reading = { connections: 5 } as RelayReading;
    const span = { before: reading, after: { ...reading, connections: 15 } };
    assert.deepEqual(withoutRelay(kernel, span), { ...kernel, activeOpens: 10, passiveOpens: 11 });
    const early = { ...span, after: { ...reading, connections: 30 } };
    assert.equal(withoutRelay(kernel, early).activeOpens, 0);
  });
});

describe("The target process is started, read and killed; when it can't start, the caller knows why and nothing is left", () => {
  suite('target', { concurrency: 2 }, () => {
    after(() => {
      assert.deepEqual(ourChildren(), []);
    });

    test('answers, tells what it counted, and is gone after kill', async t => {
      const target = await startTarget(Target.parse({ behaviour: { name: 'fixed', bytes: 3 } }), 1, null);
      t.after(target.kill);
      const answer = await createClient(t, target.endpoint).ask();
      assert.equal(answer.body.length, 3);
      const { accepted, requests } = await target.read();
      assert.deepEqual([accepted, requests, target.isAlive], [1, 1, true]);
      await target.kill();
      assert.equal(target.isAlive, false);
      assert.ok(isGone(target.pid));
      await assert.rejects(target.read(), { name: 'ChildError', reason: 'died' });
    });

    test('counts that it was stopped and continued', async t => {
      const target = await startTarget(Target.parse({}), 1, null);
      t.after(target.kill);
      const continued = async () => (await target.read()).continued;
      assert.equal(await continued(), 0);
      process.kill(target.pid, 'SIGSTOP');
      process.kill(target.pid, 'SIGCONT');
      while ((await continued()) === 0); // it may read the question before the signal
      assert.equal(await continued(), 1);
    });

    test('a missing behaviour is reported', async () => {
      const started = startTarget(Target.parse({ behaviour: { name: 'fixd' } }), 1, null);
      await assert.rejects(started, error => {
        assert.ok(error instanceof ChildError && error.reason === 'failed');
        assert.match(error.message, /unknown behaviour "fixd": did you mean fixed/);
        return true;
      });
    });
  });
});
