// In: a cell. Out: what has to be read with the capacities that it found, in sentences.
import type { ArmView, CellView } from './cell-view.ts';
import { rateText } from './headline-words.ts';
import { capacitiesOf, limitOf } from './tables/capacity.ts';

export function capacityRemarks({ arms, result }: CellView): string[] {
  const { load } = result.scenario;
  if (load.model !== 'capacity') return [];
  const where = (fits: (arm: ArmView) => boolean) => arms.filter(fits).map(({ name }) => name);
  const some = (arm: ArmView, fits: (of: ReturnType<typeof capacitiesOf>[number]) => boolean) =>
    capacitiesOf(arm).some(fits);
  const byGenerator = where(arm => some(arm, capacity => limitOf(capacity) === 'generator'));
  const unlimited = where(arm =>
    some(arm, ({ notKeptPerSec, isSettled }) => isSettled && notKeptPerSec === null),
  );
  const none = where(arm => some(arm, ({ ratePerSec, isSettled }) => isSettled && ratePerSec === 0));
  return [
    ...(byGenerator.length === 0
      ? []
      : [
          `For ${byGenerator.join(', ')} the generator, not the target, was the limit: it could not send on time.`,
        ]),
    ...(unlimited.length === 0
      ? []
      : [
          `For ${unlimited.join(', ')} no rate up to ${rateText(load.maxRatePerSec)} requests per second failed: the capacity is at least that.`,
        ]),
    ...(none.length === 0
      ? []
      : [
          `For ${none.join(', ')} the objective did not hold even at ${rateText(load.minRatePerSec)} requests per second, where the search begins; the other tables are of that rate.`,
        ]),
  ];
}
