// Generator processes for studies, and single slices of them.
import type { Trial } from '../../results/model/trial.ts';
import type { Client } from '../../scenarios/model/client.ts';
import { Load } from '../../scenarios/model/load.ts';
import type { Target } from '../../scenarios/model/target.ts';
import type { GeneratorCommand, GeneratorReply, SliceOrder, SliceReading } from '../protocol.ts';
import { type Child, spawnChild } from '../run/child.ts';
import type { TargetProcess } from '../run/targets.ts';

export type Generator = Child<GeneratorCommand, GeneratorReply>;

export interface GeneratorOptions {
  title: string;
  /** As of `spawnChild`. */
  entry: string;
  client: Client;
  concurrency: number;
  /** Whether the phases of each request are recorded. */
  phases: boolean;
  target: Target;
  server: Pick<TargetProcess, 'endpoint'>;
  cpu: number | null;
}

export async function startGenerator(options: GeneratorOptions): Promise<Generator> {
  const { title, entry, client, concurrency, phases, target, server, cpu } = options;
  const child: Generator = spawnChild({ title, entry, cpu });
  const trial: Trial = {
    id: title,
    scenario: '',
    cell: '',
    replicate: 0,
    arm: title,
    seed: 1,
    target,
    phases,
    load: Load.parse({ concurrency }),
    client,
  };
  await child.start({ type: 'prepare', trial, endpoint: server.endpoint }, 'ready');
  return child;
}

export async function runSlice(
  child: Pick<Generator, 'ask'>,
  windowMs: number,
  times: Partial<Pick<SliceOrder, 'spreadMs' | 'drainMs' | 'rampMs' | 'isRecorded'>> = {},
): Promise<SliceReading> {
  const order = { rampMs: 10, windowMs, drainMs: 2_000, isRecorded: true, ...times, epochMs: Date.now() };
  return (await child.ask({ type: 'slice', order }, 'slice', windowMs + order.drainMs + 10_000)).reading;
}
