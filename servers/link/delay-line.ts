// In: what one direction of a connection carries, with when it arrived. Out: the same, in order, when the link is through
// with it. Pure: the caller tells the time.
import type { Random } from '../../results/random.ts';
import type { Link } from '../../scenarios/model/target.ts';

/** Bytes, or how the sender ended: `end` closes one direction, `reset` the connection. */
export type Item = Buffer | 'end' | 'reset';

export interface DelayLine {
  /** When the next item is through, Infinity when there is none. */
  readonly dueMs: number;
  /** When a reset is through, Infinity when there is none. Nothing that waits for a reader holds up a reset. */
  readonly resetDueMs: number;
  readonly heldBytes: number;
  /** Whether the source is to be paused: as much is held as may be in flight. */
  readonly isFull: boolean;
  /** Adds what arrived at the given time; times never go back. Nothing may follow a reset. */
  push(item: Item, arrivedMs: number): void;
  /** The next item if it is through by then. */
  take(nowMs: number): Item | undefined;
  /** Forgets everything that is held. */
  clear(): void;
}

/** What may be in flight on one line without a rate, as a fast sender's TCP window allows by default on Linux. */
const MOST_IN_FLIGHT_BYTES = 4 * 1024 * 1024;
const LEAST_IN_FLIGHT_BYTES = 64 * 1024;

/** A packet; a chunk that takes longer than a millisecond to send comes out in pieces, as it would over a network. */
const LEAST_PIECE_BYTES = 1_460;

/** How long one direction takes, this time: half a round trip, and up to the jitter on top. */
export function oneWayMs({ roundTripMs, jitterMs }: Link, random: Random): number {
  return roundTripMs / 2 + (jitterMs === 0 ? 0 : jitterMs * random());
}

/**
 * How much one line holds before its source is paused: twice what its rate sends in a one-way trip, so that the rate is
 * reached, within limits.
 */
export function inFlightLimitBytes({ roundTripMs, jitterMs, bytesPerSec }: Link): number {
  if (bytesPerSec === 'unlimited') return MOST_IN_FLIGHT_BYTES;
  const oneWayBytes = (bytesPerSec / 1_000) * (roundTripMs / 2 + jitterMs);
  return Math.min(MOST_IN_FLIGHT_BYTES, Math.max(LEAST_IN_FLIGHT_BYTES, 2 * oneWayBytes));
}

interface Held {
  item: Item;
  dueMs: number;
}

export function createDelayLine(link: Link, random: Random): DelayLine {
  const limitBytes = inFlightLimitBytes(link);
  const bytesPerMs = link.bytesPerSec === 'unlimited' ? Number.POSITIVE_INFINITY : link.bytesPerSec / 1_000;
  const pieceBytes = Math.max(LEAST_PIECE_BYTES, Math.floor(bytesPerMs));
  let held: Held[] = [];
  /** Items before it are taken; they are cut off once they are the greater part. */
  let first = 0;
  let heldBytes = 0;
  /** Until then the line is busy with sending the bytes before. */
  let sendingUntilMs = Number.NEGATIVE_INFINITY;
  let lastDueMs = Number.NEGATIVE_INFINITY;
  let resetDueMs = Number.POSITIVE_INFINITY;

  function hold(item: Item, leftMs: number, delayMs: number): void {
    lastDueMs = Math.max(lastDueMs, leftMs + delayMs);
    held.push({ item, dueMs: lastDueMs });
  }

  function pushBytes(chunk: Buffer, arrivedMs: number, delayMs: number): void {
    heldBytes += chunk.length;
    if (bytesPerMs === Number.POSITIVE_INFINITY) {
      hold(chunk, arrivedMs, delayMs);
      return;
    }
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes);
      sendingUntilMs = Math.max(sendingUntilMs, arrivedMs) + piece.length / bytesPerMs;
      hold(piece, sendingUntilMs, delayMs);
    }
  }

  return {
    get dueMs() {
      return held[first]?.dueMs ?? Number.POSITIVE_INFINITY;
    },
    get resetDueMs() {
      return resetDueMs;
    },
    get heldBytes() {
      return heldBytes;
    },
    get isFull() {
      return heldBytes >= limitBytes;
    },
    push(item, arrivedMs) {
      const delayMs = oneWayMs(link, random);
      if (typeof item !== 'string') {
        pushBytes(item, arrivedMs, delayMs);
        return;
      }
      hold(item, arrivedMs, delayMs);
      if (item === 'reset') resetDueMs = lastDueMs;
    },
    take(nowMs) {
      const next = held[first];
      if (next === undefined || next.dueMs > nowMs) return undefined;
      first++;
      if (first * 2 > held.length) {
        held = held.slice(first);
        first = 0;
      }
      if (typeof next.item !== 'string') heldBytes -= next.item.length;
      return next.item;
    },
    clear() {
      held = [];
      first = 0;
      heldBytes = 0;
      resetDueMs = Number.POSITIVE_INFINITY;
    },
  };
}
