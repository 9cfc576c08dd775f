// In: ended exchanges. Out: equal buckets of time that never outgrow a fixed number.
import type { Timeline } from '../../results/model/trial.ts';

const BUCKET_COUNT = 256;
const FIRST_WIDTH_MS = 1_000;

export interface TimelineFold {
  /** @param atMs since the start of the replicate. */
  add(atMs: number, responseMs: number, isOk: boolean): void;
  finish(): Timeline;
}

/** A fold over time in constant memory: when the last bucket is passed, neighbours merge and the width doubles. */
export function createTimeline(): TimelineFold {
  let widthMs = FIRST_WIDTH_MS;
  const completed = new Float64Array(BUCKET_COUNT);
  const failed = new Float64Array(BUCKET_COUNT);
  const sumMs = new Float64Array(BUCKET_COUNT);
  const maxMs = new Float64Array(BUCKET_COUNT);

  function halve(): void {
    for (let i = 0; i < BUCKET_COUNT / 2; i++) {
      const [left, right] = [2 * i, 2 * i + 1];
      completed[i] = completed[left]! + completed[right]!;
      failed[i] = failed[left]! + failed[right]!;
      sumMs[i] = sumMs[left]! + sumMs[right]!;
      maxMs[i] = Math.max(maxMs[left]!, maxMs[right]!);
    }
    for (const values of [completed, failed, sumMs, maxMs]) values.fill(0, BUCKET_COUNT / 2);
    widthMs *= 2;
  }

  return {
    add(atMs, responseMs, isOk) {
      // The clocks of two processes may differ by a little: what seems to lie before the start belongs to it.
      const sinceStartMs = Math.max(0, atMs);
      let index = Math.floor(sinceStartMs / widthMs);
      while (index >= BUCKET_COUNT) {
        halve();
        index = Math.floor(sinceStartMs / widthMs);
      }
      if (!isOk) {
        failed[index] = failed[index]! + 1;
        return;
      }
      completed[index] = completed[index]! + 1;
      sumMs[index] = sumMs[index]! + responseMs;
      if (responseMs > maxMs[index]!) maxMs[index] = responseMs;
    },
    finish() {
      const buckets: Timeline['buckets'] = [];
      for (let i = 0; i < BUCKET_COUNT; i++) {
        if (completed[i] === 0 && failed[i] === 0) continue;
        buckets.push({
          atMs: i * widthMs,
          completed: completed[i]!,
          failed: failed[i]!,
          meanUs: completed[i] === 0 ? 0 : (sumMs[i]! / completed[i]!) * 1_000,
          maxUs: maxMs[i]! * 1_000,
        });
      }
      return { widthMs, buckets };
    },
  };
}
