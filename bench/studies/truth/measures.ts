// Rows of `npm run bench:truth` about the figures of one client: how each is measured, and what else measures it.
import { fileURLToPath } from 'node:url';
import { summariseArms } from '../../../results/compare.ts';
import type { ScenarioInput } from '../../../scenarios/model/scenario.ts';
import { completedOf, MACHINE, type Measured, marksOf, runConntax } from './conntax-run.ts';
import {
  ARM,
  connectionLines,
  cycleLines,
  exactLine,
  type Line,
  latencyLines,
  rateLine,
  USERS,
  WITHIN,
} from './lines.ts';
import type { Seen, ServerOrder } from './protocol.ts';
import {
  byHand,
  countAccepted,
  cyclesOf,
  figuresOf,
  fromSchedule,
  inWindows,
  type Server,
  startServer,
} from './witnesses.ts';

// The scenarios of `npm run bench:truth`, and how one is run against a witness's server.

export interface Row {
  name: string;
  measure: () => Promise<Line[]>;
}

export type Clients = NonNullable<ScenarioInput['clients']>;
type Timing = NonNullable<ScenarioInput['timing']>;

export const POOL = { maxConnections: USERS, idleTimeoutMs: 60_000 };
const LOGGING = fileURLToPath(new URL('./logging-client.ts', import.meta.url));
const TIMING = { warmupMinMs: 500, warmupMaxMs: 1_000, measureMs: 8_000, budgetMs: 60_000 };
const ONCE = { minReplicates: 1, maxReplicates: 1 };

/** @param more settings over those of one replicate of 8 s */
export const timing = (more: Timing = {}): Timing => ({ ...TIMING, ...ONCE, ...more });

export const scenarioOf = (rest: Partial<ScenarioInput> & { clients: Clients }): ScenarioInput => ({
  name: 'truth',
  question: 'Is each figure what an independent witness says?',
  baseline: Object.keys(rest.clients)[0]!,
  load: { concurrency: USERS },
  timing: timing(),
  ...rest,
});

/** A client that logs; it supports no other setting of a pool than this one. */
export const loggingClient = (
  options: Record<string, string | number | boolean>,
  maxConnections = USERS,
): Clients[string] => ({
  transport: LOGGING,
  pool: { maxConnections },
  options,
});

export const targetOf = (
  { url, caPem }: Server,
  protocol: 'http1' | 'h2' = 'http1',
): ScenarioInput['target'] => ({
  url,
  protocol,
  ...(caPem === undefined ? {} : { caFile: './ca.pem' }),
});

export async function withServer<T>(
  order: Partial<ServerOrder>,
  use: (server: Server) => Promise<T>,
): Promise<T> {
  const server = await startServer(order);
  try {
    return await use(server);
  } finally {
    server.close();
  }
}

/** Runs conntax against the server, while server and kernel count connections. */
export async function measureAgainst(
  server: Server,
  scenario: (logDir: string) => ScenarioInput,
): Promise<{ measured: Measured; log: Seen[]; connections: Line[] }> {
  const { result: measured, accepted: kernel } = await countAccepted(() =>
    runConntax(scenario, server.caPem),
  );
  // Over TLS, one more connection asks for versions and protocols before the run.
  const asked = server.caPem === undefined ? 1 : 2;
  const connections = connectionLines(measured, { server: await server.accepted(), kernel }, asked);
  // The first asks whether the server is there.
  return { measured, log: (await server.read()).slice(1), connections };
}

/** The requests of the arm's windows, by the log of its client in a run of one replicate. */
export function loggedInWindows(measured: Measured, arm = ARM): { found: Seen[]; offBy: number } {
  const [trial] = completedOf(measured, arm);
  if (trial === undefined) throw new Error(`no trial of ${arm} was completed:\n${measured.text}`);
  return inWindows(measured.logs.get(arm)!.at(-1)!, trial.measurement.slices);
}

/** Most answers take 50 ms, and 2 in 100 take 300 ms: p99 and p99.9 are slow requests. */
const TAILED: Partial<ServerOrder> = { slowPerMille: 20, slowMs: 300 };

