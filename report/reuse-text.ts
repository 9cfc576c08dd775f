// In: the arms of a cell. Out: those that should reuse connections and do not, a sentence each; and the share that was reused.
import type { ArmSummary } from '../results/model/run.ts';
import type { ArmView, CellView } from './cell-view.ts';
import { countText } from './words/numbers.ts';

/** Two requests on each connection would be half as many. */
const HARDLY_REUSED = 0.1;
const NOT_REUSED = 0.01;

/** The share of requests that went over a connection that was already open; null where none was sent. */
export function reuseRatio({
  opened,
  requestsSent,
}: Pick<ArmSummary, 'opened' | 'requestsSent'>): number | null {
  return requestsSent === 0 ? null : Math.max(0, 1 - opened / requestsSent);
}

/** `ours opened a connection for each of 2,175 requests: it reuses none.` */
export function reuseTexts({ arms, result }: Pick<CellView, 'arms' | 'result'>): string[] {
  const { target } = result.scenario;
  const closes =
    target.connectionClose === true || result.server?.httpVersion === '1.0'
      ? ', because the server closes it after each answer'
      : '';
  return arms.flatMap(({ name, client, summary }: ArmView) => {
    if (summary === null || client === undefined || client.requestsPerConnection === 1) return [];
    const ratio = reuseRatio(summary);
    if (ratio === null || ratio >= HARDLY_REUSED) return [];
    const sent = countText(summary.requestsSent);
    return ratio < NOT_REUSED
      ? [`${name} opened a connection for each of ${sent} requests: it reuses none${closes}.`]
      : [
          `${name} opened ${countText(summary.opened)} connections for ${sent} requests: it hardly reuses any${closes}.`,
        ];
  });
}
