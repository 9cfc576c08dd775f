// Connections that end while a client waits for its turn: the experiment's doing, and no sign of how the client reuses them.

/** What happened to a client's connections between its slices. */
export interface PauseCounts {
  /** Connections that ended then. */
  closed: number;
  /** The longest pause in which one did, ms. */
  longestMs: number;
}

/** Connections that are already closing when a slice ends are gone after this time. */
const SETTLE_MS = 5;

/** Between two slices of a client. */
export class Pauses {
  readonly #countOpen: () => number;
  #closed = 0;
  #longestMs = 0;
  #beganAtMs = 0;
  /** Open at the beginning of the pause; undefined until that is known. */
  #open: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(countOpen: () => number) {
    this.#countOpen = countOpen;
  }

  /** A slice is over. */
  begin(): void {
    this.#beganAtMs = performance.now();
    this.#timer = setTimeout(() => {
      this.#open = this.#countOpen();
    }, SETTLE_MS);
  }

  /** The next slice begins. */
  end(): void {
    clearTimeout(this.#timer);
    const closed = this.#open === undefined ? 0 : this.#open - this.#countOpen();
    this.#open = undefined;
    if (closed <= 0) return;
    this.#closed += closed;
    this.#longestMs = Math.max(this.#longestMs, performance.now() - this.#beganAtMs);
  }

  counts(): PauseCounts {
    return { closed: this.#closed, longestMs: this.#longestMs };
  }
}
