// In: a server, and the arms in turn under load on it. Out: what it counts, booked to the arm whose turn it is; ports towards it.
import type { TargetReading } from '../../servers/protocol.ts';
import { countHeldPorts, type Remote, waitForPorts } from '../probes/kernel.ts';
import type { Arm } from './arm.ts';
import { isOwnReading, type MeasuredTarget, type ServerReading } from './targets.ts';

// From readings of a server. Out: what they say of its connections, and where the ports of this machine lead to.

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

function closedConnections(reading: ServerReading | undefined): number {
  if (reading === undefined || !isOwnReading(reading)) return 0;
  return reading.requestsPerConnection.reduce((sum, entry) => sum + entry.connections, 0);
}

/** Where ports of this machine lead to: the server, and behind a relay the server again. */
function remotesOf({ endpoint: { origin }, isLoopback, link }: MeasuredTarget): Remote[] {
  const { protocol, port } = new URL(origin);
  const own = { port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port), isLoopback };
  return link === undefined ? [own] : [own, { port: link.upstreamPort, isLoopback: true }];
}

/** A connection that the client has may not be counted by the target yet: the accept is still in its queue. */
const ACCEPT_SETTLE = { tries: 20, pauseMs: 5 } as const;

/** One a server: its counts go on from turn to turn, whichever arm has it. */
export interface TargetAccount {
  /** Local ports that an arm's own closes hold towards it, where the kernel won't use them again. */
  heldPorts(): number;
  /** Waits until a turn finds so many ports. @throws MeasureError ports-exhausted, when waiting does not help. */
  waitForPorts(needed: number, onWait: (why: string) => void, signal: AbortSignal): Promise<void>;
  /** Before a turn: read as close to it as can be, so that no use of the process is the turn's but its own. */
  open(arm: Arm): Promise<void>;
  /**
   * Books a turn once it is complete, or has had the time to be.
   * @throws ChildError when the target has died or hangs
   */
  book(arm: Arm, isComplete: IsComplete): Promise<{ before: ServerReading; after: ServerReading }>;
  /** Books the ends of what the arm still had open when its client closed: `opened` in all, null where it does not count. */
  bookEnds(arm: Arm, opened: number | null): Promise<void>;
}

type IsComplete = (before: ServerReading, after: ServerReading) => boolean;

export function createTargetAccount(target: MeasuredTarget): TargetAccount {
  const remotes = remotesOf(target);
  let last: ServerReading | undefined;

  async function book(arm: Arm, isComplete: IsComplete) {
    await target.link?.settle();
    const before = last ?? (await target.read());
    let after = await target.read();
    for (let i = 0; i < ACCEPT_SETTLE.tries && !isComplete(before, after); i++) {
      await new Promise(resolve => setTimeout(resolve, ACCEPT_SETTLE.pauseMs));
      after = await target.read();
    }
    arm.countTarget(before, after);
    last = after;
    return { before, after };
  }

  return {
    heldPorts: () => Math.max(...remotes.map(countHeldPorts)),
    async waitForPorts(needed, onWait, signal) {
      for (const remote of remotes) await waitForPorts(remote, needed, onWait, signal);
    },
    async open(arm) {
      const now = await target.read();
      // A count of our own has the arms' connections alone, those that end between turns too; the kernel's is of all programs.
      if (last !== undefined && isOwnReading(last)) arm.countTarget(last, now);
      last = now;
    },
    book,
    async bookEnds(arm, opened) {
      if (last !== undefined && !isOwnReading(last)) return;
      const closedBefore = closedConnections(last);
      const stillOpen = (opened ?? arm.acceptedConnections()) - arm.closedConnections();
      await book(arm, (_before, after) => closedConnections(after) - closedBefore >= stillOpen);
    },
  };
}
