// What set the pace of clients, in words: once for a cell or a run, where its figures are first shown.
import type { Bound } from '../../results/bound.ts';
import type { CellView } from '../cell-view.ts';

/** As an entry of a table. */
export const BOUND_NAMES: Record<Bound, string> = {
  client: 'client CPU',
  server: 'server CPU',
  both: 'client and server CPU',
  link: 'link',
  service: 'service time',
  load: 'load',
};

/**
 * `Rates and latencies of short, persistent are what the client's own CPU allows: it was the bottleneck.`; of several cells, in
 * which: `…of short, persistent (in a, b)…`. Empty where no client's own CPU was the limit.
 */
export function boundRemarks(views: readonly CellView[]): string[] {
  const bound = views.flatMap(view => {
    const names = view.arms.filter(({ bound }) => bound === 'client').map(({ name }) => name);
    return names.length === 0 ? [] : [{ cell: view.result.cell, names: names.join(', ') }];
  });
  if (bound.length === 0) return [];
  const places = [...Map.groupBy(bound, ({ names }) => names)].map(([names, cells]) =>
    views.length === 1 ? names : `${names} (${cells.map(({ cell }) => cell).join(', ')})`,
  );
  return [
    `Client-bound: the client's own CPU sets the rates and latencies of ${places.join('; ')}. CPU per request and per connection do not depend on that.`,
  ];
}
