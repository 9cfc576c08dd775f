// Conformance: what the scenario's request asks for is what arrives at the server, for every load tool that does not refuse it.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Client } from '../../../scenarios/model/client.ts';
import { Request } from '../../../scenarios/model/request.ts';
import { Target } from '../../../scenarios/model/target.ts';
import { openEchoServer } from '../../../servers/testing/echo-server.ts';
import { assertArrived, REQUESTS } from '../../clients/testing/request-case.ts';
import { type EngineSubject, openEngine, skipMissing } from './subject.ts';

export function engineRequestCase(subject: EngineSubject): void {
  suite('the request', skipMissing(subject), () => {
    for (const { title, request: stated, arrives } of REQUESTS) {
      const request = Request.parse(stated);
      const client = Client.parse({ transport: subject.name });
      if (subject.module.refusals(client, Target.parse({}), request).length > 0) continue;
      test(`${title}: arrives as asked for, every time`, async t => {
        const server = await openEchoServer(t);
        const { slice, account } = openEngine(t, subject, { endpoint: server.endpoint, users: 2, request });
        await slice({ windowMs: 800 });
        const { answered, failed } = account();
        assert.ok(answered > 0 && failed === 0, `${answered} answered, ${failed} failed`);
        assert.ok(server.received.length >= answered);
        assertArrived(server.received, arrives);
      });
    }
  });
}