/** Each client and tool in a closed load: the server's log, by the times between two requests on a connection. */
export const byCycles = (
  name: string,
  client: Clients[string],
  { order = {}, sliceMs }: { order?: Partial<ServerOrder>; sliceMs?: number } = {},
): Row => ({
  name: `closed, ${name}`,
  measure: () =>
    withServer({ ...TAILED, ...order }, async server => {
      const { measured, log, connections } = await measureAgainst(server, () =>
        scenarioOf({
          target: targetOf(server),
          clients: { [ARM]: client },
          timing: timing(sliceMs === undefined ? {} : { sliceMs }),
        }),
      );
      const [trial] = completedOf(measured, ARM);
      const { found } = inWindows(log, trial!.measurement.slices, cyclesOf(log));
      return [...connections, ...cycleLines(measured, found)];
    }),
});

/**
 * Clients of which the server does not see the time from one request to the next, because each connection has one request, or
 * several at once: what the server took, which is long against what network and client add to it.
 */
export const byServiceTime = (
  name: string,
  client: Clients[string],
  order: Partial<ServerOrder> = {},
): Row => ({
  name: `closed, ${name}`,
  measure: () =>
    withServer({ ...TAILED, meanMs: 200, slowMs: 600, ...order }, async server => {
      const { measured, log, connections } = await measureAgainst(server, () =>
        scenarioOf({ target: targetOf(server, client?.protocol), clients: { [ARM]: client } }),
      );
      const [trial] = completedOf(measured, ARM);
      const { found } = inWindows(log, trial!.measurement.slices);
      const witness = figuresOf(found);
      return [
        ...connections,
        rateLine(measured, (USERS * 1_000) / witness.meanMs, 'users / mean of server'),
        ...latencyLines(measured, witness, 'server'),
      ];
    }),
});

/** How many connections a client opened, by server and kernel; the server sees neither a user nor the opening of a connection. */
export const connectionsOnly = (
  name: string,
  client: Clients[string],
  order: Partial<ServerOrder> = {},
): Row => ({
  name: `connections, ${name}`,
  measure: () =>
    withServer({ ...TAILED, ...order }, async server => {
      const { measured, log, connections } = await measureAgainst(server, () =>
        scenarioOf({ target: targetOf(server), clients: { [ARM]: client } }),
      );
      const { requestsSent } = completedOf(measured, ARM)[0]!.measurement.ledger;
      return [...connections, exactLine('requests', requestsSent, log.length, 'server')];
    }),
});

interface LogOptions {
  load?: ScenarioInput['load'];
  /** By the schedule. */
  perSec?: number;
  /** Whether requests are due at equal distances, so that the time of each is known. */
  isScheduled?: boolean;
  /** Options of the logging client. */
  client?: Record<string, number>;
  /** A new connection for each request. */
  isShort?: boolean;
  timing?: ScenarioInput['timing'];
}

/** A client that writes its own log: the requests of the windows, one by one. */
export const byLog = (
  name: string,
  order: Partial<ServerOrder>,
  { load, perSec, isScheduled = false, client = {}, isShort = false, timing: own = {} }: LogOptions = {},
): Row => ({
  name,
  measure: () =>
    withServer(order, async server => {
      const { measured, connections } = await measureAgainst(server, log =>
        scenarioOf({
          target: targetOf(server),
          clients: {
            [ARM]: isShort
              ? { transport: LOGGING, requestsPerConnection: 1, options: { log, ...client } }
              : loggingClient({ log, ...client }),
          },
          timing: timing(own),
          ...(load === undefined ? {} : { load }),
        }),
      );
      const { found, offBy } = loggedInWindows(measured);
      const witness = figuresOf(found);
      const rate = perSec ?? (USERS * 1_000) / witness.meanMs;
      const { completed, failed } = completedOf(measured, ARM)[0]!.measurement;
      // Times of arrival are drawn: their number is known to three standard deviations.
      const isDrawn = perSec !== undefined && !isScheduled;
      return [
        {
          figure: 'requests in windows',
          conntax: completed + failed,
          witness: found.length,
          by: `client's log (${offBy} at edges)`,
          within: 0.005,
          marks: [],
        },
        ...connections,
        rateLine(
          measured,
          rate,
          perSec === undefined ? "users / mean of client's log" : 'schedule',
          isDrawn ? Math.max(WITHIN, 3 / Math.sqrt(found.length)) : WITHIN,
        ),
        ...latencyLines(measured, witness, "client's log"),
        ...(isScheduled
          ? latencyLines(measured, figuresOf(fromSchedule(found, rate)), 'schedule', { of: 'response' })
          : []),
      ];
    }),
});

