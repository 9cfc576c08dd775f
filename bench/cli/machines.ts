// The machines of a run as its options state them: commands, and a file with more; opened, and checked against the plan.
import { resolve } from 'node:path';
import { z } from 'zod';
import { differences } from '../../report/words/machines.ts';
import { errorMessage, UsageError } from '../../results/errors.ts';
import { readTextFile } from '../../results/files.ts';
import { Fleet, type StatedMachine } from '../machines/fleet.ts';
import { describeIdentity } from '../machines/identity.ts';
import type { Context } from './context.ts';

export interface MachineOptions {
  /** Commands that reach the machines which send the load; none: this one does. */
  machine?: readonly string[];
  /** A file with more of them. */
  machines?: string;
  /** Whether the run goes on without a machine that was lost. */
  allowFewerMachines?: boolean;
}

const MOST_CORES = 1_024;

const MachinesFile = z
  .array(
    z.strictObject({
      name: z.string().min(1).optional(),
      command: z.string().min(1),
      cores: z.int().min(1).max(MOST_CORES).optional(),
      weight: z.number().gt(0).optional(),
    }),
  )
  .min(1);

/** @throws UsageError for a file that cannot be read, or with something else than machines */
export function statedMachines(
  { machine = [], machines: file }: MachineOptions,
  cwd: string,
): StatedMachine[] {
  const commands = machine.map(command => ({ command }));
  if (file === undefined) return commands;
  const parsed = MachinesFile.safeParse(readContent(file, cwd));
  if (parsed.success) return [...commands, ...parsed.data];
  const problems = parsed.error.issues.map(
    ({ path: place, message }) => `${place.join('.') || 'the file'}: ${message}`,
  );
  throw new UsageError(
    `--machines ${file}: ${problems.join('; ')}; expected: a list such as [{ "name": "gen1", "command": "ssh gen1 npx conntax agent", "cores": 4 }]`,
  );
}

/** @throws UsageError */
function readContent(file: string, cwd: string): unknown {
  const text = readTextFile(resolve(cwd, file));
  if (text === undefined) throw new UsageError(`--machines ${file}: file not found`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--machines ${file}: ${errorMessage(error)}`);
  }
}

/**
 * Starts the agents of the options; undefined: this machine sends the load.
 * @throws UsageError, MeasureError like `Fleet.open`
 */
export async function openFleet(options: MachineOptions, context: Context): Promise<Fleet | undefined> {
  const stated = statedMachines(options, context.cwd);
  if (stated.length === 0) return undefined;
  const own = await describeIdentity(context.version);
  const { allowFewerMachines: allowsFewer = false } = options;
  const fleet = await context.during('starting the agents on other machines', () =>
    Fleet.open({ stated, own, allowsFewer, signal: context.signal }),
  );
  for (const { name, identity } of fleet.machines) {
    const { cpuModel, cpuCount, node } = identity.host;
    context.output.note(`  machine ${name}: ${cpuCount} cores, ${cpuModel}, Node ${node}`);
  }
  for (const sentence of differences(fleet.describe())) context.output.note(`  ! ${sentence}`);
  return fleet;
}
