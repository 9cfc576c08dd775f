// In: a server that conntax did not start: what the scenario states of it, and what it was found to be. Out: both in words.
import type { ForeignServer } from '../bench/core/foreign-server.ts';
import type { CellResult } from '../results/model/run.ts';
import type { Target } from '../scenarios/model/target.ts';
import { foreignRemarks } from '../results/foreign-remarks.ts';
import { countText } from './words/numbers.ts';
import type { Fact } from './model.ts';

/** Of a target with a url. */
export function foreignTargetText({ url, protocol }: Target): string {
  return `${url}, a server that conntax did not start${protocol === 'h2' ? ', said to offer HTTP/2' : ''}`;
}

/** What the scenario says that the server does with connections; what it does not say is named as well. */
export function statedPolicyText(target: Target): string {
  const { connectionClose, keepAliveTimeoutMs, maxRequestsPerSocket, keepAliveHint } = target;
  const known: string[] = [];
  const unknown: string[] = [];
  if (connectionClose === null) unknown.push('whether answers carry Connection: close');
  else if (connectionClose) return 'as the scenario says of it, every answer carries Connection: close';
  if (keepAliveTimeoutMs === null) unknown.push('how long idle connections are kept');
  else if (keepAliveTimeoutMs === 0) known.push('idle connections are kept for ever');
  else known.push(`idle connections are kept ${countText(keepAliveTimeoutMs)} ms`);
  if (maxRequestsPerSocket === null) unknown.push('how many requests each may carry');
  else if (maxRequestsPerSocket === 0) known.push('any number of requests on each');
  else known.push(requestsOnEachText(maxRequestsPerSocket));
  if (keepAliveHint === null) unknown.push('whether a Keep-Alive header says so');
  else known.push(keepAliveHint ? 'a Keep-Alive header says so' : 'no Keep-Alive header');
  return [
    ...(known.length === 0 ? [] : [`as the scenario says of it, ${known.join(', ')}`]),
    ...(unknown.length === 0 ? [] : [`not stated: ${unknown.join(', ')}`]),
  ].join('; ');
}

/** What limits the figures of a cell whose server is not ours; none where it is. */
export function foreignCaveats({ server, scenario: { target } }: CellResult): string[] {
  if (server === null) return [];
  return [
    ...foreignRemarks(server, target),
    `conntax did not start ${server.url}: it is pinned to no core by us, was warmed up by the arms' own load only, and its CPU, its handshakes and the requests that it saw are not known.`,
    ...(server.isLoopback
      ? []
      : [
          'The server is another machine: the network, and whoever else it serves, are in every figure, and what it accepted is not known.',
        ]),
  ];
}

/** What the request before the run found. */
export function foundFacts(server: ForeignServer | null): Fact[] {
  return server === null ? [] : [{ label: 'Found before the run', value: foundText(server) }];
}

/** `status 200 over HTTP/1.1, TLSv1.3 (offers h2), Server: nginx/1.22.1, at 127.0.0.1 (loopback)`. */
export function foundText(server: ForeignServer): string {
  const { status, httpVersion, tlsVersion, alpn, software, address, isLoopback } = server;
  return [
    `status ${status} over HTTP/${httpVersion}`,
    ...(tlsVersion === null ? [] : [`${tlsVersion}${alpn === 'h2' ? ' (HTTP/2 is offered)' : ''}`]),
    ...(software === null ? [] : [`Server: ${software}`]),
    `at ${address}${isLoopback ? ' (loopback)' : ', another machine'}`,
  ].join(', ');
}

/** Of a connection that may carry so many. */
export function requestsOnEachText(most: number): string {
  return `at most ${countText(most)} request${most === 1 ? '' : 's'} on each`;
}
