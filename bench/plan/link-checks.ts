// In: a scenario whose fields are each valid. Out: what its link can't do.
import type { Scenario } from '../core/scenario.ts';
import type { CrossProblem } from './cross-checks.ts';

/** The relay stands on this machine and leads to it: a server elsewhere has a network of its own in front of it. */
const LOOPBACK_HOSTS = ['127.0.0.1', 'localhost'];

export function checkLink({ link, target: { url } }: Scenario): CrossProblem[] {
  if (link === undefined || url === undefined) return [];
  const { hostname } = new URL(url);
  if (LOOPBACK_HOSTS.includes(hostname)) return [];
  return [
    {
      path: ['link'],
      about: [['link'], ['target', 'url']],
      message: `a link can only be put in front of a server on this machine, and target.url is on ${hostname}`,
      hint: `leave it out: the network to ${hostname} is there already; or a url on 127.0.0.1`,
    },
  ];
}