/**
 * Behind a link, for which conntax's own target is needed. Mean and p50 are known by what was asked for; the tail that timers
 * and the scheduler add is known to the client's log.
 */
export const behindLink = (roundTripMs: number, meanMs: number): Row => ({
  name: 'closed, behind a link',
  measure: async () => {
    const measured = await runConntax(
      log =>
        scenarioOf({
          target: { behaviour: { name: 'delay', meanMs } },
          link: { roundTripMs },
          clients: { [ARM]: loggingClient({ log }) },
        }),
      undefined,
    );
    const { opened, accepted, requestsSent, requestsSeen } = completedOf(measured, ARM)[0]!.measurement
      .ledger;
    const wholeMs = meanMs + roundTripMs;
    const marks = marksOf(measured, ARM, MACHINE);
    const asked = 'what was asked for';
    const { found } = loggedInWindows(measured);
    return [
      exactLine('connections', opened, accepted ?? Number.NaN, 'target'),
      exactLine('requests', requestsSent, requestsSeen ?? Number.NaN, 'target'),
      { ...rateLine(measured, (USERS * 1_000) / wholeMs, asked), marks },
      ...latencyLines(measured, { meanMs: wholeMs, p50Ms: wholeMs }, asked, { marks }),
      ...latencyLines(measured, figuresOf(found), "client's log", { marks }),
    ];
  },
});

/**
 * The same server, asked by another tool right after conntax. These are other requests, so that slow ones come at equal
 * distances. wrk prints no mean of what it measured: it adds the requests that it would have sent while it waited.
 */
export const manually = (tool: 'hey' | 'wrk'): Row => ({
  name: `${tool} by hand`,
  measure: () =>
    withServer({ ...TAILED, isRegular: true }, async server => {
      const { measured } = await measureAgainst(server, () =>
        scenarioOf({ target: targetOf(server), clients: { [ARM]: { pool: POOL } } }),
      );
      return latencyLines(measured, await byHand(tool, server.url, USERS, 8), tool);
    }),
});

/** What a limiter lets through in a probe: its rate, its burst, and the share of errors that the objective allows. */
const LIMIT = { perSec: 1_000, burst: 15, errorRatio: 0.005, rampSec: 0.1, probeSec: 1 };

/** A server that refuses what is above a rate: the capacity is that rate. */
export const capacity: Row = {
  name: 'capacity, a server with a limit',
  measure: () =>
    withServer({ meanMs: 5, limitPerSec: LIMIT.perSec, limitBurst: LIMIT.burst }, async server => {
      const { measured, connections } = await measureAgainst(server, () =>
        scenarioOf({
          target: targetOf(server),
          load: {
            model: 'capacity',
            objective: { p99Ms: 1_000, errorRatio: LIMIT.errorRatio },
            minRatePerSec: LIMIT.perSec / 2,
            maxRatePerSec: LIMIT.perSec * 2,
            resolutionRatio: 0.01,
            probeMs: LIMIT.probeSec * 1_000,
            arrivals: 'constant',
          },
          clients: { [ARM]: { pool: { maxConnections: 100 } } },
          timing: timing({ measureMs: 2_000 }),
        }),
      );
      // Of rate x (ramp + probe) requests, those beyond what the limit gives in that time and its burst are refused.
      const lengthSec = LIMIT.rampSec + LIMIT.probeSec;
      const witness =
        (LIMIT.perSec * lengthSec + LIMIT.burst) / (lengthSec - LIMIT.errorRatio * LIMIT.probeSec);
      return [
        ...connections,
        {
          figure: 'capacity, requests/s',
          conntax: summariseArms(measured.trials)[0]!.capacityPerSec?.value ?? Number.NaN,
          witness,
          by: 'limit of server',
          within: WITHIN,
          marks: marksOf(measured, ARM),
        },
      ];
    }),
};
