// Whether the wire client's memory stays flat under load, and what many connections cost that are held open. Arguments: parts
// (steady, held; both unless given), --minutes of steady load and --connections to hold.
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { Client } from '../../scenarios/model/client.ts';
import { Target } from '../../scenarios/model/target.ts';
import { startTarget, type TargetProcess } from '../run/targets.ts';
import { type Generator, type GeneratorOptions, runSlice, startGenerator } from './generators.ts';
import { announce } from './machine.ts';

const PARTS = ['steady', 'held'] as const;
const PLAIN = { head: [], border: [] };
const MIB = 2 ** 20;
const CONCURRENCY = 100;
const SLICE_MS = 5_000;
/** The heap grows to its working size first. */
const WARMUP_SHARE = 0.25;
/** Held connections carry a request each so often, which is often enough to notice that one is dead. */
const THINK_MS = 20_000;
const HELD_MS = 60_000;

interface Sample {
  atMs: number;
  rssBytes: number;
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '3' },
    connections: { type: 'string', default: '10000' },
  },
});
const minutes = Number(values.minutes);
const connections = Number(values.connections);
const unknown = positionals.filter(name => !PARTS.some(part => part === name));
if (unknown.length > 0) throw new TypeError(`unknown: ${unknown.join(', ')}; expected: ${PARTS.join(', ')}`);
if (!(minutes > 0) || !Number.isInteger(connections) || connections < 1)
  throw new TypeError('expected: --minutes above 0, and an integer --connections from 1');

const host = await announce('Memory of the wire client');
const target = Target.parse({ behaviour: { name: 'fixed', bytes: 1024 }, keepAliveTimeoutMs: 600_000 });
const server = await startTarget(target, 1, host.pinning?.targetCpu ?? null);
try {
  if (isAsked('steady')) await printSteady(server);
  if (isAsked('held')) await printHeld(server);
} finally {
  await server.kill();
}

function isAsked(part: (typeof PARTS)[number]): boolean {
  return positionals.length === 0 || positionals.includes(part);
}

function startWire(
  server: TargetProcess,
  title: string,
  client: Partial<Client>,
  load: Pick<GeneratorOptions, 'concurrency' | 'thinkMs'>,
): Promise<Generator> {
  return startGenerator({
    title,
    entry: './generator-child',
    client: Client.parse({ transport: 'wire', pool: { maxConnections: load.concurrency }, ...client }),
    phases: true,
    target,
    server,
    cpu: host.pinning?.generatorCpu ?? null,
    ...load,
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
    const child = await startWire(server, name, { requestsPerConnection }, { concurrency: CONCURRENCY });
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

async function printHeld(server: TargetProcess): Promise<void> {
  const child = await startWire(server, 'held', {}, { concurrency: connections, thinkMs: THINK_MS });
  try {
    const { before, after, completed, failed, opened } = await runSlice(child, HELD_MS);
    const { openConnections } = await server.read();
    const rss = [before.rssBytes, after.rssBytes].map(bytes => (bytes / MIB).toFixed(1));
    const perConnection = (after.rssBytes - before.rssBytes) / 1_024 / connections;
    console.log(
      `held: ${connections} users who ask every ${THINK_MS / 1_000} s, for ${HELD_MS / 1_000} s: ${opened} connections opened, ` +
        `${openConnections} open at the end by the target's count, ${completed} answers, ${failed} failed; ` +
        `RSS ${rss.join(' to ')} MiB, ${perConnection.toFixed(1)} KiB per connection\n`,
    );
  } finally {
    await child.kill();
  }
}
