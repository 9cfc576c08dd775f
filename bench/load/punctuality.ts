// In: what falls due, goes and is given up in an open load. Out: how the schedule was kept, in the last window and in all recorded ones.
import { createLatencyRecorder, type LatencyRecorder } from '../../results/histogram.ts';
import type { ScheduleAccount, ScheduleCounts, Window } from '../contracts.ts';

/** A fold over the windows of an open load. What is due outside of a window is let through uncounted. */
export interface Punctuality extends ScheduleAccount {
  openWindow(window: Window): void;
  /**
   * A request that goes now.
   * @param freeSinceMs since when there was a place for it under maxInFlight
   */
  addSent(dueAtMs: number, freeSinceMs: number, nowMs: number): void;
  /** A request that was held back to the end, and never went. */
  addUnsent(dueAtMs: number): void;
  /** A request that went, and was given up. */
  addUnfinished(dueAtMs: number): void;
}

const NOTHING: ScheduleCounts = { due: 0, heldBack: 0, unsent: 0, unfinished: 0 };

export function createPunctuality(): Punctuality {
  const recorded = { ...NOTHING };
  const recordedLateness = createLatencyRecorder();
  let current = { ...NOTHING };
  let window: Window = { openAtMs: Infinity, closeAtMs: -Infinity, originMs: 0, isRecorded: false };
  let lateness: LatencyRecorder | undefined;

  /** The last window's counts go to the others once nothing is added to them any more. */
  function settle(): void {
    if (window.isRecorded) {
      for (const name of Object.keys(recorded) as (keyof ScheduleCounts)[]) recorded[name] += current[name];
    }
    current = { ...NOTHING };
  }

  function isInWindow(atMs: number): boolean {
    return atMs >= window.openAtMs && atMs < window.closeAtMs;
  }

  return {
    openWindow(next) {
      settle();
      window = next;
      if (lateness !== recordedLateness) lateness?.close();
      lateness = next.isRecorded ? recordedLateness : next.isProbe ? createLatencyRecorder() : undefined;
    },
    addSent(dueAtMs, freeSinceMs, nowMs) {
      if (!isInWindow(dueAtMs)) return;
      const isHeldBack = freeSinceMs > dueAtMs;
      current.due++;
      if (isHeldBack) current.heldBack++;
      lateness?.recordUs((nowMs - (isHeldBack ? freeSinceMs : dueAtMs)) * 1_000);
    },
    addUnsent(dueAtMs) {
      if (!isInWindow(dueAtMs)) return;
      current.due++;
      current.heldBack++;
      current.unsent++;
    },
    addUnfinished(dueAtMs) {
      if (isInWindow(dueAtMs)) current.unfinished++;
    },
    window: () => ({
      ...current,
      latenessP99Us: window.isProbe === true ? (lateness?.summary().p99Us ?? null) : null,
    }),
    finish() {
      settle();
      window = { ...window, isRecorded: false };
      return { arrivals: { ...recorded }, lateness: recordedLateness.summary() };
    },
  };
}
