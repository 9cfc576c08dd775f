// Refuses targets that machines elsewhere cannot reach: loopback, and Unix sockets, are another place for each machine.
import { UsageError } from '../../results/errors.ts';
import { isExternal } from '../../scenarios/model/target.ts';
import { isLoopback } from '../plan/allowed-hosts.ts';
import type { Plan } from '../plan/plan.ts';
import type { LocatedTarget } from '../run/find-servers.ts';

/**
 * @param elsewhere names of the machines that are not this one
 * @throws UsageError before any load
 */
export function requireReachable(
  { cells }: Plan,
  located: readonly LocatedTarget[],
  elsewhere: readonly string[],
): void {
  if (elsewhere.length === 0) return;
  const who = `machine ${elsewhere.join(', ')}`;
  const own = cells
    .filter(({ scenario }) => !isExternal(scenario.target))
    .map(
      ({ id }) =>
        `${id}: its server is started here, on 127.0.0.1, which ${who} cannot reach; expected: a scenario with target.url, or machines that are this one`,
    );
  const local = located.flatMap(({ servers }) =>
    servers.flatMap(({ url, addresses, reach: { socketPath } }) => {
      if (socketPath === undefined && !addresses.some(isLoopback)) return [];
      const place =
        socketPath === undefined
          ? `on loopback (${addresses.join(', ')})`
          : `at the Unix socket ${socketPath}`;
      return [
        `${url} is ${place}, which is another place on ${who}; expected: an address that all machines reach, with --allow-host`,
      ];
    }),
  );
  const refusals = [...own, ...new Set(local)];
  if (refusals.length > 0) throw new UsageError(refusals.join('\n'));
}
