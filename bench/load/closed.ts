// In: a number of users and a transport. Out: slices of load, each user waiting for its answer before it sends again.

import type { Random } from '../../results/random.ts';
import { CUT_DRAIN_MS } from '../../scenarios/model/load.ts';
import {
  type Exchange,
  type ExchangeSink,
  type LoadLoop,
  newExchange,
  noAnswerText,
  type Transport,
  type Window,
} from '../contracts.ts';
import { expire, giveUp, startSweeper, underWay } from './deadlines.ts';

export interface ClosedLoadOptions {
  concurrency: number;
  thinkMs: number;
  /** The harness's own deadline of an exchange, waiting included; absent: none. */
  totalMs: number | undefined;
  transport: Transport;
  recorder: ExchangeSink;
  /** Spreads the users' first requests over their think time, or longer where a slice says so. */
  random: Random;
}

/**
 * A request belongs to the window in which it began. By its end, whatever takes longer than a window would fall out of it: the
 * rare slow requests, of all things. So the drain waits for those in flight, long against what was seen.
 */
export function createClosedLoad(options: ClosedLoadOptions): LoadLoop {
  const { concurrency, thinkMs, totalMs, transport, recorder, random } = options;
  const users: Exchange[] = Array.from({ length: concurrency }, newExchange);
  const thinking = new Set<NodeJS.Timeout>();
  let sent = 0;
  let unfinished = 0;
  let expired = 0;
  let busy = 0;
  let window: Window = { openAtMs: 0, closeAtMs: 0, originMs: 0, isRecorded: false };
  let drainTimer: NodeJS.Timeout | undefined;
  let onIdle: () => void = () => {};

  function issue(exchange: Exchange): void {
    sent++;
    exchange.startedAtMs = performance.now();
    exchange.intendedAtMs = exchange.startedAtMs;
    exchange.idleMs = exchange.startedAtMs - exchange.endedAtMs;
    transport.send(exchange, onEnd);
  }

  function onEnd(exchange: Exchange): void {
    recorder.add(exchange, exchange.startedAtMs);
    next(exchange);
  }

  function next(exchange: Exchange): void {
    if (exchange.endedAtMs >= window.closeAtMs) rest();
    else if (thinkMs === 0) issue(exchange);
    else think(exchange, thinkMs);
  }

  function think(exchange: Exchange, pauseMs: number): void {
    const timer = setTimeout(() => {
      thinking.delete(timer);
      if (performance.now() >= window.closeAtMs) rest();
      else issue(exchange);
    }, pauseMs);
    thinking.add(timer);
  }

  function rest(): void {
    busy--;
    if (busy === 0) onIdle();
  }

  function sweep(nowMs: number, deadlineMs: number): void {
    expire(users, nowMs, deadlineMs, (exchange, user) => {
      recorder.add(exchange, exchange.startedAtMs);
      expired++;
      const fresh = giveUp(users, user);
      fresh.endedAtMs = nowMs;
      next(fresh);
    });
  }

  /** @param error why those that are given up have failed; undefined where they are only cut short */
  function abandonRest(error: string | undefined): void {
    const nowMs = performance.now();
    for (const user of underWay(users)) {
      unfinished++;
      recorder.addCensored(users[user]!, users[user]!.startedAtMs, { nowMs, error });
      giveUp(users, user);
    }
    for (const timer of thinking) clearTimeout(timer);
    thinking.clear();
    busy = 0;
    onIdle();
  }

  return {
    async runSlice({ rampMs, windowMs, drainMs, isRecorded, originMs, spreadMs = 0 }) {
      const openAtMs = performance.now() + rampMs;
      window = { openAtMs, closeAtMs: openAtMs + windowMs, originMs, isRecorded };
      recorder.openWindow(window);
      const idle = new Promise<void>(resolve => {
        onIdle = resolve;
      });
      const sweeper = startSweeper(totalMs, sweep);
      drainTimer = setTimeout(abandonRest, rampMs + windowMs + drainMs, noAnswerText(drainMs));
      busy = concurrency;
      const startMs = Math.max(thinkMs, spreadMs);
      for (const exchange of users) {
        // The user has rested since the last slice, which is no pause of the load's.
        exchange.endedAtMs = Number.NaN;
        if (startMs === 0) issue(exchange);
        else think(exchange, random() * startMs);
      }
      await idle;
      clearInterval(sweeper);
      clearTimeout(drainTimer);
      return window;
    },
    cut() {
      if (busy === 0) return;
      window.closeAtMs = Math.min(window.closeAtMs, performance.now());
      clearTimeout(drainTimer);
      drainTimer = setTimeout(abandonRest, CUT_DRAIN_MS, undefined);
      for (const timer of thinking) {
        clearTimeout(timer);
        rest();
      }
      thinking.clear();
    },
    get sent() {
      return sent;
    },
    get unfinished() {
      return unfinished;
    },
    get expired() {
      return expired;
    },
  };
}
