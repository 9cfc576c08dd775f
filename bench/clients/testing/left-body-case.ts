// Conformance: bodies that are cancelled or ignored, and what becomes of their connections.
import assert from 'node:assert/strict';
import { suite } from 'node:test';
import stream from '../../../servers/behaviours/stream.ts';
import { openTestTarget } from '../../../servers/testing/target.ts';
import { newExchange } from '../../contracts.ts';
import { openSubject, type Subject, testWhere } from './subject.ts';
import { until } from './until.ts';

/** More than a client buffers of a body that nobody reads. */
const LONG = { name: 'fixed', bytes: 1_000_000 };

export function leftBodyCase(subject: Subject): void {
  suite('bodies that are not read', { concurrency: true }, () => {
    testWhere(subject, { body: 'cancel' })('cancel: each response costs its connection', async t => {
      const target = await openTestTarget(t, { behaviour: LONG });
      const { ask } = openSubject(t, subject, target.endpoint, {
        body: 'cancel',
        pool: { maxConnections: 1 },
      });
      for (let count = 1; count <= 3; count++) {
        const { outcome, status, bodyBytes } = await ask();
        assert.deepEqual([outcome, status], ['ok', 200]);
        assert.ok(bodyBytes < LONG.bytes, `${bodyBytes} bytes`);
      }
      // The fetch of Node opens one more, which carries nothing.
      await until('each is closed', () => {
        const [carrying] = target.read().requestsPerConnection.filter(({ requests }) => requests > 0);
        return carrying?.requests === 1 && carrying.connections === 3;
      });
    });

    testWhere(subject, { body: 'ignore' })(
      'ignore: each response holds its connection until the end',
      async t => {
        const target = await openTestTarget(t, { behaviour: LONG });
        const { askTimes, transport } = openSubject(t, subject, target.endpoint, { body: 'ignore' });
        const ended = await askTimes(3, 1);
        assert.deepEqual(
          ended.map(({ outcome, status }) => [outcome, status]),
          Array(3).fill(['ok', 200]),
        );
        assert.ok(target.read().accepted >= 3);
        // Garbage collection may cancel bodies of fetch.
        if (!subject.name.includes('fetch')) assert.equal(transport.openConnections(), 3);
      },
    );

    for (const body of ['cancel', 'ignore'] as const) {
      testWhere(subject, { body })(`${body}: what comes late is not of the next exchange`, async t => {
        const behaviour = { name: 'stream', chunks: 10, chunkBytes: 1_000, intervalMs: 20 };
        const target = await openTestTarget(t, { behaviour }, stream);
        const { ask } = openSubject(t, subject, target.endpoint, { body });
        const reader = openSubject(t, subject, target.endpoint);
        const record = newExchange();
        await ask(record);
        const { outcome, bodyBytes } = await ask(record);
        assert.equal(outcome, 'ok');
        // It began later, so all of both bodies has come by its end.
        assert.equal((await reader.ask()).bodyBytes, 10_000);
        assert.equal(record.bodyBytes, bodyBytes);
      });
    }

    testWhere(subject, { body: 'ignore', pool: { maxConnections: 1 } })(
      'ignore: in a limited pool the next request waits, and can be abandoned',
      async t => {
        const target = await openTestTarget(t, { behaviour: LONG });
        const { ask, sendToAbandon } = openSubject(t, subject, target.endpoint, {
          body: 'ignore',
          pool: { maxConnections: 1 },
        });
        assert.equal((await ask()).outcome, 'ok');
        sendToAbandon().abandon?.();
        assert.equal(target.read().accepted, 1);
      },
    );
  });
}
