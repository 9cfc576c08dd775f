// Refuses targets that a client cannot reach as the scenario asks; each client's own file says why it cannot.
import type { Client } from '../../scenarios/model/client.ts';
import type { REACH_SETTINGS, Target } from '../../scenarios/model/target.ts';
import type { Refusal } from '../contracts.ts';

type ReachSetting = (typeof REACH_SETTINGS)[number];

/** The clients that follow such a setting. */
const ABLE: Readonly<Record<ReachSetting, string>> = {
  certFile: 'transport: undici, node-http or wire',
  serverName: 'transport: undici, node-http or wire',
  socketPath: 'transport: undici, node-http or wire',
  proxy: 'transport: undici or node-http',
  origins: 'transport: undici, node-http or fetch',
  urls: 'transport: undici, node-http or fetch',
};

/** @param unable settings of a target that the client cannot follow, with the reasons */
export function reachRefusals(
  target: Target,
  unable: Readonly<Partial<Record<ReachSetting, string>>>,
): Refusal[] {
  return Object.entries(unable)
    .filter(([setting]) => target[setting as ReachSetting] !== undefined)
    .map(([setting, why]) => ({
      path: 'transport',
      message: `cannot follow target.${setting}: ${why}`,
      hint: ABLE[setting as ReachSetting],
    }));
}

/** Refuses settings of TCP for a Unix socket. */
export function socketRefusals({ pool }: Client, { socketPath }: Target): Refusal[] {
  if (socketPath === undefined) return [];
  const refused: Refusal[] = [];
  if (pool.tcpKeepAliveMs !== undefined) {
    refused.push({
      path: 'pool.tcpKeepAliveMs',
      message: 'a Unix socket has no keep-alive probes',
      hint: 'no tcpKeepAliveMs, or a target without socketPath',
    });
  }
  if (pool.closing === 'reset') {
    refused.push({
      path: 'pool.closing',
      message: 'a Unix socket cannot be reset',
      hint: "'client' or 'server', or a target without socketPath",
    });
  }
  return refused;
}
