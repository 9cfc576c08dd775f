// The target process is started, read and killed; when it can't start, the caller knows why and nothing is left.
import assert from 'node:assert/strict';
import { after, suite, test } from 'node:test';
import { createClient } from '../../servers/testing/client.ts';
import { Target } from '../../scenarios/model/target.ts';
import { ChildError } from './child.ts';
import { startTarget } from './targets.ts';
import { isGone, ourChildren } from './testing/processes.ts';

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

  test('a behaviour that is not there is told', async () => {
    const started = startTarget(Target.parse({ behaviour: { name: 'fixd' } }), 1, null);
    await assert.rejects(started, error => {
      assert.ok(error instanceof ChildError && error.reason === 'failed');
      assert.match(error.message, /unknown behaviour "fixd".*fixed is nearest/);
      return true;
    });
  });
});
