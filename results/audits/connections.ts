// Audits of connections and requests: both ends count the same, within what the settings need.

import { nameOfOrigin, usesTls } from '../../scenarios/model/facts.ts';
import { isBuiltIn, type Target } from '../../scenarios/model/target.ts';
import { range, whole } from '../figures.ts';
import type { CompletedTrial, Ledger } from '../model/trial.ts';
import { sumOf } from '../stats.ts';
import { type Check, fail, pass, type TrialRule, warn } from './rule.ts';

const PROTOCOLS = { http1: 'HTTP/1.1', h2: 'HTTP/2' } as const;

/**
 * Both ends must count the same full and resumed handshakes, to within `allowance`; none may be resumed if the client is set
 * not to; and by the target's count, every connection must speak the protocol that the client states. Counts that an end does
 * not have are not checked. Null without TLS.
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
    return fail(`TLS handshakes: the client counted ${formatKinds(one)}, the server ${formatKinds(other)}`);
  }
  const resuming = ends.find(end => end.resumed > 0);
  if (trial.client.pool.tlsSessions === 'none' && resuming !== undefined)
    return fail(`TLS handshakes: ${formatKinds(resuming)}, although the client is set to resume none`);
  const { acceptedHttp2 } = ledger;
  const { protocol } = trial.client;
  const shaken = byTarget === null ? 0 : byTarget.full + byTarget.resumed;
  if (byTarget !== null && acceptedHttp2 !== null && acceptedHttp2 !== (protocol === 'h2' ? shaken : 0))
    return fail(
      `${whole(acceptedHttp2)} of ${whole(shaken)} connections spoke HTTP/2; expected: ${protocol === 'h2' ? 'all' : 'none'}, because the client is set to ${PROTOCOLS[protocol]}`,
    );
  return pass(`${PROTOCOLS[protocol]}, TLS handshakes: ${formatKinds(one)}`);
}

function formatKinds({ full, resumed }: { full: number; resumed: number }): string {
  return `${whole(full)} full and ${whole(resumed)} resumed`;
}

/**
 * opened = accepted, within what the settings need, and with the handshakes and the protocol stated. A request that failed or
 * was abandoned may have cost one connection more (its connection is replaced) or less (it never got one), or left one half
 * open that only one end saw, so each such request is allowed one connection.
 *
 * Client and target count the client's own connections; the kernel, if it stands in for one of them, those of all programs.
 * So a count by the kernel may be higher than one of the other end, which is a caveat, but never lower.
 */
export const ledger: TrialRule = {
  rule: 'ledger',
  check(result) {
    const { trial, measurement } = result;
    const counts = measurement.ledger;
    const { needed, opened } = counts;
    if (counts.openedBy === 'unknown') return { state: 'warn', detail: describeUnchecked(counts) };
    const allowance = withoutAnswer(counts);
    const allowed =
      allowance === 0
        ? ''
        : ` (±${whole(allowance)} for failed and unfinished ${counts.attempts === null ? 'requests' : 'attempts'})`;
    const [own, ...otherOwn] = ownCounts(counts);
    const kernel = own === undefined ? [] : kernelCounts(counts);
    if (
      otherOwn.some(count => Math.abs(count - own!) > allowance) ||
      kernel.some(count => count < own! - allowance)
    ) {
      return fail(`${describeBoth(counts, trial.machines)}${allowed}${describeElsewhere(counts)}`);
    }
    const apart = findApart(trial.target, counts, allowance);
    if (apart !== undefined) return fail(`${apart}${allowed}`);
    const byProxy = trial.target.proxy === undefined ? '' : BY_PROXY;
    const detail = `connections ${describeCounts(counts)}, needed ${range(needed)}${describePauses(counts)}${byProxy}`;
    const taken = own ?? opened;
    const isAbove = needed.most !== null && taken > needed.most + allowance;
    if (taken < needed.least - allowance || (isAbove && own !== undefined))
      return fail(`${detail}${allowed}: ${culprit(!isBuiltIn(trial.target))}`);
    const handshakes = checkHandshakes(result, allowance);
    if (handshakes?.state === 'fail') return handshakes;
    const found = `${handshakes === null ? detail : `${detail}; ${handshakes.detail}`}${describeElsewhere(counts)}`;
    if (isAbove || kernel.some(count => count > own! + allowance))
      return warn(`${found}${allowed}: ${OTHERS}`);
    return { state: counts.openedElsewhere > 0 ? 'warn' : 'pass', detail: found };
  },
};

/** How many of those sent had no good answer: requests, or the attempts of a client that sends one several times, or not at all. */
function withoutAnswer({ failed, unfinished, attempts }: Ledger): number {
  return attempts === null ? failed + unfinished : attempts.sent - attempts.answered;
}

/**
 * Both ends must count the same of each origin, too, and the client as many as in all: what is wrong; undefined if nothing is.
 */
function findApart(
  target: Target,
  { origins, opened: total }: Ledger,
  allowance: number,
): string | undefined {
  for (const [index, { opened, accepted }] of origins.entries()) {
    if (opened === null || accepted === null || Math.abs(opened - accepted) <= allowance) continue;
    return `of ${nameOfOrigin(target, index)}, the client opened ${whole(opened)} connections, the server accepted ${whole(accepted)}`;
  }
  const known = origins.flatMap(({ opened }) => opened ?? []);
  const apart = sumOf(known, count => count);
  return known.length === 0 || apart === total
    ? undefined
    : `the client opened ${whole(total)} connections, ${whole(apart)} of them to one of the origins`;
}

const BY_PROXY = '; they lead to the proxy, whose own connections to the server are not counted';

