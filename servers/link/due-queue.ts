// In: things, each with when it is due. Out: the same, the earliest first. A binary heap.

export interface DueQueue<Thing> {
  readonly size: number;
  /** When the first is due; Infinity when there is none. */
  readonly firstMs: number;
  add(thing: Thing, dueMs: number): void;
  /** Removes the first; undefined when there is none. Those due at the same time come in any order. */
  take(): Thing | undefined;
  clear(): void;
}

interface Entry<Thing> {
  thing: Thing;
  dueMs: number;
}

export function createDueQueue<Thing>(): DueQueue<Thing> {
  /** Each entry is due no later than the two at twice its place, plus one and plus two. */
  const heap: Entry<Thing>[] = [];

  function rise(entry: Entry<Thing>): void {
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (heap[above]!.dueMs <= entry.dueMs) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = entry;
  }

  function sink(entry: Entry<Thing>): void {
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && heap[below + 1]!.dueMs < heap[below]!.dueMs) below++;
      if (heap[below]!.dueMs >= entry.dueMs) break;
      heap[at] = heap[below]!;
      at = below;
    }
    heap[at] = entry;
  }

  return {
    get size() {
      return heap.length;
    },
    get firstMs() {
      return heap[0]?.dueMs ?? Number.POSITIVE_INFINITY;
    },
    add: (thing, dueMs) => rise({ thing, dueMs }),
    take() {
      const first = heap[0];
      const last = heap.pop();
      if (last !== undefined && heap.length > 0) sink(last);
      return first?.thing;
    },
    clear() {
      heap.length = 0;
    },
  };
}
