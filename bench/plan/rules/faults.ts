// Rules on target.faults: what each kind needs of the protocol, the requests, the behaviour and the clients.

import { leavesBody } from '../../../scenarios/model/client-facts.ts';
import { closesConnection, type Fault, needsBody } from '../../../scenarios/model/fault.ts';
import { isExpectedStatus } from '../../../scenarios/model/request-facts.ts';
import type { Scenario } from '../../../scenarios/model/scenario.ts';
import { type Finding, forEachArm, type Rule, type RuleContext } from './rule.ts';

const FAULTS = ['target', 'faults'] as const;

/** A finding for each of the faults that are not possible. */
function eachFault(
  faults: readonly Fault[],
  refuse: (fault: Fault) => Omit<Finding, 'path'> | undefined,
): Finding[] {
  return faults.flatMap((fault, index) => {
    const refused = refuse(fault);
    return refused === undefined ? [] : [{ path: [...FAULTS, index], ...refused }];
  });
}

/** Several requests on one connection would all meet the fault that only one of them was to meet. */
const SHARED =
  'so a fault of one request would fail others too, and failures could not be told from injected ones';

function refuseOverHttp2(fault: Fault): Omit<Finding, 'path'> | undefined {
  if (!closesConnection(fault)) return undefined;
  const hint = "another kind (status, noAnswer, slowBytes), or protocol: 'http1'";
  return fault.kind === 'connectionClose'
    ? { message: 'HTTP/2 has no Connection header', hint }
    : {
        message: `${fault.kind} ends the connection, which over HTTP/2 carries other requests at the same time, ${SHARED}`,
        hint,
      };
}

/** Faults with a time of their own need a slice that has this time. */
function refuseTime(
  { during }: Fault,
  { slicing, measureMs }: Scenario['timing'],
): Omit<Finding, 'path'> | undefined {
  if (during === undefined) return undefined;
  if (slicing !== 'whole') {
    return {
      message: 'a fault during a part of the window needs a slice that is all of a replicate',
      hint: "timing.slicing: 'whole', or no during",
    };
  }
  return during.fromMs < measureMs
    ? undefined
    : {
        message: `a window of ${measureMs} ms is over before this fault begins`,
        hint: `fromMs below ${measureMs}, or a longer timing.measureMs`,
      };
}

export function faultRules(context: RuleContext): Rule[] {
  return [
    {
      reads: [FAULTS, ['target', 'protocol']],
      check: ({ target }) => (target.protocol === 'h2' ? eachFault(target.faults, refuseOverHttp2) : []),
    },
    {
      reads: [FAULTS, ['target', 'behaviour']],
      check: ({ target: { faults, behaviour } }) =>
        eachFault(faults, fault =>
          needsBody(fault) && behaviour['bytes'] === 0
            ? {
                message: `${fault.kind} happens within the body, and this behaviour's answers have none`,
                hint: 'another kind, or target.behaviour.bytes of at least 1',
              }
            : undefined,
        ),
    },
    {
      reads: [FAULTS, ['request'], ['requests']],
      check: ({ target: { faults }, request, requests = request === undefined ? [] : [request] }) =>
        eachFault(faults, fault =>
          needsBody(fault) && requests.some(({ method }) => method === 'HEAD')
            ? {
                message: `${fault.kind} happens within the body, and answers to HEAD have none`,
                hint: 'another kind, or another method',
              }
            : undefined,
        ),
    },
    {
      reads: [FAULTS, ['target', 'framing']],
      check: ({ target: { faults, framing } }) =>
        eachFault(faults, ({ kind }) =>
          kind === 'closeInBody' && framing === 'close'
            ? {
                message: 'a body that ends with its connection looks whole wherever it is cut',
                hint: "another kind, or target.framing 'length' or 'chunked'",
              }
            : undefined,
        ),
    },
    {
      reads: [FAULTS, ['timing', 'slicing'], ['timing', 'measureMs']],
      check: ({ target: { faults }, timing }) => eachFault(faults, fault => refuseTime(fault, timing)),
    },
    {
      reads: [FAULTS, ['target', 'expectStatus']],
      check: ({ target: { faults, expectStatus } }) =>
        faults.length === 0 || isExpectedStatus(expectStatus, 200)
          ? undefined
          : {
              path: ['target', 'expectStatus'],
              message: 'answers without a fault have status 200, and would all count as failures',
              hint: '200 or 2xx among them, or no target.faults',
            },
    },
    ...forEachArm(
      context,
      arm => [FAULTS, ['clients', arm, 'body']],
      (arm, client, { target: { faults } }) =>
        leavesBody(client) && faults.some(({ kind }) => kind === 'closeInBody')
          ? {
              path: ['clients', arm, 'body'],
              message:
                'target.faults has closeInBody, which a client that does not read the body never notices',
              hint: "'read' or 'dump', or faults of other kinds",
            }
          : undefined,
    ),
    ...forEachArm(
      context,
      arm => [FAULTS, ['clients', arm, 'pool', 'pipelining']],
      (arm, { pool: { pipelining = 1 } }, { target: { faults } }) => {
        const shared = faults.find(fault => closesConnection(fault) || fault.kind === 'noAnswer');
        return pipelining === 1 || shared === undefined
          ? undefined
          : {
              path: ['clients', arm, 'pool', 'pipelining'],
              message: `target.faults has ${shared.kind}, and pipelined requests wait on the same connection, ${SHARED}`,
              hint: '1, or faults of kind status or slowBytes only',
            };
      },
    ),
  ];
}
