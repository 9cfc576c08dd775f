// connections.ts
import { usesTls } from '../../scenarios/model/target.ts';
import type { CompletedTrial, Ledger } from '../model/trial.ts';
import { type Check, type TrialRule, whole } from './rule.ts';

// From a trial. Out: whether its TLS handshakes and its protocol were those that were asked for, by the count of both ends.

const PROTOCOLS = { http1: 'HTTP/1.1', h2: 'HTTP/2' } as const;

/**
 * Full and resumed handshakes are the same at both ends, give or take one for each of `allowance`; none is resumed where
 * the client states that none shall be; and every connection speaks the protocol that the client states, by the
 * target's count. What an end does not count is not checked. Null without TLS, where there is nothing to tell.
 */
function checkHandshakes({ trial, measurement }: CompletedTrial, allowance: number): Check | null {
  if (!usesTls(trial.target)) return null;
  const { ledger } = measurement;
  const { handshakesFull: full, handshakesResumed: resumed } = ledger;
  const byClient = { full: ledger.clientHandshakesFull, resumed: ledger.clientHandshakesResumed };
  const byTarget = full === null || resumed === null ? null : { full, resumed };
  const ends = [
    ...(ledger.openedBy === 'client' ? [byClient] : []),
    ...(ledger.acceptedBy === 'target' && byTarget !== null ? [byTarget] : []),
  ];
  const [one, other] = ends;
  if (one === undefined) return null;
  if (
    other !== undefined &&
    (Math.abs(one.full - other.full) > allowance || Math.abs(one.resumed - other.resumed) > allowance)
  ) {
    return {
      state: 'fail',
      detail: `TLS handshakes: by the client ${told(one)}, by the target ${told(other)}`,
    };
  }
  const resuming = ends.find(end => end.resumed > 0);
  if (trial.client.pool.tlsSessions === 'none' && resuming !== undefined)
    return { state: 'fail', detail: `TLS handshakes ${told(resuming)}, though no session was to be resumed` };
  const { acceptedHttp2 } = ledger;
  const { protocol } = trial.client;
  const shaken = byTarget === null ? 0 : byTarget.full + byTarget.resumed;
  if (byTarget !== null && acceptedHttp2 !== null && acceptedHttp2 !== (protocol === 'h2' ? shaken : 0)) {
    return {
      state: 'fail',
      detail: `${whole(acceptedHttp2)} of ${whole(shaken)} connections spoke HTTP/2, where the client states ${PROTOCOLS[protocol]}`,
    };
  }
  return { state: 'pass', detail: `${PROTOCOLS[protocol]}, TLS handshakes ${told(one)}` };
}

function told({ full, resumed }: { full: number; resumed: number }): string {
  return `${whole(full)} full and ${whole(resumed)} resumed`;
}

// From a trial's ledger. Out: whether both ends counted the same connections, as many as the mode needs, and of the kind.

/**
 * opened = accepted, within what the mode needs, and with the handshakes and the protocol stated. A request that failed or
 * was given up may have cost a connection more (its connection is replaced) or less (it never got one), or left one half
 * open, seen by one end only: each such request is allowed one connection.
 *
 * Client and target count the arm's own connections; the kernel, where it stands in for one of them, those of all programs.
 * So a count of the kernel's may be higher than an own one, which is a caveat, but never lower.
 */
export const ledger: TrialRule = {
  rule: 'ledger',
  check(result) {
    const { trial, measurement } = result;
    const counts = measurement.ledger;
    const { needed, opened } = counts;
    if (counts.openedBy === 'unknown') return { state: 'warn', detail: describeUnchecked(counts) };
    const allowance = counts.failed + counts.unfinished;
    const allowed =
      allowance === 0 ? '' : ` (give or take ${whole(allowance)} for failed and unfinished requests)`;
    const [own, ...otherOwn] = ownCounts(counts);
    const kernel = own === undefined ? [] : kernelCounts(counts);
    if (
      otherOwn.some(count => Math.abs(count - own!) > allowance) ||
      kernel.some(count => count < own! - allowance)
    ) {
      return { state: 'fail', detail: `${describeBoth(counts)}${allowed}${describeElsewhere(counts)}` };
    }
    const detail = `connections ${describeCounts(counts)}, needed ${formatRange(needed)}`;
    const taken = own ?? opened;
    const isAbove = needed.most !== null && taken > needed.most + allowance;
    if (taken < needed.least - allowance || (isAbove && own !== undefined)) {
      return { state: 'fail', detail: `${detail}${allowed}: ${culprit(trial.target.url !== undefined)}` };
    }
    const handshakes = checkHandshakes(result, allowance);
    if (handshakes?.state === 'fail') return handshakes;
    const told = `${handshakes === null ? detail : `${detail}; ${handshakes.detail}`}${describeElsewhere(counts)}`;
    if (isAbove || kernel.some(count => count > own! + allowance)) {
      return { state: 'warn', detail: `${told}${allowed}: ${OTHERS}` };
    }
    return { state: counts.openedElsewhere > 0 ? 'warn' : 'pass', detail: told };
  },
};

