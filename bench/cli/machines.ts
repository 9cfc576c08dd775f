// The machines of a run as its options state them: commands, and a file with more, of which everything wrong is said at once; opened, and
// checked against the plan.

import { resolve } from 'node:path';
import { z } from 'zod';
import { differences } from '../../report/words/run.ts';
import { errorMessage, type Problem, UsageError } from '../../results/errors.ts';
import { readTextFile } from '../../results/files.ts';
import type { Identity } from '../machines/channel.ts';
import { Fleet, requireReachable, type StatedMachine } from '../machines/fleet.ts';
import { describeIdentity, placeOf } from '../machines/identity.ts';
import { ServerMachine } from '../machines/machine.ts';
import { refusalOf } from '../plan/allowed-hosts.ts';
import type { Plan } from '../plan/plan.ts';
import { problemsOf } from '../plan/problems.ts';
import { formatProblems } from '../plan/read-scenarios.ts';
import { findDuplicateKeys, parseJson } from '../plan/scenario-json.ts';
import type { LocatedTarget } from '../run/find-servers.ts';
import type { Context } from './context.ts';

export interface MachineOptions {
  /** Commands that reach the machines which send the load; none: this one does. */
  machine?: readonly string[];
  /** A file with more of them. */
  machines?: string;
  /** Whether the run goes on without a machine that was lost. */
  allowFewerMachines?: boolean;
  /** A command that reaches the machine of the server. */
  server?: string;
  /** Port of the server there; default: that of its URL. */
  watchPort?: number;
  /** IPv4 address there on which conntax's own target is started; default: it is started here. */
  serverAddress?: string;
}

/** @throws UsageError for a file that cannot be read, or with something else than machines */
export function statedMachines(
  { machine = [], machines: file }: MachineOptions,
  cwd: string,
): StatedMachine[] {
  const commands = machine.map(command => ({ command }));
  if (file === undefined) return commands;
  return [...commands, ...readMachinesFile(file, cwd)];
}

const MAX_CORES = 1_024;
const EXAMPLE = '[{ "name": "gen1", "command": "ssh gen1 npx conntax agent", "cores": 4 }]';

const StatedMachines = z
  .array(
    z.strictObject({
      name: z.string().min(1).optional(),
      command: z.string().min(1),
      cores: z.int().min(1).max(MAX_CORES).optional(),
      weight: z.number().gt(0).optional(),
    }),
  )
  .min(1)
  .superRefine((listed, context) => {
    for (const [index, { name }] of listed.entries()) {
      const first = listed.findIndex(other => other.name === name);
      if (name === undefined || first === index) continue;
      context.addIssue({
        code: 'custom',
        path: [index, 'name'],
        message: `${JSON.stringify(name)} is also the name of machines.${first}`,
        params: { hint: 'each name once' },
      });
    }
  });

/** With a name for the list, which problems begin with. */
const Content = z.strictObject({ machines: StatedMachines });
const SCHEMA = z.toJSONSchema(Content, { io: 'input' });

/** @throws UsageError for a file that cannot be read, or with something else than machines */
function readMachinesFile(file: string, cwd: string): StatedMachine[] {
  const title = `--machines ${file}`;
  const text = readTextFile(resolve(cwd, file));
  if (text === undefined)
    throw new UsageError(`${title}: file not found; expected: a file such as ${EXAMPLE}`);
  let machines: unknown;
  try {
    machines = parseJson(text);
  } catch (error) {
    throw new UsageError(
      `${title} is not JSON (${errorMessage(error)}); expected: a list of machines such as ${EXAMPLE}`,
    );
  }
  const raw = { machines };
  const parsed = Content.safeParse(raw);
  const problems = [
    ...findDuplicateKeys(text).map(
      ({ path, message }): Problem => ({
        file: title,
        path: `machines.${path}`,
        message,
        hint: 'each key once',
      }),
    ),
    ...problemsOf(parsed.error?.issues ?? [], raw, title, SCHEMA),
  ];
  if (parsed.success && problems.length === 0) return parsed.data.machines;
  throw new UsageError(
    `${formatProblems(problems, 'file of machines')}\n\nA file of machines is a list such as ${EXAMPLE}.`,
    problems,
  );
}

/** The other machines of a run. */
export interface OtherMachines {
  /** Those that send the load; undefined: this one does. */
  fleet: Fleet | undefined;
  /** That of the server; undefined: no agent is there. */
  serverMachine: ServerMachine | undefined;
  /** @throws UsageError when one of them cannot reach a target of the plan */
  requireReachable(plan: Plan, located: readonly LocatedTarget[]): void;
  /** Ends every agent, and with it all that it has started. */
  close(): Promise<void>;
}

/**
 * Starts the agents of the options; undefined: no other machine takes part.
 * @throws UsageError for an address that load may not be sent to; UsageError, MeasureError like `Fleet.open`
 */
export async function openMachines(
  options: MachineOptions & { allowHost: readonly string[] },
  context: Context,
): Promise<OtherMachines | undefined> {
  const stated = statedMachines(options, context.cwd);
  requireServerOptions(options, options.allowHost);
  if (stated.length === 0 && options.server === undefined) return undefined;
  const own = await describeIdentity(context.version);
  return context.during('starting the agents on other machines', () =>
    openAll(options, { stated, own }, context),
  );
}

/** @throws UsageError when something is stated of a server that no agent is at, or load may not be sent to its address */
function requireServerOptions(
  { server, watchPort, serverAddress: address }: MachineOptions,
  allowHost: readonly string[],
): void {
  if (server === undefined && (watchPort ?? address) !== undefined) {
    const option = address === undefined ? '--watch-port' : '--server-address';
    throw new UsageError(`${option} is of the machine that --server reaches; expected: --server with it`);
  }
  if (address === undefined) return;
  const refusal = refusalOf(
    { setting: '--server-address', url: `http://${address}/`, addresses: [address] },
    allowHost,
  );
  if (refusal !== undefined) throw new UsageError(refusal);
}

async function openAll(
  {
    server: command,
    watchPort,
    serverAddress: address,
    allowFewerMachines: allowsFewer = false,
  }: MachineOptions,
  { stated, own }: { stated: readonly StatedMachine[]; own: Identity },
  { signal, output }: Context,
): Promise<OtherMachines> {
  const fleet = stated.length === 0 ? undefined : await Fleet.open({ stated, own, allowsFewer, signal });
  let serverMachine: ServerMachine | undefined;
  try {
    if (command !== undefined)
      serverMachine = await ServerMachine.open({ command, watchPort, address, own, signal });
  } catch (error) {
    await fleet?.close();
    throw error;
  }
  const server = serverMachine === undefined ? [] : [serverMachine.describe()];
  for (const { name, host } of [...(fleet?.describe() ?? []), ...server]) {
    output.note(`  machine ${name}: ${host.cpuCount} cores, ${host.cpuModel}, Node ${host.node}`);
  }
  for (const sentence of differences(fleet?.describe() ?? [])) output.note(`  ! ${sentence}`);
  return {
    fleet,
    serverMachine,
    requireReachable: (plan, located) =>
      requireReachable(plan, located, {
        here: placeOf(own),
        clients: fleet?.places ?? [],
        server: serverMachine && address !== undefined ? { address, place: serverMachine.place } : undefined,
      }),
    async close() {
      await Promise.all([fleet?.close(), serverMachine?.close()]);
    },
  };
}
