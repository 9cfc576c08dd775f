// Two versions of a client or a server in words: what each of them is, and the figures of each.
import type { CellResult } from '../../results/model/run.ts';
import { own } from '../../scenarios/model/facts.ts';
import type { CellView } from '../cell-view.ts';
import { capacityBound } from './capacity.ts';
import { formatLatency, roundInterval } from './numbers.ts';

/** By client, the version of it or of its server; empty where all run this conntax. */
function versionsOf({ code, targetCode }: CellResult): Record<string, string> {
  return { ...targetCode, ...code };
}

/** `Versions: before is main (a9fd9c52a923), after is this folder.`; empty where no versions are compared, or not the same in all cells. */
export function describeVersions(views: readonly Pick<CellView, 'result'>[]): string {
  const said = new Set(
    views.map(({ result }) =>
      Object.entries(versionsOf(result))
        .map(([name, label]) => `${name} is ${label}`)
        .join(', '),
    ),
  );
  const [only = '', ...others] = said;
  return only === '' || others.length > 0 ? '' : `Versions: ${only}.`;
}

/** `before 4,040 requests/s, mean 24.7 ms; after 4,010 requests/s, mean 24.9 ms`; null where no versions are compared. */
export function describeSides({ result, arms }: Pick<CellView, 'result' | 'arms'>): string | null {
  const versions = versionsOf(result);
  const sides = arms.flatMap(arm => {
    const { name, summary } = arm;
    if (summary === null || summary.completed === 0 || own(versions, name) === undefined) return [];
    const rate = summary.capacityPerSec ?? summary.requestsPerSec;
    const bound = summary.capacityPerSec === null ? '' : capacityBound(arm);
    const perSec = rate === null ? '' : `${bound}${roundInterval(rate).value} requests/s, `;
    return `${name} ${perSec}mean ${formatLatency(summary.meanUs)}`;
  });
  return sides.length < 2 ? null : sides.join('; ');
}
