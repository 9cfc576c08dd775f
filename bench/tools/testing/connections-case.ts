// Conformance: a load tool opens the connections that its settings ask for, and both ends agree on the count.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { neededConnections } from '../../../results/connections.ts';
import { Client } from '../../../scenarios/model/client.ts';
import { ClosedLoad } from '../../../scenarios/model/load.ts';
import { Target } from '../../../scenarios/model/target.ts';
import delay from '../../../servers/behaviours/delay.ts';
import { openTestTarget } from '../../../servers/testing/target.ts';
import { until } from '../../clients/testing/until.ts';
import { type EngineSubject, openEngine, skipMissing } from './subject.ts';

const USERS = 8;
const SLICES = 2;

export function engineConnectionsCase(subject: EngineSubject): void {
  const { module } = subject;
  const target = Target.parse({ behaviour: { name: 'delay', meanMs: 10 } });

  suite('connections', { ...skipMissing(subject), concurrency: true }, () => {
    for (const requestsPerConnection of [1, 3, 'unlimited'] as const) {
      const client = Client.parse({ transport: subject.name, requestsPerConnection });
      if (module.refusals(client, target).length > 0) continue;

      test(`requestsPerConnection ${requestsPerConnection}: both ends count alike over ${SLICES} slices`, async t => {
        const server = await openTestTarget(t, target, delay);
        const { engine, recorder, sliceUntil, account } = openEngine(t, subject, {
          endpoint: server.endpoint,
          users: USERS,
          stated: { requestsPerConnection },
        });
        for (let i = 1; i <= SLICES; i++) {
          const enough = 6 * USERS * i;
          await sliceUntil('many have been answered', () => server.read().requests >= enough);
        }
        await engine.close();
        await until('the target has seen every close', () => server.read().openConnections === 0);
        const { accepted, requests, requestsPerConnection: carried } = server.read();
        const { sent, answered, failed, unfinished } = account();
        assert.ok(answered > USERS * SLICES, `only ${answered} answers`);
        assert.equal(failed, 0);
        assert.ok(requests >= answered && requests <= sent, `${answered} <= ${requests} <= ${sent}`);
        assert.ok(unfinished <= USERS * SLICES);
        if (module.countsConnections) assert.equal(recorder.opened, accepted);
        const load = ClosedLoad.parse({ concurrency: USERS });
        const needed = neededConnections({ client, target, load, requests: sent, pool: engine.pool });
        // Requests in flight at the end may not have got their connection.
        assert.ok(accepted >= needed.least - unfinished, `${accepted} of at least ${needed.least}`);
        assert.ok(needed.most === null || accepted <= needed.most, `${accepted} of at most ${needed.most}`);
        if (requestsPerConnection === 'unlimited') {
          const inUse = USERS * engine.pool.openings + engine.pool.unused;
          assert.ok(accepted <= 2 * inUse, `${accepted} for ${inUse}`);
          return;
        }
        const most = Math.max(...carried.map(entry => entry.requests));
        assert.equal(most, requestsPerConnection);
        const full = carried.find(entry => entry.requests === most)!.connections;
        const notFull = accepted - full - engine.pool.unused;
        assert.ok(notFull <= USERS * SLICES, `${notFull} of ${accepted} carried fewer than they may`);
      });
    }

    test('between slices it holds no connection but those of its pool', async t => {
      const server = await openTestTarget(t, target, delay);
      const { engine, slice } = openEngine(t, subject, { endpoint: server.endpoint, users: USERS });
      for (let i = 0; i < SLICES; i++) {
        await slice();
        const kept = engine.pool.openings > i ? 0 : USERS;
        const expected = subject.module.countsConnections ? USERS : kept;
        await until('the others are closed', () => server.read().openConnections === expected);
      }
      assert.equal(engine.pool.openings, subject.module.countsConnections ? 1 : SLICES);
    });
  });
}
