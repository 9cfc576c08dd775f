// In: a scenario whose fields are each valid. Out: what is expected of connections that its settings give no bound for.
import { type Client, connectionLimit } from '../../scenarios/model/client.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import type { Target } from '../../scenarios/model/target.ts';
import type { CrossProblem } from './rules.ts';

const METRIC = 'unneededConnectionsPer1kRequests';

export function checkExpectedConnections({ clients, expect, target }: Scenario): CrossProblem[] {
  return expect.flatMap(({ metric, of, over }, index): CrossProblem[] => {
    if (metric !== METRIC) return [];
    const path = ['expect', index, 'metric'];
    const client = Object.hasOwn(clients, of) ? clients[of] : undefined;
    if (over !== undefined)
      return [
        {
          path: ['expect', index, 'over'],
          about: [path],
          message: 'connections beyond need are none of a client that reuses, so there is no ratio of them',
          hint: 'leave it out, or expect connectionsPer1kRequests',
        },
      ];
    if (client === undefined || isBounded(client, target)) return [];
    return [
      {
        path,
        about: [path, ['clients', of]],
        message: `${of} may open as many connections as it likes, so that none is beyond need`,
        hint: 'a client with pool.maxConnections, or connectionsPer1kRequests',
      },
    ];
  });
}

/** Whether the settings say how many connections so many requests can take (results/connections.ts). */
function isBounded({ pool, protocol, requestsPerConnection }: Client, target: Target): boolean {
  const isShared = protocol === 'h2' || Number.isFinite(connectionLimit(pool));
  return isShared || requestsPerConnection !== 'unlimited' || target.connectionClose === true;
}
