// Starts each command of a plan once before the run, so that what cannot start or answer is reported before any load.
import { MeasureError } from '../../results/errors.ts';
import { hostOf } from '../../scenarios/model/host.ts';
import { prepareRequests, secretsOf } from '../clients/request.ts';
import type { Plan, PlannedCell } from '../plan/plan.ts';
import { ChildError } from './child.ts';
import { type FoundTarget, findServers } from './find-servers.ts';
import { type CommandTarget, commandFolder, hasCommand, startServer } from './started-server.ts';

interface RehearseOptions {
  /** Core to pin the servers to; null: not pinned. */
  cpu: number | null;
  signal: AbortSignal;
  /** Called before a command is started. */
  onStart: (command: string, folder: string) => void;
}

/**
 * Starts each server of the plan that has a command, sends it one request, and ends it.
 * @returns the servers by cell, in the order of the cell's targets
 * @throws MeasureError when one does not start, or cannot be measured; UsageError when it cannot be run; the reason of the signal
 */
export async function rehearseServers(
  { cells }: Plan,
  options: RehearseOptions,
): Promise<Map<string, FoundTarget[]>> {
  const found = new Map<string, FoundTarget[]>();
  const seen = new Map<string, FoundTarget>();
  for (const cell of cells) {
    const { target, request, requests } = cell.scenario;
    if (!hasCommand(target)) continue;
    const servers: FoundTarget[] = [];
    for (const { code } of cell.targets) {
      const key = JSON.stringify([target, request, requests, code]);
      const server = seen.get(key) ?? (await rehearse(cell, target, code, options));
      seen.set(key, server);
      servers.push(server);
    }
    found.set(cell.id, servers);
  }
  return found;
}

async function rehearse(
  { id, scenario }: PlannedCell,
  stated: CommandTarget,
  code: PlannedCell['targets'][number]['code'],
  { cpu, signal, onStart }: RehearseOptions,
): Promise<FoundTarget> {
  const requests = prepareRequests(scenario, '/', process.env);
  onStart(stated.command, commandFolder(stated, code));
  try {
    const server = await startServer(stated, { code, cpu, secrets: secretsOf(requests), signal });
    try {
      const { origin } = server.endpoint;
      const hasUserModules = Object.values(scenario.clients).some(
        ({ modulePath }) => modulePath !== undefined,
      );
      const located = {
        url: new URL('/', origin).href,
        reach: {},
        addresses: [hostOf(origin)],
        requests,
      };
      const target = { servers: [located], cells: [{ id, target: stated, hasUserModules }] };
      return (await findServers([target], signal)).get(id)!;
    } finally {
      await server.kill();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof ChildError)) throw error;
    const place = code === undefined ? '' : ` (${code.label})`;
    const output = error.stderr === '' ? 'It printed nothing.' : `Its output ends with:\n${error.stderr}`;
    throw new MeasureError('target-start', `${error.message}${place}. ${output}`, { cause: error });
  }
}
