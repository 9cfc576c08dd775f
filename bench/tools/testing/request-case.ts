// Conformance: what the scenario's request asks for is what arrives at the server, for every load tool that does not refuse it.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Client } from '../../../scenarios/model/client.ts';
import { Request } from '../../../scenarios/model/request.ts';
import { Target } from '../../../scenarios/model/target.ts';
import { openEchoServer } from '../../../servers/testing/echo-server.ts';
import {
  assertArrived,
  countArrived,
  drawnCounts,
  REQUESTS,
  SEVERAL,
} from '../../clients/testing/request-case.ts';
import { type EngineSubject, openEngine, skipMissing } from './subject.ts';

/** Requests of a case, all alike. */
const ENOUGH = 20;

export function engineRequestCase(subject: EngineSubject): void {
  suite('the request', skipMissing(subject), () => {
    for (const { title, request: stated, arrives } of REQUESTS) {
      const request = Request.parse(stated);
      const client = Client.parse({ transport: subject.name });
      if (subject.module.refusals(client, Target.parse({}), [request]).length > 0) continue;
      test(`${title}: arrives as asked for, every time`, async t => {
        const server = await openEchoServer(t, { serviceMs: 5 });
        const { endpoint } = server;
        const { sliceUntil, account } = openEngine(t, subject, { endpoint, users: 2, request });
        await sliceUntil('some have arrived', () => server.received.length >= ENOUGH);
        const { answered, failed } = account();
        assert.ok(answered > 0 && failed === 0, `${answered} answered, ${failed} failed`);
        assert.ok(server.received.length >= answered);
        assertArrived(server.received, arrives);
      });
    }

    const client = Client.parse({ transport: subject.name });
    const [refusal] = subject.module.refusals(client, Target.parse({}), SEVERAL);
    if (refusal !== undefined) {
      test('several requests are refused with the reason', () => {
        assert.match(refusal.message, /one request/);
        assert.match(refusal.hint, /request in place of requests/);
      });
      return;
    }
    test('several requests: what arrives is what was drawn', async t => {
      const server = await openEchoServer(t, { serviceMs: 5 });
      const users = 3;
      const { slice, engine, recorder, account } = openEngine(t, subject, {
        endpoint: server.endpoint,
        users,
        requests: SEVERAL,
      });
      await slice({ windowMs: 1_500, requestSeed: 5 });
      const { sent } = account();
      const counts = engine.sentByRequest!;
      const total = counts.reduce((sum, count) => sum + count, 0);
      // A tool that is stopped drops requests that it has just written, or was about to write.
      const mostLost = engine.dropsInFlight ? users : 0;
      assert.ok(total <= sent && total >= sent - mostLost, `${total} of ${sent}`);
      assert.deepEqual(counts, drawnCounts(SEVERAL, 5, total));
      const arrived = countArrived(server.received, SEVERAL);
      for (const [index, count] of counts.entries()) {
        const lost = count - arrived[index]!;
        assert.ok(lost >= 0 && lost <= mostLost, `${count}, ${arrived[index]}`);
      }
      for (const { completed, response } of recorder.finish().requests) {
        if (engine.dropsInFlight) assert.deepEqual([completed, response], [null, null]);
        else assert.ok(completed! > 0 && response!.count === completed);
      }
    });
  });
}
