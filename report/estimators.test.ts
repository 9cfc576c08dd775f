// A quantity that two tables of a page have by different estimators is named in one of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METRIC_ORDER, METRIC_TABLE } from '../results/metrics.ts';
import type { CellReport, Table } from './model.ts';
import { CENTRE_NOTE, hasTwoEstimators } from './tables/table.ts';
import { reportOf, SAMPLES } from './testing/format-suite.ts';

const KEYS = METRIC_ORDER.map(metric => METRIC_TABLE[metric].columnKey);

/** What a table has of a metric, client by client. */
function figuresOf({ columns, rows }: Table, key: string): Map<string, number> {
  const [arm, column] = [
    columns.findIndex(one => one.key === 'arm'),
    columns.findIndex(
      one => one.key === key || one.key === `measured${key[0]!.toUpperCase()}${key.slice(1)}`,
    ),
  ];
  if (arm === -1 || column === -1) return new Map();
  return new Map(
    rows.flatMap(row => {
      const value = row[column]!.value;
      const figure = typeof value === 'object' && value !== null && 'value' in value ? value.value : value;
      return typeof figure === 'number' ? [[String(row[arm]!.value), figure] as const] : [];
    }),
  );
}

function tablesOf({ main, brief, figures, special }: CellReport): Table[] {
  return [main, brief, ...figures.map(({ table }) => table), ...special].filter(
    // A row for each second of a client is no figure of the client.
    ({ columns }) => columns.filter(({ isKey }) => isKey).length === 1,
  );
}

for (const sample of Object.keys(SAMPLES).filter(name => !name.includes('hostile'))) {
  test(`${sample}: where two tables differ in a figure, one says why`, () => {
    for (const cell of reportOf(sample).cells) {
      for (const table of tablesOf(cell)) {
        for (const key of KEYS) {
          const main = figuresOf(cell.main, key);
          for (const [arm, figure] of figuresOf(table, key)) {
            const usual = main.get(arm);
            const isSame = usual === undefined || Math.abs(figure / usual - 1) < 1e-9 || figure === usual;
            assert.ok(isSame || table.notes.includes(CENTRE_NOTE), `${table.title}, ${key} of ${arm}`);
          }
        }
      }
    }
  });
}

test('latency and CPU have two estimators, rates and counts one', () => {
  assert.deepEqual(
    METRIC_ORDER.filter(hasTwoEstimators),
    ['meanUs', 'p50Us', 'p99Us', 'cpuUsPerRequest', 'targetCpuUsPerRequest'].toSorted(
      (a, b) => METRIC_ORDER.indexOf(a as never) - METRIC_ORDER.indexOf(b as never),
    ),
  );
});
