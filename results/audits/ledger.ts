// In: a trial's ledger. Out: whether both ends counted the same connections, as many as the mode needs, and of the kind.
import { checkHandshakes } from './handshakes.ts';
import type { TrialRule } from './rule.ts';
import { whole } from './rule.ts';

/**
 * opened = accepted, within what the mode needs, and with the handshakes and the protocol stated. A request that failed or was given up may have cost a connection
 * more (its connection is replaced) or less (it never got one), or left one half open, seen by one end only: each such
 * request is allowed one connection.
 */
export const ledger: TrialRule = {
  rule: 'ledger',
  check(trial) {
    const { opened, accepted, needed, failed, unfinished } = trial.measurement.ledger;
    const allowance = failed + unfinished;
    const allowed =
      allowance === 0 ? '' : ` (give or take ${whole(allowance)} for failed and unfinished requests)`;
    if (Math.abs(opened - accepted) > allowance) {
      return {
        state: 'fail',
        detail: `the client opened ${whole(opened)} connections, the target accepted ${whole(accepted)}${allowed}`,
      };
    }
    const counted = `opened ${whole(opened)}, accepted ${whole(accepted)}, needed ${rangeOf(needed)}`;
    const isWithin =
      opened >= needed.least - allowance && (needed.most === null || opened <= needed.most + allowance);
    if (!isWithin) {
      return {
        state: 'fail',
        detail: `connections ${counted}${allowed}: the client does not reuse them as its settings say`,
      };
    }
    const handshakes = checkHandshakes(trial, allowance);
    if (handshakes?.state === 'fail') return handshakes;
    return {
      state: 'pass',
      detail: `connections ${counted}${handshakes === null ? '' : `; ${handshakes.detail}`}`,
    };
  },
};

function rangeOf({ least, most }: { least: number; most: number | null }): string {
  if (most === null) return `at least ${whole(least)}`;
  return least === most ? whole(least) : `${whole(least)} to ${whole(most)}`;
}
