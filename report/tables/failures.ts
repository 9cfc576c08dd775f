// In: the trials of a cell. Out: those that have no figures, each with its cause; null when all completed.
import type { FailureCode } from '../../results/model/trial.ts';
import type { CellView } from '../cell-view.ts';
import type { Table } from '../model.ts';
import { createTable, keyColumn, wordColumn, words } from './table.ts';

const FAILURE_WORDS: Record<FailureCode, string> = {
  'target-start': 'the target did not start',
  'target-died': 'the target died',
  'link-start': "the link's relay did not start",
  'link-died': "the link's relay died",
  'generator-start': 'the generator did not start',
  'generator-died': 'the generator died',
  'trial-hung': 'the trial hung',
  'ports-exhausted': 'no local ports left',
  'descriptor-limit': 'descriptor limit hit',
  'package-unused': 'a package to compare was not loaded',
  'no-answer': 'nothing was answered',
  'no-good-answer': 'nothing was answered well',
  internal: 'a fault of conntax',
};

export function failureTable({ trials }: CellView): Table | null {
  const failed = trials.filter(trial => trial.state === 'failed');
  if (failed.length === 0) return null;
  return createTable({
    name: 'failures',
    title: 'Failed trials',
    columns: [
      keyColumn('trial', 'trial'),
      wordColumn('arm', 'arm'),
      wordColumn('cause', 'cause'),
      wordColumn('message', 'message'),
      wordColumn('detail', 'detail'),
    ],
    rows: failed.map(({ trial, error }) => [
      words(trial.id),
      words(trial.arm),
      words(FAILURE_WORDS[error.code], error.code),
      words(error.message),
      words(error.detail ?? '', error.detail ?? null),
    ]),
    notes: ['A failed trial has no figures; the tables are of the trials that completed.'],
  });
}
