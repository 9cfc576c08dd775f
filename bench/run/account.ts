// Assigns what a target counts during a slice to the arm that ran it, and watches the local ports used towards the target.
import { setTimeout as delay } from 'node:timers/promises';
import type { TimeWait } from '../../results/model/trial.ts';
import { hostAndPort } from '../../scenarios/model/facts.ts';
import type { TargetReading } from '../../servers/protocol.ts';
import { proxyPort } from '../clients/proxy.ts';
import { countHeldPorts, type Remote, readTimeWait, waitForPorts } from '../probes/kernel.ts';
import type { Arm } from './arm.ts';
import { isOwnReading, type MeasuredTarget, type ServerReading } from './targets.ts';

/**
 * Whether a server has counted everything an arm did in its slice: the connections it opened and, if the arm closed
 * them, their ends. True for a load tool that does not count its connections.
 */
export function hasSeenAll(
  before: ServerReading,
  after: ServerReading,
  { opened, isClosed, isTls }: { opened: number; isClosed: boolean; isTls: boolean },
): boolean {
  return readyBetween(before, after, isTls) >= opened && (!isClosed || openBetween(before, after) <= 0);
}

/** Connections accepted in between, with TLS those with a finished handshake; infinite if not counted, so nothing is waited for. */
function readyBetween(before: ServerReading, after: ServerReading, isTls: boolean): number {
  if (before.accepted === null || after.accepted === null) return Number.POSITIVE_INFINITY;
  return isTls && isOwnReading(before) && isOwnReading(after)
    ? handshakesOf(after) - handshakesOf(before)
    : after.accepted - before.accepted;
}

/** Increase in open connections; 0 if not counted. */
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

/** The remote ends of this machine's ports: the server or its proxy, and behind a relay the server again; none of a Unix socket. */
function remotesOf({
  endpoint: { origin, origins, socketPath, proxyUrl },
  isLoopback,
  link,
}: MeasuredTarget): Remote[] {
  if (socketPath !== undefined) return [];
  if (proxyUrl !== undefined) return [{ port: proxyPort(proxyUrl), isLoopback }];
  const places = origins ?? [{ origin }];
  const own = places.map(place => ({ port: hostAndPort(place.origin).port, isLoopback }));
  return link === undefined ? own : [...own, { port: link.upstreamPort, isLoopback: true }];
}

/** A connection that is open for the client may not be counted by the target yet: it waits in the accept queue. */
const ACCEPT_SETTLE = { tries: 20, pauseMs: 5 } as const;

type IsComplete = (before: ServerReading, after: ServerReading) => boolean;

/** One per server: its counts continue from slice to slice, across arms. */
export class TargetAccount {
  /** Ports of this machine that the server's connections go to. */
  readonly ports: readonly number[];
  readonly #target: MeasuredTarget;
  readonly #remotes: readonly Remote[];
  #last: ServerReading | undefined;
  #lastArm: Arm | undefined;

  constructor(target: MeasuredTarget) {
    this.#target = target;
    this.#remotes = remotesOf(target);
    this.ports = this.#remotes.map(({ port }) => port);
  }

  /** Local ports held in TIME_WAIT towards the server, where the kernel does not reuse them. */
  heldPorts(): number {
    return Math.max(0, ...this.#remotes.map(countHeldPorts));
  }

  /** Connections to the server that entered TIME_WAIT in the last `sinceMs`, in the network namespace of a process. */
  timeWait(sinceMs: number, pid: number | undefined): TimeWait {
    return readTimeWait(this.ports, sinceMs, pid);
  }

  /** Waits until `needed` ports are free. @throws MeasureError ports-exhausted, when waiting does not help */
  async waitForPorts(needed: number, onWait: (why: string) => void, signal: AbortSignal): Promise<void> {
    for (const remote of this.#remotes) await waitForPorts(remote, needed, onWait, signal);
  }

  /**
   * Reads the server right before a slice, so that only the slice's own use is booked to it. What was counted since the last
   * slice was of the arm that ran it: a connection may be counted as closed a moment after the slice. The kernel's counts cover
   * all programs, so nothing is booked of them.
   */
  async open(): Promise<void> {
    const now = await this.#target.read();
    if (this.#last !== undefined && isOwnReading(this.#last)) this.#lastArm?.countTarget(this.#last, now);
    this.#last = now;
  }

  /**
   * Books a slice once everything is counted, or the wait for that is over.
   * @throws ChildError when the target has died or hangs
   */
  async book(arm: Arm, isComplete: IsComplete): Promise<{ before: ServerReading; after: ServerReading }> {
    await this.#target.link?.settle();
    const before = this.#last ?? (await this.#target.read());
    let after = await this.#target.read();
    for (let i = 0; i < ACCEPT_SETTLE.tries && !isComplete(before, after); i++) {
      await delay(ACCEPT_SETTLE.pauseMs);
      after = await this.#target.read();
    }
    arm.countTarget(before, after);
    this.#last = after;
    this.#lastArm = arm;
    return { before, after };
  }

  /** Books the ends of the connections that were open when the client closed; `opened` is the total, null if not counted. */
  async bookEnds(arm: Arm, opened: number | null): Promise<void> {
    if (this.#last !== undefined && !isOwnReading(this.#last)) return;
    const closedBefore = closedConnections(this.#last);
    const stillOpen = (opened ?? arm.acceptedConnections()) - arm.closedConnections();
    await this.book(arm, (_before, after) => closedConnections(after) - closedBefore >= stillOpen);
  }
}
