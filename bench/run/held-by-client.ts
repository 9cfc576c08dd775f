// Samples what the generator's own process holds while a slice runs: requests in flight, descriptors, memory.
import type { HeldByClient } from '../../results/model/process.ts';
import type { LoadLoop } from '../contracts.ts';
import { countDescriptors } from '../probes/sockets.ts';

interface SampleTimes {
  everyMs: number;
  /** Start of the replicate by this process's monotonic clock. */
  originMs: number;
}

/** Begins at once. A sample costs some tens of microseconds, whatever the process holds. */
export class HeldSampler {
  readonly #loop: Pick<LoadLoop, 'sent' | 'inFlight'>;
  readonly #originMs: number;
  readonly #timer: NodeJS.Timeout;
  readonly #held: HeldByClient = {
    atMs: [],
    inFlight: [],
    sent: [],
    descriptors: [],
    rssBytes: [],
    heapBytes: [],
  };

  constructor(loop: Pick<LoadLoop, 'sent' | 'inFlight'>, { everyMs, originMs }: SampleTimes) {
    this.#loop = loop;
    this.#originMs = originMs;
    this.#sample();
    this.#timer = setInterval(() => this.#sample(), everyMs);
  }

  finish(): HeldByClient {
    clearInterval(this.#timer);
    this.#sample();
    return this.#held;
  }

  #sample(): void {
    const { sent, inFlight = 0 } = this.#loop;
    const memory = readMemory();
    this.#held.atMs.push(Math.round(performance.now() - this.#originMs));
    this.#held.inFlight.push(inFlight);
    this.#held.sent.push(sent);
    this.#held.descriptors.push(countDescriptors('self'));
    this.#held.rssBytes.push(memory?.rss ?? null);
    this.#held.heapBytes.push(memory?.heapUsed ?? null);
  }
}

/** undefined in a process that may open no more files. */
function readMemory(): NodeJS.MemoryUsage | undefined {
  try {
    return process.memoryUsage();
  } catch {
    return undefined;
  }
}
