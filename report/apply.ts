// The client that a clear verdict speaks for, as code for the library that it was measured with.
import type { Comparison } from '../results/model/run.ts';
import { own } from '../scenarios/model/own.ts';
import type { CellView } from './cell-view.ts';
import type { AppliedClient } from './model.ts';
import { settingsCode } from './settings/code.ts';
import { type WriterName, writers } from './settings/libraries/index.ts';
import { gainOf } from './words/answer.ts';
import { decidingComparisons, stateOf } from './words/headline.ts';

/** What code is written for, by the client library that was measured. */
const WRITERS: Readonly<Record<string, WriterName>> = {
  undici: 'undici',
  fetch: 'undici',
  'node-http': 'node-http',
};

/** null unless the measurement is sound, no limit failed, and one client is better than another that is set up otherwise. */
export function applyClient(view: CellView): AppliedClient | null {
  const { result, arms } = view;
  if (stateOf(view) !== 'sound' || result.expectations.some(({ state }) => state === 'fail')) return null;
  const found = betterOf(decidingComparisons(result), view);
  if (found === null) return null;
  const clientOf = (name: string) => arms.find(arm => arm.name === name)?.client;
  const [better, other] = [clientOf(found.better), clientOf(found.other)];
  const writer = own(WRITERS, better?.transport ?? '');
  // Two versions of the code have the same settings.
  if (better === undefined || writer === undefined || JSON.stringify(better) === JSON.stringify(other))
    return null;
  const { title, text } = settingsCode(better, writer, [
    `Client ${found.better} of ${result.scenario.name}, as measured by conntax with ${better.transport}.`,
  ]);
  return {
    title: `Apply this: ${found.better}, as code for ${title}`,
    text,
    note: `conntax settings --for writes it for others: ${Object.keys(writers)
      .filter(name => name !== writer)
      .join(', ')}.`,
  };
}

/** The client with the largest gain over the baseline, or the baseline where all others are worse. */
function betterOf(
  comparisons: readonly Comparison[],
  { result }: CellView,
): { better: string; other: string } | null {
  const gain = (comparison: Comparison): number => gainOf(comparison, result.scenario.load)?.value ?? 0;
  const [best] = comparisons
    .filter(({ verdict }) => verdict === 'better')
    .toSorted((a, b) => gain(b) - gain(a));
  if (best !== undefined) return { better: best.candidate, other: best.baseline };
  const [first] = comparisons;
  return first !== undefined && comparisons.every(({ verdict }) => verdict === 'worse')
    ? { better: first.baseline, other: first.candidate }
    : null;
}