const OTHERS =
  'the kernel counts the connections of all programs on this machine, and other programs opened some, such as a proxy connecting to its upstream';

/** What a client opens by native code, in another thread, or to another destination is not counted. */
function describeUnchecked({ accepted, answered, openedElsewhere, needed }: Ledger): string {
  const seen = accepted === null ? '' : `; ${whole(accepted)} were accepted`;
  return openedElsewhere > 0
    ? `not checked: ${whole(answered)} requests were answered, but no connection to the server was observed, only ${whole(openedElsewhere)} to other destinations (another port or host, a proxy or a Unix socket)${seen}`
    : `not checked: ${whole(answered)} requests were answered, but the client's connections cannot be observed (native code or another thread)${seen}, needed ${range(needed)}`;
}

function describePauses({ closedInPauses, longestPauseMs }: Ledger): string {
  return closedInPauses === 0
    ? ''
    : `, of which ${whole(closedInPauses)} to replace those that ended in pauses of up to ${whole(longestPauseMs)} ms between slices`;
}

function describeElsewhere({ openedElsewhere }: Ledger): string {
  return openedElsewhere === 0
    ? ''
    : `; only connections to the server are checked, ${whole(openedElsewhere)} more went to other destinations`;
}

function culprit(isForeign: boolean): string {
  return isForeign
    ? 'client and server do not reuse them as the scenario declares'
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

function describeBoth(
  { opened, openedBy, accepted, acceptedBy }: Ledger,
  machines: readonly string[] | undefined,
): string {
  const place = machines === undefined ? 'this machine' : machines.join(' and ');
  const opener = openedBy === 'client' ? 'the client opened' : `all programs on ${place} opened`;
  const acceptor = {
    target: 'the server accepted',
    kernel: "but by the kernel's count this machine accepted only",
    serverKernel: "but by the kernel's count the server's machine accepted only",
    kernelOpens: `but by the kernel's count ${place} opened only`,
  }[acceptedBy];
  return `${opener} ${whole(opened)} connections, ${acceptor} ${whole(accepted ?? 0)}`;
}

function describeCounts({ opened, openedBy, accepted, acceptedBy }: Ledger): string {
  const first = `opened ${whole(opened)}${openedBy === 'kernel' ? ' (kernel)' : ''}`;
  if (accepted === null) return `${first}, accepted unknown`;
  switch (acceptedBy) {
    case 'target':
      return `${first}, accepted ${whole(accepted)}`;
    case 'kernel':
    case 'serverKernel':
      return `${first}, accepted ${whole(accepted)} (kernel)`;
    case 'kernelOpens':
      // The server is on another machine: this is a second count of the client's end, or the only one if the client has none.
      return openedBy === 'kernel' ? `${first}, accepted unknown` : `${first}, ${whole(accepted)} (kernel)`;
    default:
      return acceptedBy satisfies never;
  }
}

/**
 * sent = answered + failed + unfinished by the client's count, and the target must have seen at least as many as were answered
 * and at most as many as were sent (a request that failed or was abandoned may or may not have reached it). Where the client may
 * send a request several times or not at all, this is so of its attempts: an answer from its cache has none.
 */
export const conservation: TrialRule = {
  rule: 'conservation',
  check({ trial, measurement: { ledger } }) {
    const { requestsSent: sent, requestsSeen: seen, answered, failed, unfinished } = ledger;
    const apart = sumOf(ledger.origins, ({ requestsSent }) => requestsSent);
    if (ledger.origins.length > 0 && apart !== sent)
      return fail(`${whole(sent)} requests were sent, ${whole(apart)} of them to one of the origins`);
    const ends = `${whole(answered)} answered + ${whole(failed)} failed + ${whole(unfinished)} unfinished`;
    if (sent !== answered + failed + unfinished) {
      const off = answered + failed + unfinished - sent;
      return fail(
        `${whole(sent)} requests were sent, but ${ends} are ${whole(Math.abs(off))} ${off > 0 ? 'more' : 'fewer'}`,
      );
    }
    const { least, most, name } = reaching(ledger);
    const sending = ledger.attempts === null ? '' : `; ${whole(most)} attempts`;
    if (seen === null)
      return pass(`${whole(sent)} sent = ${ends}${sending}; the number that reached the server is unknown`);
    if (seen < least || seen > most)
      return fail(
        `the server saw ${whole(seen)} requests; expected: between the ${whole(least)} answered and the ${whole(most)} sent${name}`,
      );
    const mixed = findMixed(ledger);
    if (mixed !== -1) {
      const one = ledger.origins[mixed]!;
      return fail(
        `${nameOfOrigin(trial.target, mixed)} saw ${whole(one.requestsSeen!)} requests, of ${whole(one.requestsSent)} sent to it`,
      );
    }
    return pass(`${whole(sent)} sent = ${ends}${sending}; the server saw ${whole(seen)}`);
  },
};

/** The fewest and the most requests that a target can have seen. An attempt with a bad status was answered, too. */
function reaching({ requestsSent, answered, attempts }: Ledger): {
  least: number;
  most: number;
  name: string;
} {
  if (attempts === null) return { least: answered, most: requestsSent, name: '' };
  const refused = attempts.failures.badStatus ?? 0;
  return { least: attempts.answered + refused, most: attempts.sent, name: ' attempts' };
}

/** The origin that has seen requests which went to another; -1: none. Of attempts it is not known to which origin they went. */
function findMixed({ origins, requestsSent, answered, attempts }: Ledger): number {
  if (attempts !== null) return -1;
  const mayBeLost = requestsSent - answered;
  return origins.findIndex(
    ({ requestsSent: sent, requestsSeen: seen }) => seen !== null && (seen > sent || seen < sent - mayBeLost),
  );
}
