// Kept connections that are 40 ms slower than new ones: what that looks like, and what it is due to.
import { isBuiltIn } from '../../scenarios/model/target.ts';
import type { CellView } from '../cell-view.ts';
import { formatLatency } from './numbers.ts';

/**
 * Linux delays the acknowledgement of a segment on a connection in use by 40 ms (TCP_DELACK_MIN, net/tcp.h), and on a new one
 * not at all. A server that writes header and body apart, without TCP_NODELAY, sends the body after it (RFC 896).
 */
const DELAY_US = { least: 35_000, most: 50_000 };

/** Only of a server that conntax did not write: its own sends each response at once. */
export function delayedAckCaveats({ arms, result: { scenario } }: CellView): string[] {
  if (isBuiltIn(scenario.target)) return [];
  const p50Of = (requests: 1 | 'unlimited') =>
    arms.flatMap(({ name, summary }) =>
      scenario.clients[name]?.requestsPerConnection === requests && summary !== null
        ? [{ name, p50Us: summary.p50Us }]
        : [],
    );
  const [fresh] = p50Of(1).toSorted((a, b) => a.p50Us - b.p50Us);
  if (fresh === undefined) return [];
  return p50Of('unlimited')
    .filter(({ p50Us }) => p50Us - fresh.p50Us > DELAY_US.least && p50Us - fresh.p50Us < DELAY_US.most)
    .map(
      ({ name, p50Us }) =>
        `Half of the responses of ${name} take more than ${formatLatency(p50Us)}, of ${fresh.name} more than ${formatLatency(fresh.p50Us)}. About 40 ms on kept connections alone are typical of a server that writes header and body apart without TCP_NODELAY (Nagle's algorithm waits for a delayed acknowledgement): no setting of a client avoids them, one write or TCP_NODELAY at the server does.`,
    );
}
