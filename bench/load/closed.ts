// Closed load: each user waits for its answer, thinks, and sends again.
import type { Random } from '../../results/random.ts';
import type { Exchange, LoadLoop, SliceTimes } from '../contracts.ts';
import { SliceLoop, type SliceLoopOptions } from './slice-loop.ts';

export interface ClosedLoadOptions extends SliceLoopOptions {
  concurrency: number;
  thinkMs: number;
  /** Spreads the users' first requests over their think time, or over a slice's `spreadMs` if that is longer. */
  random: Random;
}

export function createClosedLoad(options: ClosedLoadOptions): LoadLoop {
  return new ClosedLoop(options);
}

/** Each record is a user. */
class ClosedLoop extends SliceLoop {
  readonly #thinkMs: number;
  readonly #random: Random;
  readonly #thinking = new Set<NodeJS.Timeout>();

  constructor({ concurrency, thinkMs, random, ...shared }: ClosedLoadOptions) {
    super(shared);
    this.#thinkMs = thinkMs;
    this.#random = random;
    for (let user = 0; user < concurrency; user++) this.addRecord();
  }

  protected override start({ spreadMs = 0, users }: SliceTimes): void {
    const firstWithinMs = Math.max(this.#thinkMs, spreadMs);
    for (const user of this.records.slice(0, users)) {
      // The time since the last slice is not a pause of the load.
      user.endedAtMs = Number.NaN;
      if (firstWithinMs === 0) this.#issue(user);
      else this.#think(user, this.#random() * firstWithinMs);
    }
  }

  protected override release(user: Exchange): void {
    if (user.endedAtMs >= this.window.closeAtMs) this.endIfDone();
    else if (this.#thinkMs === 0) this.#issue(user);
    else this.#think(user, this.#thinkMs);
  }

  protected override isOver(): boolean {
    return this.#thinking.size === 0;
  }

  protected override stopSending(): void {
    for (const timer of this.#thinking) clearTimeout(timer);
    this.#thinking.clear();
  }

  #issue(user: Exchange): void {
    const nowMs = performance.now();
    user.startedAtMs = nowMs;
    user.intendedAtMs = nowMs;
    user.idleMs = nowMs - user.endedAtMs;
    this.send(user);
  }

  #think(user: Exchange, pauseMs: number): void {
    const timer = setTimeout(() => {
      this.#thinking.delete(timer);
      if (performance.now() >= this.window.closeAtMs) this.endIfDone();
      else this.#issue(user);
    }, pauseMs);
    this.#thinking.add(timer);
  }
}
