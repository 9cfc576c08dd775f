// In: a socket to read, one to write, and the line between them. Out: the one's bytes and ends on the other, in time.
import type { Socket } from 'node:net';
import type { DelayLine, Item } from './delay-line.ts';
import type { DirectionMeter } from './meter.ts';
import type { Due, Pacemaker } from './pacemaker.ts';

export interface DirectionOptions {
  source: Socket;
  sink: Socket;
  line: DelayLine;
  pacemaker: Pacemaker;
  meter: DirectionMeter;
}

/**
 * Carries what the source receives to the sink until the source ends. A reader that stalls stops the sink, a full line
 * stops the source, and nothing else stops either. (A source that is stopped so is not polled either: that its peer has
 * reset it shows once the reader goes on.)
 */
export function carry({ source, sink, line, pacemaker, meter }: DirectionOptions): void {
  let isScheduled = false;
  /** The sink holds as much as it may until its reader goes on. */
  let isStalled = false;
  /** What is due now has waited for the reader, so its lateness is not ours. */
  let hasStalled = false;

  function schedule(): void {
    const dueMs = isStalled ? line.resetDueMs : line.dueMs;
    if (isScheduled || dueMs === Number.POSITIVE_INFINITY) return;
    isScheduled = true;
    pacemaker.schedule(due, dueMs);
  }

  function deliver(item: Item, dueMs: number): void {
    if (item === 'reset') sink.resetAndDestroy();
    else if (item === 'end') sink.end();
    else {
      isStalled = !sink.write(item);
      meter.countWrite(item.length, hasStalled ? Number.NaN : performance.now() - dueMs);
    }
  }

  function flush(): void {
    if (isStalled && line.resetDueMs <= pacemaker.reachMs()) {
      line.clear();
      sink.resetAndDestroy();
    }
    while (!isStalled) {
      const { dueMs } = line;
      const item = line.take(pacemaker.reachMs());
      if (item === undefined) {
        hasStalled = false;
        break;
      }
      deliver(item, dueMs);
    }
    if (source.isPaused() && !line.isFull) source.resume();
    schedule();
  }

  const due: Due = {
    fire() {
      isScheduled = false;
      flush();
    },
  };

  function push(item: Item): void {
    if (sink.destroyed) return; // as a network drops what is for nobody
    line.push(item, pacemaker.arrivalMs());
    if (line.isFull) source.pause();
    schedule();
  }

  source.on('data', (chunk: Buffer) => push(chunk));
  source.on('end', () => push('end'));
  source.on('error', () => push('reset'));
  sink.on('drain', () => {
    isStalled = false;
    hasStalled = true;
    flush();
  });
  sink.on('close', () => {
    line.clear();
    source.resume();
  });
}
