// One direction of a connection over a link: delays its items and keeps their order. Pure: the caller passes the time.
import type { Random } from '../../results/random.ts';
import type { Link } from '../../scenarios/model/target.ts';

/** Bytes, or the end of the sender: `end` closes one direction, `reset` the connection. */
export type Item = Buffer | 'end' | 'reset';

export interface DelayLine {
  /** Delivery time of the next item; Infinity without one. */
  readonly dueMs: number;
  /** Delivery time of a reset; Infinity without one. A reset does not wait for a slow reader. */
  readonly resetDueMs: number;
  readonly heldBytes: number;
  /** Whether to pause the source, because the limit of bytes in flight is reached. */
  readonly isFull: boolean;
  /** Adds an item that arrived at the given time; times never decrease. Nothing may follow a reset. */
  push(item: Item, arrivedMs: number): void;
  /** The next item, if it is due by then. */
  take(nowMs: number): Item | undefined;
  /** Drops everything that is held. */
  clear(): void;
}

/** Limit of bytes in flight without a rate: the default TCP window of a fast sender on Linux. */
const MOST_IN_FLIGHT_BYTES = 4 * 1024 * 1024;
const LEAST_IN_FLIGHT_BYTES = 64 * 1024;

/** One packet. A chunk that takes longer than a millisecond to send is delivered in pieces, as over a network. */
const LEAST_PIECE_BYTES = 1_460;

/** Draws the delay of one direction: half a round trip, plus up to the jitter. */
export function oneWayMs({ roundTripMs, jitterMs }: Link, random: Random): number {
  return roundTripMs / 2 + (jitterMs === 0 ? 0 : jitterMs * random());
}

/**
 * Bytes that one line holds before its source is paused: twice the bytes sent in a one-way trip at its rate, so that the
 * rate is reached, within limits.
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
  /** Index of the next item; taken items are removed once they are the majority. */
  let first = 0;
  let heldBytes = 0;
  /** The line is busy with earlier bytes until then. */
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
