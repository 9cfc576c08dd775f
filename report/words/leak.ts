// Sentences on whether a client leaks descriptors, and memory with them.
import { judgeLeak, type Leak } from '../../results/leak.ts';
import type { ArmView } from '../cell-view.ts';
import { formatSignificant } from './numbers.ts';

const MIB = 2 ** 20;

/** `ignored leaks 1.0 descriptors per request (…), and its memory grows by 29 MiB per 1,000 requests (…).` Empty if there is too little to tell. */
export function describeLeaks(arms: readonly Pick<ArmView, 'label' | 'trials'>[]): string {
  return arms
    .flatMap(({ label, trials }) => {
      const descriptors = judgeLeak(trials, 'descriptors');
      if (descriptors === null) return [];
      const memory = judgeLeak(trials, 'rssBytes');
      return `${label} ${describeDescriptors(descriptors)}${describeMemory(descriptors, memory)}.`;
    })
    .join(' ');
}

function describeDescriptors({ verdict, exceedsPool, value, low, high }: Leak): string {
  if (verdict === 'steady') {
    return `shows no leak: its descriptors grow by at most ${formatSignificant(Math.max(0, high))} per 1,000 requests`;
  }
  if (verdict === 'unsure') {
    return 'may leak: its descriptors kept growing in some replicates, and not in all';
  }
  if (exceedsPool) {
    const perRequest = [value, low, high].map(per1k => formatSignificant(per1k / 1_000));
    return `leaks ${perRequest[0]} descriptors per request (${perRequest[1]} to ${perRequest[2]})`;
  }
  return `fills its pool: ${formatSignificant(value)} more descriptors per 1,000 requests (${formatSignificant(low)} to ${formatSignificant(high)}), and not more than twice the requests that were in flight at once`;
}

/** Memory grows for many reasons in the first seconds of a process: it is only said of one that leaks. */
function describeMemory(descriptors: Leak, memory: Leak | null): string {
  if (descriptors.verdict !== 'grows' || !descriptors.exceedsPool || memory?.verdict !== 'grows') return '';
  const [value, low, high] = [memory.value, memory.low, memory.high].map(bytes =>
    formatSignificant(bytes / MIB),
  );
  return `, and its memory grows by ${value} MiB per 1,000 requests (${low} to ${high})`;
}
