// Whether the wire client's memory stays flat under load. Argument: --minutes of load.
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

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '3' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new TypeError('--minutes: expected a number above 0');

const host = await announce('Memory of the wire client');
const target = Target.parse({ behaviour: { name: 'fixed', bytes: 1024 }, keepAliveTimeoutMs: 600_000 });
const server = await startTarget(target, 1, host.pinning?.targetCpu ?? null);
try {
  await printSteady(server);
} finally {
  await server.kill();
}

function startWire(
  server: TargetProcess,
  title: string,
  requestsPerConnection: Client['requestsPerConnection'],
): Promise<Generator> {
  return startGenerator({
    title,
    entry: './generator-child',
    client: Client.parse({
      transport: 'wire',
      requestsPerConnection,
      pool: { maxConnections: CONCURRENCY },
    }),
    concurrency: CONCURRENCY,
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

async function printSteady(server: TargetProcess): Promise<void> {
  const arms = [];
  for (const requestsPerConnection of ['unlimited', 1] as const) {
    const name = requestsPerConnection === 1 ? 'short' : 'persistent';
    const child = await startWire(server, name, requestsPerConnection);
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
