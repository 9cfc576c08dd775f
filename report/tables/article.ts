// In: the arms of a cell. Out: the columns that are known from the literature: mode, concurrency, latency, QPS, errors.
import { mostInFlight } from '../../bench/core/load.ts';
import type { CellView } from '../cell-view.ts';
import { modeText } from '../modes.ts';
import { countText, intervalTexts, msText, percentText } from '../numbers.ts';
import type { Table } from '../report.ts';
import { createTable, figure, figureColumn, keyColumn, nothing, words } from '../table-parts.ts';

export function articleTable({ arms, result }: CellView): Table {
  const concurrency = mostInFlight(result.scenario.load);
  return createTable({
    name: 'article',
    title: 'In brief',
    columns: [
      keyColumn('mode', 'connection mode'),
      figureColumn('concurrency', 'concurrency'),
      figureColumn('meanMs', 'mean latency', 'ms'),
      figureColumn('requestsPerSec', 'QPS'),
      figureColumn('errorRatio', 'error rate'),
    ],
    rows: arms.map(({ name, client, summary, marks }) => {
      const mode = modeText(client);
      return [
        words(mode === name ? mode : `${name} (${mode})`, mode),
        words(countText(concurrency), concurrency),
        ...(summary === null
          ? [nothing, nothing, nothing]
          : [
              figure(msText(summary.meanUs), summary.meanUs / 1000, marks),
              summary.requestsPerSec === null
                ? nothing
                : figure(intervalTexts(summary.requestsPerSec).value, summary.requestsPerSec.value, marks),
              figure(
                percentText(summary.errorRatio),
                summary.errorRatio,
                marks.filter(mark => mark !== 'clientBound'),
              ),
            ]),
      ];
    }),
  });
}
