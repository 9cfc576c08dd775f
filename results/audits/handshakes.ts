// In: a trial. Out: whether its TLS handshakes and its protocol were those that were asked for, by the count of both ends.
import { usesTls } from '../../scenarios/model/target.ts';
import type { CompletedTrial } from '../model/trial.ts';
import type { Check } from './rule.ts';
import { whole } from './rule.ts';

const PROTOCOLS = { http1: 'HTTP/1.1', h2: 'HTTP/2' } as const;

/**
 * Full and resumed handshakes are the same at both ends, give or take one for each of `allowance`; none is resumed where
 * the client states that none shall be; and every connection speaks the protocol that the client states, by the
 * target's count. What an end does not count is not checked. Null without TLS, where there is nothing to tell.
 */
export function checkHandshakes({ trial, measurement }: CompletedTrial, allowance: number): Check | null {
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
