// Rows of `npm run bench:truth` about the figures of one client, and about runs that must not pass: how each is measured, and what else
// measures it.
import { summariseArms } from '../../../results/compare.ts';
import type { ScenarioInput } from '../../../scenarios/model/scenario.ts';
import {
  ARM,
  type Clients,
  completedOf,
  exactLine,
  LOGGING,
  latencyLines,
  loggedInWindows,
  loggingClient,
  MACHINE,
  marksOf,
  measureAgainst,
  openFolder,
  POOL,
  type Row,
  rateLine,
  runConntax,
  serverLines,
  targetOf,
  timing,
  USERS,
  WITHIN,
} from './conntax-run.ts';
import {
  byHand,
  cyclesOf,
  figuresOf,
  fromSchedule,
  inWindows,
  type ServerOrder,
  startServer,
} from './witnesses.ts';

/** Most answers take 50 ms, and 2 in 100 take 300 ms: p99 and p99.9 are slow requests. */
const TAILED: Partial<ServerOrder> = { slowPerMille: 20, slowMs: 300 };

/** Each client and tool in a closed load: the server's log, by the times between two requests on a connection. */
export const byCycles = (
  name: string,
  client: Clients[string],
  { order = {}, sliceMs }: { order?: Partial<ServerOrder>; sliceMs?: number } = {},
): Row => ({
  name: `closed, ${name}`,
  measure: async () => {
    await using server = await startServer({ ...TAILED, ...order });
    const { measured, log, connections } = await measureAgainst(server, () => ({
      clients: { [ARM]: client },
      timing: timing(sliceMs === undefined ? {} : { sliceMs }),
    }));
    const [trial] = completedOf(measured, ARM);
    const { found } = inWindows(log, trial!.measurement.slices, cyclesOf(log));
    return [...connections, ...serverLines(measured, found)];
  },
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
  measure: async () => {
    await using server = await startServer({ ...TAILED, meanMs: 200, slowMs: 600, ...order });
    const { measured, log, connections } = await measureAgainst(
      server,
      () => ({ clients: { [ARM]: client } }),
      client?.protocol,
    );
    const [trial] = completedOf(measured, ARM);
    const { found } = inWindows(log, trial!.measurement.slices);
    return [...connections, ...serverLines(measured, found)];
  },
});

/** How many connections a client opened, by server and kernel; the server sees neither a user nor the opening of a connection. */
export const connectionsOnly = (
  name: string,
  client: Clients[string],
  order: Partial<ServerOrder> = {},
): Row => ({
  name: `connections, ${name}`,
  measure: async () => {
    await using server = await startServer({ ...TAILED, ...order });
    const { measured, log, connections } = await measureAgainst(server, () => ({
      clients: { [ARM]: client },
    }));
    const { requestsSent } = completedOf(measured, ARM)[0]!.measurement.ledger;
    return [...connections, exactLine('requests', requestsSent, log.length, 'server')];
  },
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
  measure: async () => {
    await using server = await startServer(order);
    const { measured, connections } = await measureAgainst(server, log => ({
      clients: {
        [ARM]: isShort
          ? { transport: LOGGING, requestsPerConnection: 1, options: { log, ...client } }
          : loggingClient({ log, ...client }),
      },
      timing: timing(own),
      ...(load === undefined ? {} : { load }),
    }));
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
  },
});

/**
 * Behind a link, for which conntax's own target is needed. Mean and p50 are known by what was asked for; the tail that timers
 * and the scheduler add is known to the client's log.
 */
