// Rules on target.faults: what each kind needs of the protocol, the requests, the behaviour and the clients.
import { leavesBody } from '../../../scenarios/model/facts.ts';
import { isExpectedStatus } from '../../../scenarios/model/request-facts.ts';
import type { Scenario } from '../../../scenarios/model/scenario.ts';
import { closesConnection, type Fault, needsBody } from '../../../scenarios/model/target.ts';
import type { Obstacle } from '../../contracts.ts';
import type { Finding, Rule } from './rule.ts';

/** A finding for each of the faults that are not possible. */
function refuseFaults(
  { target: { faults } }: Scenario,
  refuse: (fault: Fault) => Obstacle | false | undefined,
): Finding[] {
  return faults.flatMap((fault, index) => {
    const refused = refuse(fault);
    return refused ? { path: ['target', 'faults', index], ...refused } : [];
  });
}

/** Several requests on one connection would all meet the fault that only one of them was to meet. */
const SHARED =
  'so a fault of one request would fail others too, and failures could not be told from injected ones';

function refuseOverHttp2(fault: Fault): Obstacle | undefined {
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
function refuseTime({ during }: Fault, { slicing, measureMs }: Scenario['timing']): Obstacle | undefined {
  if (during === undefined) return undefined;
  if (slicing !== 'whole') {
    return {
      message: 'a fault during a part of the window needs a slice that is all of a replicate',
      hint: "timing.slicing: 'whole', or no during",
    };
  }
  if (during.fromMs < measureMs) return undefined;
  return {
    message: `a window of ${measureMs} ms is over before this fault begins`,
    hint: `fromMs below ${measureMs}, or a longer timing.measureMs`,
  };
}

export const faultRules: readonly Rule[] = [
  {
    at: 'target.faults',
    reads: ['target.protocol'],
    check: scenario =>
      scenario.target.protocol === 'h2' ? refuseFaults(scenario, refuseOverHttp2) : undefined,
  },
  {
    at: 'target.faults',
    reads: ['target.behaviour'],
    check: scenario =>
      refuseFaults(
        scenario,
        fault =>
          needsBody(fault) &&
          scenario.target.behaviour['bytes'] === 0 && {
            message: `${fault.kind} happens within the body, and this behaviour's answers have none`,
            hint: 'another kind, or target.behaviour.bytes of at least 1',
          },
      ),
  },
  {
    at: 'target.faults',
    reads: ['request', 'requests'],
    check(scenario) {
      const { request, requests = [request] } = scenario;
      return refuseFaults(
        scenario,
        fault =>
          needsBody(fault) &&
          requests.some(asked => asked?.method === 'HEAD') && {
            message: `${fault.kind} happens within the body, and answers to HEAD have none`,
            hint: 'another kind, or another method',
          },
      );
    },
  },
  {
    at: 'target.faults',
    reads: ['target.framing'],
    check: scenario =>
      refuseFaults(
        scenario,
        ({ kind }) =>
          kind === 'closeInBody' &&
          scenario.target.framing === 'close' && {
            message: 'a body that ends with its connection looks whole wherever it is cut',
            hint: "another kind, or target.framing 'length' or 'chunked'",
          },
      ),
  },
  {
    at: 'target.faults',
    reads: ['timing.slicing', 'timing.measureMs'],
    check: scenario => refuseFaults(scenario, fault => refuseTime(fault, scenario.timing)),
  },
  {
    at: 'target.expectStatus',
    reads: ['target.faults'],
    isBroken: ({ target: { faults, expectStatus } }) =>
      faults.length > 0 && !isExpectedStatus(expectStatus, 200),
    message: 'answers without a fault have status 200, and would all count as failures',
    hint: '200 or 2xx among them, or no target.faults',
  },
  {
    at: 'clients.*.body',
    reads: ['target.faults'],
    isBroken: ({ target: { faults } }, client) =>
      leavesBody(client) && faults.some(({ kind }) => kind === 'closeInBody'),
    message: 'target.faults has closeInBody, which a client that does not read the body never notices',
    hint: "'read' or 'dump', or faults of other kinds",
  },
  {
    at: 'clients.*.pool.pipelining',
    reads: ['target.faults'],
    check({ target: { faults } }, { pool: { pipelining = 1 } }) {
      const shared = faults.find(fault => closesConnection(fault) || fault.kind === 'noAnswer');
      if (pipelining === 1 || shared === undefined) return undefined;
      return {
        message: `target.faults has ${shared.kind}, and pipelined requests wait on the same connection, ${SHARED}`,
        hint: '1, or faults of kind status or slowBytes only',
      };
    },
  },
];
