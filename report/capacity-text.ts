// In: a cell. Out: what has to be read with the capacities that it found, in sentences.
import type { Capacity } from '../bench/core/open-results.ts';
import type { ArmView, CellView } from './cell-view.ts';
import { askedRateText } from './headline-words.ts';
import { capacitiesOf, limitOf } from './tables/capacity.ts';

export function capacityRemarks({ arms, result }: CellView): string[] {
  const { load } = result.scenario;
  if (load.model !== 'capacity') return [];
  const remark = (fits: (capacity: Capacity) => boolean, text: string): string[] => {
    const named = arms.flatMap(arm => nameWhere(arm, fits) ?? []);
    return named.length === 0 ? [] : [`For ${named.join(', ')} ${text}`];
  };
  return [
    ...remark(
      capacity => limitOf(capacity) === 'generator',
      'the generator, not the target, was the limit: it could not send on time.',
    ),
    ...remark(
      ({ notKeptPerSec, isSettled }) => isSettled && notKeptPerSec === null,
      `no rate up to ${askedRateText(load.maxRatePerSec)} requests per second failed: the capacity is at least that.`,
    ),
    ...remark(
      ({ ratePerSec, isSettled }) => isSettled && ratePerSec === 0,
      `the objective did not hold even at about ${askedRateText(load.minRatePerSec)} requests per second, where the search begins; the other tables are of that rate.`,
    ),
  ];
}

/** The arm's name, with in how many replicates it is so unless it is in all. */
function nameWhere(arm: ArmView, fits: (capacity: Capacity) => boolean): string | null {
  const found = capacitiesOf(arm);
  const count = found.filter(fits).length;
  if (count === 0) return null;
  return count === found.length ? arm.name : `${arm.name} (in ${count} of ${found.length} replicates)`;
}