export const behindLink = (roundTripMs: number, meanMs: number): Row => ({
  name: 'closed, behind a link',
  measure: async () => {
    const measured = await runConntax(log => ({
      target: { behaviour: { name: 'delay', meanMs } },
      link: { roundTripMs },
      clients: { [ARM]: loggingClient({ log }) },
    }));
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
  measure: async () => {
    await using server = await startServer({ ...TAILED, isRegular: true });
    const { measured } = await measureAgainst(server, () => ({ clients: { [ARM]: { pool: POOL } } }));
    return latencyLines(measured, await byHand(tool, server.url, USERS, 8), tool);
  },
});

/** What a limiter lets through in a probe: its rate, its burst, and the share of errors that the objective allows. */
const LIMIT = { perSec: 1_000, burst: 15, errorRatio: 0.005, rampSec: 0.1, probeSec: 1 };

/** A server that refuses what is above a rate: the capacity is that rate. */
export const capacity: Row = {
  name: 'capacity, a server with a limit',
  measure: async () => {
    await using server = await startServer({ meanMs: 5, limitPerSec: LIMIT.perSec, limitBurst: LIMIT.burst });
    const { measured, connections } = await measureAgainst(server, () => ({
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
    }));
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
  },
};

/** Enough users that those who wait for ever leave others. */
const MANY_USERS = 60;

/** The server never answers some requests: as many errors, each named for what it is. */
export const unanswered = (silentPerMille: number): Row => ({
  name: `never answers ${silentPerMille} in 1,000`,
  measure: async () => {
    await using server = await startServer({ silentPerMille });
    const { measured, log } = await measureAgainst(server, logDir => ({
      clients: { [ARM]: loggingClient({ log: logDir }, MANY_USERS) },
      load: { concurrency: MANY_USERS },
      timing: timing({ measureMs: 5_000, sliceMs: 5_000, drainMs: 1_500 }),
    }));
    const { found } = loggedInWindows(measured);
    const { failed, completed, outcomes, ledger } = completedOf(measured, ARM)[0]!.measurement;
    const silent = found.filter(({ status }) => status === 0);
    const answered = figuresOf(found.filter(({ status }) => status !== 0));
    return [
      exactLine('errors: no answer', outcomes.noAnswer?.count ?? 0, silent.length, "client's log"),
      exactLine('errors of any kind', failed, silent.length, "client's log"),
      exactLine(
        'unfinished, ramp and warm-up included',
        ledger.unfinished,
        log.filter(({ status }) => status === 0).length,
        'server',
      ),
      {
        figure: 'error rate',
        conntax: failed / (failed + completed),
        witness: silent.length / found.length,
        by: "client's log",
        within: WITHIN,
        marks: [],
      },
      // Below the waits, which are lower bounds, nothing is changed by them.
      ...latencyLines(measured, { p50Ms: answered.p50Ms }, "client's log"),
    ];
  },
});

/** What is asked of these runs is an exit status, no figure. */
const BRIEFLY = timing({
  warmupMinMs: 0,
  warmupMaxMs: 100,
  measureMs: 300,
  sliceMs: 50,
  budgetMs: 15_000,
});
const CANNOT_MEASURE = 3;

/** No request is answered well: no figure, exit status 3, and no baseline. */
export const nothingGood = (
  name: string,
  order: Partial<ServerOrder>,
  client: (logDir: string) => Clients[string] = () => ({ pool: POOL }),
): Row => ({
  name: `all requests fail, ${name}`,
  measure: async () => {
    await using server = await startServer({ meanMs: 20, ...order });
    await using folder = await openFolder();
    const { logDir, writeScenario, conntax, last } = folder;
    await writeScenario({
      target: targetOf(server),
      clients: { [ARM]: client(logDir) },
      timing: BRIEFLY,
    });
    const { status } = await conntax('run', './truth.json');
    const saved = await conntax('baseline', 'save', '--force');
    const trials = last()?.trials ?? [];
    return [
      exactLine('exit status', status, CANNOT_MEASURE),
      exactLine('trials with figures', trials.filter(({ state }) => state === 'completed').length, 0),
      exactLine('exit status of baseline save --force', saved.status, CANNOT_MEASURE),
    ];
  },
});

/** A baseline of one replicate sees nothing, and a gate whose scenario has another name compares nothing. */
export const blindGate: Row = {
  name: 'gates that can see nothing',
  measure: async () => {
    await using folder = await openFolder();
    const { writeScenario, conntax } = folder;
    for (const name of ['one', 'another'])
      await writeScenario({
        name,
        target: { behaviour: { name: 'fixed' } },
        clients: { [ARM]: { pool: POOL }, other: { pool: POOL } },
        timing: BRIEFLY,
      });
    await conntax('run', './one.json');
    const blind = await conntax('baseline', 'save');
    await conntax('baseline', 'save', '--force');
    await conntax('run', './another.json');
    const nothing = await conntax('gate');
    return [
      exactLine('exit status of baseline save, one replicate', blind.status, CANNOT_MEASURE),
      exactLine('exit status of gate, nothing compared', nothing.status, CANNOT_MEASURE),
    ];
  },
};
