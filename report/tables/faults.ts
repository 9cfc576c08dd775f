// Table of the faults that the target injected, beside the failures that each client counted; null without faults.
import { accountFaults, effectOf, FAILURE_WAYS, type FailureWay } from '../../results/faults.ts';
import { type CompletedTrial, OUTCOME_NAMES } from '../../results/model/trial.ts';
import { sumOf } from '../../results/stats.ts';
import type { Fault } from '../../scenarios/model/target.ts';
import { type ArmView, type CellView, onlyInvalid } from '../cell-view.ts';
import type { Table, TableCell } from '../model.ts';
import { describeFault } from '../words/faults.ts';
import { formatCount } from '../words/numbers.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, wordColumn, words } from './table.ts';

export function faultTable({ arms, result }: CellView): Table | null {
  const { faults } = result.scenario.target;
  if (faults.length === 0) return null;
  return createTable({
    name: 'faults',
    title: 'Injected faults',
    columns: [
      keyColumn('arm', 'client'),
      keyColumn('fault', 'fault'),
      figureColumn('injectedCount', 'injected by the target'),
      wordColumn('outcomes', 'counts as'),
      figureColumn('countedCount', 'counted by the client'),
    ],
    rows: arms.flatMap(arm => armRows(arm, faults)),
    notes: [
      'Over whole trials, warm-up included. Faults that have the same effect share a count, which stands in the first of their rows; it includes failures that were not injected.',
    ],
  });
}

/** One row per fault, those of the same effect together. */
function armRows({ label, name, trials, marks }: ArmView, faults: readonly Fault[]): TableCell[][] {
  const [first] = trials;
  if (first === undefined) return [];
  const { target, client } = first.trial;
  const invalid = onlyInvalid(marks);
  const met = faults.map((fault, index) => ({ fault, index, ...effectOf(fault, target, client) }));
  return [...Map.groupBy(met, ({ way }) => way)].flatMap(([way, ofWay]) =>
    ofWay.map(({ fault, index, isCertain }, place) => {
      const injected = sumOf(trials, ({ measurement }) => measurement.ledger.faults[index] ?? 0);
      const counted = way === null || place > 0 ? null : countedBy(trials, way);
      return [
        words(label, name),
        words(describeFault(fault), fault.kind),
        figure(formatCount(injected), injected, invalid),
        outcomesCell(way, isCertain),
        counted === null ? nothing : figure(formatCount(counted), counted, invalid),
      ];
    }),
  );
}

function outcomesCell(way: FailureWay | null, isCertain: boolean): TableCell {
  if (way === null) return words('success', 'ok');
  const kinds = FAILURE_WAYS[way];
  const names = kinds.map(kind => OUTCOME_NAMES[kind]).join(', ');
  return words(isCertain ? names : `${OUTCOME_NAMES.ok}, or ${names}`, [...kinds]);
}

/** null where a client's count is unknown. */
function countedBy(trials: readonly CompletedTrial[], way: FailureWay): number | null {
  const accounts = trials.map(({ trial, measurement }) => accountFaults(trial, measurement.ledger));
  return accounts.includes(null)
    ? null
    : sumOf(accounts, account => account!.ways.find(count => count.way === way)!.counted);
}
