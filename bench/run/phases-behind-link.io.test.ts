// A generator behind a real relay: the handshake's round trip is where the phases say that it is, and is moved to connect.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { CompletedTrial, Trial } from '../../results/model/trial.ts';
import { splitPhases, spreadPhases } from '../../results/phases.ts';
import { phasedTrial } from '../../results/testing/sample-run.ts';
import { Client } from '../../scenarios/model/client.ts';
import { Load } from '../../scenarios/model/load.ts';
import { Link, Target } from '../../scenarios/model/target.ts';
import { openRelay } from '../../servers/link/relay.ts';
import { openTestTarget } from '../../servers/testing/target.ts';
import type { GeneratorCommand, GeneratorReply } from '../protocol.ts';
import { spawnChild } from './child.ts';

const LIMIT_MS = 20_000;
const ROUND_TRIP_MS = 20;
/** Lower limit of the average: a client learns a little late that it is connected, and the relay may be a little early. */
const MIN_US = ROUND_TRIP_MS * 900;

async function measure(
  t: TestContext,
  tls: Target['tls'],
  requestsPerConnection: 1 | 'unlimited',
): Promise<CompletedTrial> {
  const target = await openTestTarget(t, { tls });
  const link = Link.parse({ roundTripMs: ROUND_TRIP_MS });
  const { port, protocol } = new URL(target.endpoint.origin);
  const relay = await openRelay({ upstreamPort: Number(port), link, seed: 1 });
  t.after(relay.close);
  const endpoint = { ...target.endpoint, origin: `${protocol}//127.0.0.1:${relay.port}` };
  const child = spawnChild<GeneratorCommand, GeneratorReply>({
    title: 'the generator',
    entry: './generator-child',
    cpu: null,
  });
  t.after(() => child.kill());
  const { trial: base, ...rest } = phasedTrial({ requests: [] });
  const client = Client.parse({ requestsPerConnection, pool: { maxConnections: 4 } });
  const trial: Trial = {
    ...base,
    target: Target.parse({ tls }),
    link,
    load: Load.parse({ concurrency: 4 }),
    client,
  };
  await child.ask({ type: 'prepare', trial, endpoint }, 'ready', LIMIT_MS);
  for (const isRecorded of [false, true]) {
    const order = { rampMs: 100, windowMs: 500, drainMs: 1_000, isRecorded, epochMs: Date.now() };
    await child.ask({ type: 'slice', order }, 'slice', LIMIT_MS);
  }
  const { reading } = await child.ask({ type: 'finish' }, 'finished', LIMIT_MS);
  const { response, service, wait, firstByte, body, connect, tls: handshake } = reading;
  const recorded = { response, service, wait, firstByte, body, connect, tls: handshake };
  const { completedRecorded: completed, failedRecorded: failed } = reading;
  return { ...rest, trial, measurement: { ...rest.measurement, ...recorded, completed, failed } };
}

for (const tls of ['none', '1.3'] as const) {
  test(`short connections, TLS ${tls}: a round trip each for connect, handshake and first byte`, async t => {
    const trial = await measure(t, tls, 1);
    const { parts, connectionsPerRequest } = splitPhases([trial])!;
    assert.ok(connectionsPerRequest > 0.5, `${connectionsPerRequest}`);
    const { connect, tls: handshake } = spreadPhases([trial]);
    assert.ok(connect!.meanUs >= MIN_US);
    assert.ok(parts.connect >= MIN_US * connectionsPerRequest);
    assert.ok(parts.firstByte >= MIN_US, 'what is left of the first byte is the round trip of the request');
    if (tls === 'none') assert.equal(handshake, null);
    else assert.ok(handshake!.meanUs >= MIN_US, `${handshake!.meanUs}`);
    const measured = tls === 'none' ? trial.measurement.firstByte : trial.measurement.tls;
    assert.ok(measured.meanUs >= 2 * MIN_US, 'as measured, it has the round trip of the TCP handshake too');
  });
}

test('connections that stay open: nothing is moved', async t => {
  const { parts, connectionsPerRequest } = splitPhases([await measure(t, 'none', 'unlimited')])!;
  assert.deepEqual([connectionsPerRequest, parts.connect, parts.tls], [0, 0, 0]);
  assert.ok(parts.firstByte >= MIN_US);
});
