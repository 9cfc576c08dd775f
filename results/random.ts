// Reproducible random numbers from a seed, shuffling, and the sequence in which the requests of a scenario are drawn.

import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Uniform in [0, 1). */
export type Random = () => number;

/** A reproducible source; the parts name its purpose, so that two uses of one seed are independent. */
export function createRandom(seed: number, ...parts: readonly (string | number)[]): Random {
  let hash = 0x811c9dc5 ^ seed;
  for (const character of parts.join('/')) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193); // FNV-1a
  }
  const generator = xoroshiro128plus(mixed(hash));
  return () => uniformFloat64(generator);
}

/** MurmurHash3's finaliser. With FNV-1a alone, parts that differ only in their last character draw similar numbers. */
function mixed(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return (twice ^ (twice >>> 16)) >>> 0;
}

/** A shuffled copy (Fisher-Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const copy = [...items];
  for (let last = copy.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [copy[last], copy[other]] = [copy[other]!, copy[last]!];
  }
  return copy;
}

/** One of the items, each as likely. */
export function pick<T>(items: readonly T[], random: Random): T {
  return items[Math.floor(random() * items.length)]!;
}

const RANGE = 2 ** 32;

/** The generator of d3-random's randomLcg (Numerical Recipes), which a script of a load tool can repeat exactly. */
export const LCG = { multiplier: 1_664_525, increment: 1_013_904_223, range: RANGE } as const;

/** The index of the first bound above a draw from 0 to 2^32 is what is drawn. The last bound is 2^32 exactly. */
export function boundsOf(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.map((weight, index) => {
    sum += weight;
    return index === weights.length - 1 ? RANGE : (sum / total) * RANGE;
  });
}

/**
 * One sequence for all users of a process, in the order in which they send: the next to send takes the next draw. So the
 * first n requests of two clients are the same, however fast each of them is. It starts again with each slice, by the
 * seed of the slice, so that the clients of a block meet the same requests.
 */
export class RequestDraw {
  /** Number of requests that there are to draw. */
  readonly size: number;
  readonly #bounds: readonly number[];
  #state = 0;

  constructor(weights: readonly number[]) {
    this.size = weights.length;
    this.#bounds = boundsOf(weights);
  }

  restart(seed: number): void {
    this.#state = seed | 0;
  }

  next(): number {
    this.#state = (Math.imul(LCG.multiplier, this.#state) + LCG.increment) | 0;
    const drawn = this.#state >>> 0;
    let index = 0;
    while (drawn >= this.#bounds[index]!) index++;
    return index;
  }
}

/** undefined for a single request, which needs no draw. */
export function createDraw(requests: readonly { weight: number }[]): RequestDraw | undefined {
  return requests.length === 1 ? undefined : new RequestDraw(requests.map(({ weight }) => weight));
}
