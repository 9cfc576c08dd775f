// What set the pace of clients, in words: once for a cell or a run, where its figures are first shown.
import type { Bound } from '../../results/bound.ts';
import type { CellView } from '../cell-view.ts';

/** As an entry of a table. */
export const BOUND_NAMES: Record<Bound, string> = {
  client: 'client CPU',
  server: 'server CPU',
  core: 'client waited for a core',
  both: 'client and server CPU',
  link: 'link',
  service: 'service time',
  load: 'load',
};

/**
 * `Client-bound: the client's own CPU sets the rates and latencies of short, persistent.`; of several cells, in which: `…of
 * short, persistent (a, b)…`. Empty where no client's own process was the limit.
 */
export function boundRemarks(views: readonly CellView[]): string[] {
  const own = placesOf(views, 'client');
  const waiting = placesOf(views, 'core');
  return [
    ...(own === null
      ? []
      : [
          `Client-bound: the client's own CPU sets the rates and latencies of ${own}. CPU per request and per connection do not depend on that.`,
        ]),
    ...(waiting === null
      ? []
      : [
          `Client-bound for want of a core: the client's process was never idle, but waited for a core that others used, which sets the rates and latencies of ${waiting}.`,
        ]),
  ];
}

/** The clients of a bound, and in which cells; null: none. */
function placesOf(views: readonly CellView[], wanted: Bound): string | null {
  const bound = views.flatMap(view => {
    const names = view.arms.filter(({ bound }) => bound === wanted).map(({ name }) => name);
    return names.length === 0 ? [] : [{ cell: view.result.cell, names: names.join(', ') }];
  });
  if (bound.length === 0) return null;
  return [...Map.groupBy(bound, ({ names }) => names)]
    .map(([names, cells]) =>
      views.length === 1 ? names : `${names} (${cells.map(({ cell }) => cell).join(', ')})`,
    )
    .join('; ');
}
