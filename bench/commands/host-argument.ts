// In: hosts as they are typed, one an option. Out: the list of them, for commander; what is no host alone is refused.
import { InvalidArgumentError } from 'commander';
import { parseHost } from '../plan/allowed-hosts.ts';

export function addHost(text: string, hosts: readonly string[]): string[] {
  const host = parseHost(text);
  if (host === undefined) {
    throw new InvalidArgumentError('It must be a host name or an address, without scheme, port or path.');
  }
  return [...hosts, host];
}
