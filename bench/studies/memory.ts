// The wire client's memory: under steady load, and with many connections held open. Arguments: --minutes of steady load (0: none),
// and --held, numbers of connections, which descriptors and local ports have to suffice for.
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { Client } from '../../scenarios/model/client.ts';
import { Target } from '../../scenarios/model/target.ts';
import { startTarget, type TargetProcess } from '../run/targets.ts';
import { type Generator, runSlice, startGenerator } from './generators.ts';
import { announce } from './machine.ts';

const PLAIN = { head: [], border: [] };
const MIB = 2 ** 20;
const CONCURRENCY = 100;
const SLICE_MS = 5_000;
/** The heap grows to its working size first. */
const WARMUP_SHARE = 0.25;

interface Sample {
  atMs: number;
  rssBytes: number;
}

/** Answers that take as long keep all connections in use at once. */
const HELD_ANSWER_MS = 10_000;
/** All have begun before the first answer frees a connection. */
const HELD_RAMP_MS = 5_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    held: { type: 'string', default: '100,1000,10000' },
  },
});
const minutes = Number(values.minutes);
if (!(minutes >= 0)) throw new TypeError('--minutes: expected a number of at least 0');
const heldCounts = values.held.split(',').filter(Boolean).map(Number);
if (!heldCounts.every(count => Number.isInteger(count) && count > 0))
  throw new TypeError('--held: expected integers above 0, separated by commas');

const host = await announce('Memory of the wire client');
if (minutes > 0) {
  const target = Target.parse({ behaviour: { name: 'fixed', bytes: 1024 }, keepAliveTimeoutMs: 600_000 });
  const server = await startTarget(target, 1, host.pinning?.targetCpu ?? null);
  try {
    await printSteady(target, server);
  } finally {
    await server.kill();
  }
}
if (heldCounts.length > 0) await printHeld();

interface WireOptions {
  target: Target;
  server: TargetProcess;
  title: string;
  requestsPerConnection: Client['requestsPerConnection'];
  concurrency?: number;
}

function startWire({
  target,
  server,
  title,
  requestsPerConnection,
  concurrency = CONCURRENCY,
}: WireOptions): Promise<Generator> {
  return startGenerator({
    title,
    entry: './generator-child',
    client: Client.parse({
      transport: 'wire',
      requestsPerConnection,
      pool: { maxConnections: concurrency },
    }),
    concurrency,
    phases: true,
    target,
    server,
    cpu: host.pinning?.generatorCpu ?? null,
  });
}

/** Bytes per minute, by least squares. */
function slopePerMinute(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number) =>
    samples.reduce((sum, s) => sum + of(s), 0) / samples.length;
  const meanAtMs = mean(({ atMs }) => atMs);
  const meanBytes = mean(({ rssBytes }) => rssBytes);
  const spread = mean(({ atMs }) => (atMs - meanAtMs) ** 2);
  return (mean(({ atMs, rssBytes }) => (atMs - meanAtMs) * (rssBytes - meanBytes)) / spread) * 60_000;
}

async function printSteady(target: Target, server: TargetProcess): Promise<void> {
  const arms = [];
  for (const requestsPerConnection of ['unlimited', 1] as const) {
    const name = requestsPerConnection === 1 ? 'short' : 'persistent';
    const child = await startWire({ target, server, title: name, requestsPerConnection });
    arms.push({ name, child, samples: [] as Sample[], requests: 0, failed: 0 });
  }
  const startedAtMs = performance.now();
  try {
    while (performance.now() - startedAtMs < minutes * 60_000) {
      for (const arm of arms) {
        const { after, exchanges, failed } = await runSlice(arm.child, SLICE_MS);
        arm.samples.push({ atMs: performance.now() - startedAtMs, rssBytes: after.rssBytes });
        arm.requests += exchanges;
        arm.failed += failed;
      }
    }
  } finally {
    await Promise.all(arms.map(({ child }) => child.kill()));
  }
  const table = new Table({
    style: PLAIN,
    head: ['connections', 'requests', 'failed', 'RSS after warm-up, MiB', 'at the end', 'slope, MiB/minute'],
  });
  for (const { name, samples, requests, failed } of arms) {
    const warm = samples.slice(Math.floor(samples.length * WARMUP_SHARE));
    const [first, last] = [warm[0]!, warm.at(-1)!].map(({ rssBytes }) => (rssBytes / MIB).toFixed(1));
    table.push([name, requests, failed, first, last, (slopePerMinute(warm) / MIB).toFixed(2)]);
  }
  console.log(
    `steady load, ${CONCURRENCY} users, ${minutes} minutes, both in turn for ${SLICE_MS / 1_000} s:\n${table.toString()}\n`,
  );
}

interface Held {
  open: number;
  failed: number;
  clientRssBytes: number;
  targetRssBytes: number;
}

/** Every user has a connection of its own, since all wait for their answers at once; between the slices they are idle. */
async function hold(connections: number): Promise<Held> {
  const behaviour = { name: 'delay', distribution: 'constant', meanMs: HELD_ANSWER_MS };
  const target = Target.parse({ behaviour, keepAliveTimeoutMs: 600_000 });
  const server = await startTarget(target, 1, host.pinning?.targetCpu ?? null);
  try {
    const child = await startWire({
      target,
      server,
      title: `${connections} held`,
      requestsPerConnection: 'unlimited',
      concurrency: connections,
    });
    try {
      const { after, failed } = await runSlice(child, HELD_ANSWER_MS * 2, {
        spreadMs: HELD_RAMP_MS,
        drainMs: HELD_ANSWER_MS * 4,
      });
      const { openConnections, rssBytes } = await server.read();
      return {
        open: openConnections,
        failed,
        clientRssBytes: after.rssBytes,
        targetRssBytes: rssBytes,
      };
    } finally {
      await child.kill();
    }
  } finally {
    await server.kill();
  }
}

async function printHeld(): Promise<void> {
  const table = new Table({
    style: PLAIN,
    head: [
      'connections',
      'open at the target',
      'failed',
      'client RSS, MiB',
      'target RSS, MiB',
      'client, KiB a connection',
    ],
  });
  let least: { connections: number; rssBytes: number } | undefined;
  for (const connections of heldCounts) {
    const { open, failed, clientRssBytes, targetRssBytes } = await hold(connections);
    least ??= { connections, rssBytes: clientRssBytes };
    const more = connections - least.connections;
    table.push([
      connections,
      open,
      failed,
      (clientRssBytes / MIB).toFixed(1),
      (targetRssBytes / MIB).toFixed(1),
      more === 0 ? '' : ((clientRssBytes - least.rssBytes) / more / 1_024).toFixed(1),
    ]);
  }
  console.log(
    `held open, each by a user of its own, after answers that take ${HELD_ANSWER_MS / 1_000} s:\n${table.toString()}\n`,
  );
}
