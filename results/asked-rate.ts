// In: a trial. Out: how many requests a second its load was to send, where that does not depend on the answers.
import type { Load } from '../scenarios/model/load.ts';
import type { Capacity } from '../bench/core/open-results.ts';

/** Null for a closed load. A capacity search is measured at the rate found, or at its first where it found none. */
export function askedPerSec(load: Load, capacity: Capacity | null): number | null {
  switch (load.model) {
    case 'closed':
      return null;
    case 'open':
      return load.ratePerSec;
    case 'burst':
      return (load.size / load.everyMs) * 1_000;
    case 'capacity':
      return capacity === null ? null : capacity.ratePerSec || load.minRatePerSec;
    default:
      return load satisfies never;
  }
}
