// Refuses targets that machines cannot reach: loopback, and Unix sockets, are another place on each machine.
import { UsageError } from '../../results/errors.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import { isBuiltIn, isExternal } from '../../scenarios/model/target.ts';
import { isLoopback } from '../plan/allowed-hosts.ts';
import type { Plan } from '../plan/plan.ts';
import type { LocatedTarget } from '../run/find-servers.ts';

/** Of a machine and its network: those with the same one share 127.0.0.1. */
type Place = string;

interface Places {
  /** Of this process. */
  here: Place;
  /** The machines that send the load; none: this one does. */
  clients: readonly { name: string; place: Place }[];
  /** Where conntax's own target is started; undefined: here, on 127.0.0.1. */
  server: { address: string; place: Place } | undefined;
}

/** @throws UsageError before any load */
export function requireReachable(
  { cells }: Plan,
  located: readonly LocatedTarget[],
  { here, clients, server }: Places,
): void {
  const senders = clients.length === 0 ? [{ name: 'this machine', place: here }] : clients;
  const awayFrom = (place: Place): string[] =>
    senders.flatMap(sender => (sender.place === place ? [] : nameOf(sender)));
  const refusals = [
    ...cells.flatMap(({ id, scenario }) => {
      if (isExternal(scenario.target)) return [];
      if (server === undefined || !isBuiltIn(scenario.target)) return refuseStarted(id, awayFrom(here));
      return [
        ...(isLoopback(server.address) ? refuseLoopback(id, server.address, awayFrom(server.place)) : []),
        ...refuseSettings(id, scenario),
      ];
    }),
    ...new Set(located.flatMap(target => refuseLocated(target, awayFrom(here)))),
  ];
  if (refusals.length > 0) throw new UsageError(refusals.join('\n'));
}

function nameOf({ name }: { name: string }): string {
  return name === 'this machine' ? name : `machine ${name}`;
}

function refuseStarted(id: string, away: readonly string[]): string[] {
  if (away.length === 0) return [];
  return [
    `${id}: its server is started on this machine, on 127.0.0.1, which ${away.join(', ')} cannot reach; expected: a scenario with target.url, or --server with --server-address for conntax's own target`,
  ];
}

function refuseLoopback(id: string, address: string, away: readonly string[]): string[] {
  if (away.length === 0) return [];
  return [
    `${id}: --server-address ${address} is loopback on the machine of the server, which ${away.join(', ')} cannot reach; expected: an address that all machines reach`,
  ];
}

/** What needs processes of the run on the machine of the server. */
function refuseSettings(id: string, { link, limits, target }: Scenario): string[] {
  const settings = {
    link: link !== undefined,
    limits: limits !== undefined,
    'target.accepts': target.accepts === false,
  };
  return Object.entries(settings).flatMap(([setting, isStated]) =>
    isStated ? `${id}: ${setting} is not supported with --server-address; expected: a run without it` : [],
  );
}

function refuseLocated({ servers }: LocatedTarget, away: readonly string[]): string[] {
  if (away.length === 0) return [];
  return servers.flatMap(({ url, addresses, reach: { socketPath } }) => {
    if (socketPath === undefined && !addresses.some(isLoopback)) return [];
    const where =
      socketPath === undefined ? `on loopback (${addresses.join(', ')})` : `at the Unix socket ${socketPath}`;
    return [
      `${url} is ${where}, which is another place on ${away.join(', ')}; expected: an address that all machines reach, with --allow-host`,
    ];
  });
}
