// Reproducible random numbers from a seed, and shuffling.
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
