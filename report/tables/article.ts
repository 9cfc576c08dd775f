// In: the arms of a cell. Out: the columns that are known from the literature: mode, concurrency (or rate), latency, QPS, errors.
import type { Load } from '../../scenarios/model/load.ts';
import type { ArmSummary } from '../../results/model/run.ts';
import { askedPerSec } from '../../results/asked-rate.ts';
import type { CellView } from '../cell-view.ts';
import { rateText } from '../headline-words.ts';
import { modeText } from '../modes.ts';
import { countText, intervalTexts, msText, percentText } from '../words/numbers.ts';
import type { Table, TableCell } from '../model.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from './table.ts';

export function articleTable({ arms, result }: CellView): Table {
  const { load } = result.scenario;
  return createTable({
    name: 'article',
    title: 'In brief',
    columns: [
      keyColumn('mode', 'connection mode'),
      load.model === 'closed'
        ? figureColumn('concurrency', 'concurrency')
        : figureColumn('askedPerSec', 'rate asked', 'requests/s'),
      figureColumn('meanMs', 'mean latency', 'ms'),
      figureColumn('requestsPerSec', 'QPS'),
      figureColumn('errorRatio', 'error rate'),
    ],
    rows: arms.map(({ name, client, summary, marks }) => {
      const mode = modeText(client);
      return [
        words(mode === name ? mode : `${name} (${mode})`, mode),
        loadCell(load, summary),
        ...(summary === null
          ? [nothing, nothing, nothing]
          : [
              summary.completed === 0
                ? nothing
                : figure(msText(summary.meanUs), summary.meanUs / 1000, marks),
              summary.requestsPerSec === null
                ? nothing
                : figure(intervalTexts(summary.requestsPerSec).value, summary.requestsPerSec.value, marks),
              figure(
                percentText(summary.errorRatio),
                summary.errorRatio,
                marks.filter(mark => mark === 'invalid'),
              ),
            ]),
      ];
    }),
  });
}

/** What the load was: users, or the rate that an open load was to have. */
function loadCell(load: Load, summary: ArmSummary | null): TableCell {
  if (load.model === 'closed') return words(countText(load.concurrency), load.concurrency);
  if (load.model === 'capacity') {
    const rate = summary?.capacityPerSec ?? null;
    return rate === null ? nothing : words(intervalTexts(rate).value, rate.value);
  }
  const perSec = askedPerSec(load, null)!;
  return words(rateText(perSec), perSec);
}
