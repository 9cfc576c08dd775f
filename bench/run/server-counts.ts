// In: readings of a server. Out: what they say of its connections, and where the ports of this machine lead to.
import type { TargetReading } from '../../servers/protocol.ts';
import type { Remote } from './port-watch.ts';
import { isOwnReading, type MeasuredTarget, type ServerReading } from './targets.ts';

/**
 * Whether a server has seen all that an arm did in its turn: the connections that were opened and, where the arm has closed
 * them, their ends. A load tool that does not count its connections has.
 */
export function hasSeenAll(
  before: ServerReading,
  after: ServerReading,
  { opened, isClosed, isTls }: { opened: number; isClosed: boolean; isTls: boolean },
): boolean {
  return readyBetween(before, after, isTls) >= opened && (!isClosed || openBetween(before, after) <= 0);
}

/** Accepted and, under TLS, shaken hands with, in between; without end where nobody counts: there is nothing to wait for. */
function readyBetween(before: ServerReading, after: ServerReading, isTls: boolean): number {
  if (before.accepted === null || after.accepted === null) return Number.POSITIVE_INFINITY;
  return isTls && isOwnReading(before) && isOwnReading(after)
    ? handshakesOf(after) - handshakesOf(before)
    : after.accepted - before.accepted;
}

/** How many more are open after than before; 0 where nobody counts. */
function openBetween(before: ServerReading, after: ServerReading): number {
  return isOwnReading(before) && isOwnReading(after) ? after.openConnections - before.openConnections : 0;
}

function handshakesOf({ handshakesFull, handshakesResumed }: TargetReading): number {
  return handshakesFull + handshakesResumed;
}

export function closedConnections(reading: ServerReading | undefined): number {
  if (reading === undefined || !isOwnReading(reading)) return 0;
  return reading.requestsPerConnection.reduce((sum, entry) => sum + entry.connections, 0);
}

/** Where ports of this machine lead to: the server, and behind a relay the server again. */
export function remotesOf({ endpoint: { origin }, isLoopback, link }: MeasuredTarget): Remote[] {
  const { protocol, port } = new URL(origin);
  const own = { port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port), isLoopback };
  return link === undefined ? [own] : [own, { port: link.upstreamPort, isLoopback: true }];
}
