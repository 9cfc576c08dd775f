// HTTP/2 beside HTTP/1.1, and handshakes full and resumed, in one run: what both ends counted, and how it is shown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ledger } from '../../results/model/trial.ts';
import { callCli } from '../testing/in-process.ts';
import { runHere } from './testing/cli.ts';
import { openWorkspace, tinyScenario } from './testing/workspace.ts';

const CLIENTS = {
  h2: {
    protocol: 'h2',
    pool: { maxConnections: 1, maxConcurrentStreams: 4, idleTimeoutMs: 60_000, tlsSessions: 'none' },
  },
  pool: { pool: { maxConnections: 2, tlsSessions: 'none' } },
  full: { requestsPerConnection: 1, pool: { maxConnections: 4, tlsSessions: 'none' } },
  resumed: { requestsPerConnection: 1, pool: { maxConnections: 4, tlsSessions: 'pinned' } },
} as const;

test('arms of both protocols at one target: connections, protocols and handshakes by both counts', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario({
    ...tinyScenario(),
    target: { protocol: 'h2', tls: '1.3', tlsKey: 'rsa', maxConcurrentStreams: 9 },
    clients: CLIENTS,
    baseline: 'full',
  });
  const run = await runHere(t, ['run', file, '--verbose'], { cwd: workspace.dir });
  assert.equal(run.status, 0, run.stderr);
  const ledgers = new Map<string, Ledger>();
  for (const trial of workspace.onlyRun().trials) {
    assert.ok(trial.state === 'completed', trial.trial.id);
    ledgers.set(trial.trial.arm, trial.measurement.ledger);
  }

  await t.test('each arm speaks the protocol that it states, and both ends count alike', () => {
    for (const [arm, ledger] of ledgers) {
      const {
        opened,
        accepted,
        acceptedHttp2,
        requestsSent,
        requestsSeen,
        handshakesFull,
        handshakesResumed,
      } = ledger;
      assert.ok(requestsSent > 0 && requestsSeen === requestsSent, arm);
      assert.equal(opened, accepted, arm);
      assert.equal(acceptedHttp2, arm === 'h2' ? accepted : 0, arm);
      assert.equal(handshakesFull! + handshakesResumed!, accepted, arm);
      const byClient = [ledger.clientHandshakesFull, ledger.clientHandshakesResumed];
      assert.deepEqual(byClient, [handshakesFull, handshakesResumed], arm);
    }
  });

  await t.test('one connection of HTTP/2 is enough for all users, and no more were allowed', () => {
    const { accepted, needed, requestsPerConnection, requestsSeen } = ledgers.get('h2')!;
    assert.deepEqual([accepted, needed], [1, { least: 1, most: 1 }]);
    const [only, ...others] = requestsPerConnection!;
    assert.deepEqual(others, []);
    assert.ok(Math.abs(only!.requests - requestsSeen!) <= requestsSeen! * 0.05);
  });

  await t.test(
    'sessions are resumed where they are pinned, but for the first dials, and nowhere else',
    () => {
      const { handshakesFull, handshakesResumed, requestsSent } = ledgers.get('resumed')!;
      assert.ok(handshakesFull! >= 1 && handshakesFull! <= 4, `${handshakesFull} full`);
      assert.equal(handshakesResumed, requestsSent - handshakesFull!);
      assert.equal(ledgers.get('full')!.handshakesFull, ledgers.get('full')!.requestsSent);
      assert.equal(ledgers.get('full')!.handshakesResumed, 0);
    },
  );

  await t.test('the report tells them', () => {
    assert.match(run.stdout, /TLS handshakes/);
    assert.match(run.stdout, /h2 \(persistent, HTTP\/2\)/);
  });
});

test('HTTP/2 that no client supports is refused before anything starts', async t => {
  const workspace = await openWorkspace(t);
  const file = await workspace.writeScenario({ ...tinyScenario(), clients: { short: { protocol: 'h2' } } });
  const run = await callCli(['run', file], { cwd: workspace.dir });
  assert.equal(run.status, 2);
  assert.match(run.stderr, /clients\.short\.protocol.*does not offer HTTP\/2/s);
});
