// Conformance: TLS sessions are resumed as stated, by the count of both ends.
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { suite, test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import type { Endpoint } from '../../../servers/protocol.ts';
import type { Scope } from '../../../servers/testing/client.ts';
import { openTestTarget } from '../../../servers/testing/target.ts';
import { mostOpen, openSubject, type Stated, type Subject, testWhere, type Watched } from './subject.ts';

function handshakes({ connections }: Watched): { full: number; resumed: number } {
  const resumed = connections.filter(({ isResumed }) => isResumed).length;
  return { full: connections.length - resumed, resumed };
}

/** The contexts of all TLS connections to the endpoint, from now on. */
function watchContexts(scope: Scope, { origin }: Endpoint): readonly unknown[] {
  const contexts: unknown[] = [];
  const port = Number(new URL(origin).port);
  const onDial = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    socket.once('connectionAttempt', (_address: string, attempted: number) => {
      // Node has no public name for it.
      if (attempted === port)
        contexts.push((socket as Socket & { _tlsOptions: ConnectionOptions })._tlsOptions.secureContext);
    });
  };
  subscribe('net.client.socket', onDial);
  scope.after(() => unsubscribe('net.client.socket', onDial));
  return contexts;
}

export function tlsCase(subject: Subject): void {
  for (const tls of ['1.2', '1.3'] as const) {
    const where = (stated: Stated) => testWhere(subject, { ...stated, requestsPerConnection: 1 }, { tls });
    suite(`TLS ${tls}`, { concurrency: true }, () => {
      const modes = [
        { tlsSessions: 'none', least: 0, most: 0 },
        { tlsSessions: 'pinned', least: 11, most: 11 },
        { tlsSessions: 'library', least: 0, most: 11 },
      ] as const;
      const cases = (['ec', 'rsa'] as const).flatMap(tlsKey => modes.map(mode => ({ tlsKey, ...mode })));
      for (const { tlsKey, tlsSessions, least, most } of cases) {
        const title = `${tlsKey} key, sessions ${tlsSessions}: of 12 connections ${least} to ${most} are resumed, by both counts`;
        where({ pool: { tlsSessions } })(title, async t => {
          const target = await openTestTarget(t, { tls, tlsKey });
          const watched = openSubject(t, subject, target.endpoint, {
            requestsPerConnection: 1,
            pool: { maxConnections: 1, tlsSessions },
          });
          const ended = await watched.askTimes(12, 1);
          assert.deepEqual(
            ended.map(({ error }) => error),
            Array(12).fill(undefined),
          );
          const { handshakesFull, handshakesResumed } = target.read();
          assert.deepEqual(handshakes(watched), { full: handshakesFull, resumed: handshakesResumed });
          assert.equal(handshakesFull + handshakesResumed, 12);
          assert.ok(handshakesResumed >= least && handshakesResumed <= most, `${handshakesResumed} resumed`);
        });
      }

      const pinned = { pool: { maxConnections: 4, tlsSessions: 'pinned' } } as const;
      const title =
        'pinned, by users at once: only those that dial before there is a session shake hands in full';
      where(pinned)(title, async t => {
        const target = await openTestTarget(t, { tls });
        const watched = openSubject(t, subject, target.endpoint, {
          requestsPerConnection: 1,
          ...pinned,
        });
        await watched.askTimes(24, 4);
        const { full, resumed } = handshakes(watched);
        assert.ok(full >= 1 && full <= 4, `${full} full`);
        assert.equal(resumed, target.read().handshakesResumed);
        assert.equal(full + resumed, 24);
      });

      where(pinned)('a session pinned by one transport is not known to another', async t => {
        const target = await openTestTarget(t, { tls });
        for (const _ of [1, 2]) {
          const { askTimes } = openSubject(t, subject, target.endpoint, {
            requestsPerConnection: 1,
            pool: { maxConnections: 1, tlsSessions: 'pinned' },
          });
          await askTimes(3, 1);
        }
        assert.equal(target.read().handshakesFull, 2);
      });

      for (const [tlsContext, contexts] of [
        ['shared', 1],
        ['per-connection', 3],
      ] as const) {
        where({ pool: { tlsContext } })(
          `tlsContext ${tlsContext}: 3 connections have ${contexts}`,
          async t => {
            const target = await openTestTarget(t, { tls });
            const seen = watchContexts(t, target.endpoint);
            const { askTimes } = openSubject(t, subject, target.endpoint, {
              requestsPerConnection: 1,
              pool: { maxConnections: 1, tlsContext },
            });
            const ended = await askTimes(3, 1);
            assert.ok(ended.every(({ outcome }) => outcome === 'ok'));
            assert.deepEqual([seen.length, new Set(seen).size], [3, contexts]);
          },
        );
      }

      test('kept alive, one handshake is enough for a connection', async t => {
        const target = await openTestTarget(t, { tls });
        const watched = openSubject(t, subject, target.endpoint, {
          pool: { maxConnections: 1, tlsSessions: 'none' },
        });
        await watched.askTimes(10, 1);
        const { handshakesFull, handshakesResumed } = target.read();
        assert.deepEqual(handshakes(watched), { full: handshakesFull, resumed: handshakesResumed });
        assert.ok(handshakesFull >= 1 && handshakesFull + handshakesResumed <= mostOpen(subject, 1, 1));
        const [connection] = watched.connections;
        assert.ok(connection!.connectMs >= 0 && connection!.tlsMs > 0, JSON.stringify(connection));
      });
    });
  }
}
