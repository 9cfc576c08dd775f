// The announced time of a cell as a limit: when it is over, measuring ends, and what was measured is kept.

/** While it lasts, everything has its own deadlines; afterwards, all that is still to be answered shares one. */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #endingMs: number;
  #endsAtMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param limitMs when measuring ends
   * @param endingMs how long ending may take after that
   */
  constructor(limitMs: number, endingMs: number) {
    this.#endingMs = endingMs;
    this.restart(limitMs);
  }

  /** Aborts when the time is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isOver(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Until measuring ends. */
  get leftMs(): number {
    return Math.max(0, this.#endsAtMs - performance.now());
  }

  /** A new time, unless the last one is over. */
  restart(limitMs: number): void {
    if (this.isOver) return;
    clearTimeout(this.#timer);
    this.#endsAtMs = performance.now() + limitMs;
    this.#timer = setTimeout(() => this.#controller.abort(), limitMs);
  }

  /** The deadline of an answer that would otherwise have this one. */
  deadlineMs(timeoutMs: number): number {
    if (!this.isOver) return timeoutMs;
    return Math.min(timeoutMs, Math.max(0, this.#endsAtMs + this.#endingMs - performance.now()));
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
