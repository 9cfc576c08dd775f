// What studies share: where and when they ran, tables, and generator processes with single slices of them.
import Table from 'cli-table3';
import type { Host } from '../../results/model/run.ts';
import type { Trial } from '../../results/model/trial.ts';
import type { Client } from '../../scenarios/model/client.ts';
import { Load } from '../../scenarios/model/load.ts';
import type { Target } from '../../scenarios/model/target.ts';
import { describeHost } from '../probes/host.ts';
import type { GeneratorCommand, GeneratorReply, SliceOrder, SliceReading } from '../protocol.ts';
import { type Child, spawnChild } from '../run/child.ts';
import type { TargetProcess } from '../run/targets.ts';

/** Prints when, where and with what a study is measured. */
export async function announce(title: string): Promise<Host> {
  const host = await describeHost();
  console.log(`# ${title}`);
  console.log(
    `${new Date().toISOString()}, ${host.cpuModel} x ${host.cpuCount}, Linux ${host.kernel}, Node ${host.node}, ` +
      `undici ${host.packages['undici']}, ${host.pinningDetail}, load average ${host.loadAverage[0]?.toFixed(2)}\n`,
  );
  return host;
}

/** A table without colours. */
export function createTable(head: string[]): InstanceType<typeof Table> {
  return new Table({ head, style: { head: [], border: [] } });
}

/** Users of the closed loads. */
export const CONCURRENCY = 100;

/** A trial that belongs to no run. */
export function trialOf({
  name,
  ...trial
}: { name: string } & Pick<Trial, 'client' | 'load' | 'phases' | 'target'>): Trial {
  return { ...trial, id: name, scenario: '', cell: '', replicate: 0, arm: name, seed: 1 };
}

export type Generator = Child<GeneratorCommand, GeneratorReply>;

export interface GeneratorOptions {
  title: string;
  /** As of `spawnChild`. */
  entry?: string;
  client: Client;
  /** Whether the phases of each request are recorded. */
  phases?: boolean;
  target: Target;
  server: TargetProcess;
  cpu: number | null;
}

/** Starts a generator with a closed load. */
export async function startGenerator({
  title,
  entry = './generator-child',
  client,
  phases = true,
  target,
  server,
  cpu,
}: GeneratorOptions): Promise<Generator> {
  const child: Generator = spawnChild({ title, entry, cpu });
  const load = Load.parse({ concurrency: CONCURRENCY });
  const trial = trialOf({ name: title, client, load, phases, target });
  await child.start({ type: 'prepare', trial, endpoint: server.endpoint }, 'ready');
  return child;
}

export async function runSlice(
  child: Pick<Generator, 'ask'>,
  windowMs: number,
  times: Partial<Pick<SliceOrder, 'rampMs' | 'isRecorded'>> = {},
): Promise<SliceReading> {
  const order = { rampMs: 10, windowMs, drainMs: 2_000, isRecorded: true, ...times, epochMs: Date.now() };
  return (await child.ask({ type: 'slice', order }, 'slice', windowMs + order.drainMs + 10_000)).reading;
}
