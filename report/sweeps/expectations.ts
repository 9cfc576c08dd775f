// In: a sweep. Out: where each of its expectations holds, where it fails, and where that could not be told; null without any.
import { subsetText } from '../../scenarios/model/sweep.ts';
import type { Table, TableCell } from '../model.ts';
import { createTable, keyColumn, wordColumn, words } from '../tables/table.ts';
import { expectationText } from '../tables/expectations.ts';
import type { SweepView } from './view.ts';

type Outcome = 'fail' | 'unsure' | 'pass';

interface Told {
  text: string;
  outcomes: readonly { outcome: Outcome; points: SweepView['cells'][number]['points'] }[];
}

/** Every expectation of the scenario, with its outcome in each cell. */
function toldIn({ cells }: SweepView): Told[] {
  const all = cells.flatMap(({ points, view }) =>
    view.result.expectations.map(({ expectation, state }) => ({
      text: expectationText(expectation),
      outcome: state,
      points,
    })),
  );
  return [...Map.groupBy(all, ({ text }) => text)].map(([text, outcomes]) => ({ text, outcomes }));
}

export function sweepExpectationTable(sweep: SweepView): Table | null {
  const told = toldIn(sweep);
  if (told.length === 0) return null;
  return createTable({
    name: 'sweep-expectations',
    title: 'What was expected of every cell',
    columns: [
      keyColumn('expectation', 'expectation'),
      wordColumn('failPlaces', 'fails'),
      wordColumn('unsurePlaces', 'could not be told'),
      wordColumn('passPlaces', 'holds'),
    ],
    rows: told.map(expectation => [
      words(expectation.text),
      ...(['fail', 'unsure', 'pass'] as const).map(outcome => placesCell(sweep, expectation, outcome)),
    ]),
  });
}

/** To be read with the headline. */
export function failedExpectations(sweep: SweepView): string[] {
  return toldIn(sweep).flatMap(expectation => {
    const { text } = placesCell(sweep, expectation, 'fail');
    return text === '' ? [] : [`What was expected fails: ${expectation.text} (${text}).`];
  });
}

function placesCell({ axes }: SweepView, { outcomes }: Told, outcome: Outcome): TableCell {
  const places = outcomes.filter(told => told.outcome === outcome).map(({ points }) => points);
  if (places.length === 0) return words('', null);
  if (places.length === outcomes.length) return words('everywhere', 'everywhere');
  return words(subsetText(axes, places));
}