const OTHERS =
  "the kernel's count is of all programs on this machine, and others than this client opened connections: the upstream connections of a proxy are among them";

/** Nobody counts what a client opens by native code, in another thread, or to another place than its target. */
function describeUnchecked({ accepted, answered, openedElsewhere, needed }: Ledger): string {
  const seen = accepted === null ? '' : `; ${whole(accepted)} were accepted`;
  return openedElsewhere > 0
    ? `not checked: ${whole(answered)} requests were answered, but no connection to the target was seen, and ${whole(openedElsewhere)} to other places (another port or host, a proxy or a Unix socket)${seen}`
    : `not checked: ${whole(answered)} requests were answered, but none of the client's connections can be seen (native code or another thread)${seen}, needed ${formatRange(needed)}`;
}

function describeElsewhere({ openedElsewhere }: Ledger): string {
  return openedElsewhere === 0
    ? ''
    : `; only connections to the target are checked, and ${whole(openedElsewhere)} more went to other places`;
}

function culprit(isForeign: boolean): string {
  return isForeign
    ? 'client and server do not reuse them as the scenario says of them'
    : 'the client does not reuse them as its settings say';
}

function ownCounts({ opened, openedBy, accepted, acceptedBy }: Ledger): number[] {
  return [
    ...(openedBy === 'client' ? [opened] : []),
    ...(acceptedBy === 'target' && accepted !== null ? [accepted] : []),
  ];
}

function kernelCounts({ opened, openedBy, accepted, acceptedBy }: Ledger): number[] {
  return [
    ...(openedBy === 'kernel' ? [opened] : []),
    ...(acceptedBy !== 'target' && accepted !== null ? [accepted] : []),
  ];
}

function describeBoth({ opened, openedBy, accepted, acceptedBy }: Ledger): string {
  const opener = openedBy === 'client' ? 'the client opened' : 'all programs together opened';
  const acceptor = {
    target: 'the target accepted',
    kernel: 'by the kernel this machine accepted only',
    kernelOpens: 'by the kernel this machine opened only',
  }[acceptedBy];
  return `${opener} ${whole(opened)} connections, ${acceptor} ${whole(accepted ?? 0)}`;
}

function describeCounts({ opened, openedBy, accepted, acceptedBy }: Ledger): string {
  const first = `opened ${whole(opened)}${openedBy === 'kernel' ? ' by the kernel' : ''}`;
  if (accepted === null) return `${first}, accepted unknown`;
  switch (acceptedBy) {
    case 'target':
      return `${first}, accepted ${whole(accepted)}`;
    case 'kernel':
      return `${first}, accepted ${whole(accepted)} by the kernel`;
    case 'kernelOpens':
      // The server is elsewhere: this is a second count of the client's end, or the same one where the client has none.
      return openedBy === 'kernel'
        ? `${first}, accepted unknown`
        : `${first}, ${whole(accepted)} by the kernel`;
    default:
      return acceptedBy satisfies never;
  }
}

function formatRange({ least, most }: { least: number; most: number | null }): string {
  if (most === null) return `at least ${whole(least)}`;
  return least === most ? whole(least) : `${whole(least)} to ${whole(most)}`;
}

// From a trial's ledger. Out: whether every request sent is accounted for, at both ends.

/**
 * sent = answered + failed + unfinished by the client's count; and the target has seen no fewer than were answered and no
 * more than were sent (a request that failed or was given up may or may not have reached it).
 */
export const conservation: TrialRule = {
  rule: 'conservation',
  check({ measurement: { ledger } }) {
    const { requestsSent: sent, requestsSeen: seen, answered, failed, unfinished } = ledger;
    const ends = `${whole(answered)} answered + ${whole(failed)} failed + ${whole(unfinished)} unfinished`;
    if (sent !== answered + failed + unfinished) {
      const off = answered + failed + unfinished - sent;
      return {
        state: 'fail',
        detail: `${whole(sent)} requests were sent, but ${ends} make ${whole(Math.abs(off))} ${off > 0 ? 'more' : 'fewer'}`,
      };
    }
    if (seen === null)
      return { state: 'pass', detail: `${whole(sent)} sent = ${ends}; what the server saw is not known` };
    if (seen < answered || seen > sent) {
      return {
        state: 'fail',
        detail: `the target saw ${whole(seen)} requests, which is not between the ${whole(answered)} answered and the ${whole(sent)} sent`,
      };
    }
    return { state: 'pass', detail: `${whole(sent)} sent = ${ends}; the target saw ${whole(seen)}` };
  },
};
