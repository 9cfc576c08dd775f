// Rows of `npm run bench:truth`, about the figures of one client, ratios of two, and runs that must not pass: how each is measured, and
// what else measures it.
import { compareArms, summariseArms } from '../../../results/compare.ts';
import type { Metric } from '../../../results/model/run.ts';
import type { ScenarioInput } from '../../../scenarios/model/scenario.ts';
import {
  ARM,
  type Clients,
  completedOf,
  exactLine,
  type Line,
  LOGGING,
  latencyLines,
  loggedInWindows,
  loggingClient,
  MACHINE,
  type Measured,
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
  type Figures,
  figuresOf,
  fromSchedule,
  inWindows,
  type Seen,
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

// Two clients, of which one differs in a way that is known.

const PLAIN = 'plain';
const ODD = 'odd';
const REPLICATES = 3;

const replicated = (count: number, measureMs: number) =>
  timing({ measureMs, minReplicates: count, maxReplicates: count, budgetMs: 120_000 });

function ratioOf(measured: Measured, metric: Metric) {
  const found = compareArms({ baseline: PLAIN, trials: measured.trials }).find(of => of.metric === metric);
  return found?.ratio ?? null;
}

/** The figures of an arm in each replicate, of those requests in a log of its own that belong to the windows. */
function figuresByReplicate(
  measured: Measured,
  arm: string,
  logs: readonly (readonly Seen[])[],
  pick: (log: readonly Seen[]) => readonly Seen[] = log => log,
): Figures[] {
  const trials = completedOf(measured, arm).toSorted((a, b) => a.trial.replicate - b.trial.replicate);
  return trials.map(({ measurement }, index) =>
    figuresOf(inWindows(logs[index]!, measurement.slices, pick(logs[index]!)).found),
  );
}

/** Ratios of figures of both arms, on a logarithmic scale in the middle of the replicates. */
function ratioLines(
  measured: Measured,
  figuresOfArm: (arm: string) => Figures[],
  by: string,
  metrics: readonly ('meanUs' | 'p99Us' | 'requestsPerSec')[],
): Line[] {
  const plain = figuresOfArm(PLAIN);
  const odd = figuresOfArm(ODD);
  const witnessOf = (read: (figures: Figures) => number): number =>
    Math.exp(
      odd.reduce((sum, each, index) => sum + Math.log(read(each) / read(plain[index]!)), 0) / odd.length,
    );
  const rows = {
    requestsPerSec: ['ratio of requests/s', witnessOf(({ meanMs }) => 1 / meanMs)],
    meanUs: ['ratio of means', witnessOf(({ meanMs }) => meanMs)],
    p99Us: ['ratio of p99', witnessOf(({ p99Ms }) => p99Ms)],
  } as const;
  return metrics.map(metric => ({
    figure: rows[metric][0],
    conntax: ratioOf(measured, metric)?.value ?? Number.NaN,
    witness: rows[metric][1],
    by,
    within: WITHIN,
    marks: [...marksOf(measured, PLAIN), ...marksOf(measured, ODD)],
  }));
}

/** Two arms of one client, of which one has slow requests: the server takes 300 ms for 2 in 100 of its requests. */
export const slowTail: Row = {
  name: 'ratio, one arm has a slow tail',
  measure: async () => {
    await using server = await startServer({ meanMs: 20, slowPerMille: 20, slowMs: 300, isOddOnly: true });
    const { measured, log } = await measureAgainst(server, logDir => {
      const client = (arm: string) => loggingClient({ log: logDir, arm, query: arm });
      return {
        clients: { [PLAIN]: client(PLAIN), [ODD]: client(ODD) },
        timing: replicated(REPLICATES, 2_000),
      };
    });
    const byQuery = Map.groupBy(log, ({ query }) => query);
    const logsOf = (arm: string) =>
      [...byQuery].filter(([query]) => query.startsWith(arm)).map(([, requests]) => requests);
    return ratioLines(measured, arm => figuresByReplicate(measured, arm, logsOf(arm), cyclesOf), 'server', [
      'requestsPerSec',
      'meanUs',
      'p99Us',
    ]);
  },
};

const PAUSE = { pauseMs: 150, everyMs: 1_000 };

/** Two arms of one client, of which one blocks its event loop for 150 ms in each second. */
export const pauses: Row = {
  name: 'ratio, one arm stops by itself',
  measure: async () => {
    await using server = await startServer({ meanMs: 5 });
    const { measured } = await measureAgainst(server, logDir => ({
      clients: {
        [PLAIN]: loggingClient({ log: logDir, arm: PLAIN }),
        [ODD]: loggingClient({ log: logDir, arm: ODD, ...PAUSE }),
      },
      timing: replicated(5, 3_000),
    }));
    const share = 1 - PAUSE.pauseMs / PAUSE.everyMs;
    const marks = marksOf(measured, ODD);
    const asked = (figure: string, metric: Metric, witness: number): Line => {
      const ratio = ratioOf(measured, metric);
      const by = 'what was asked for, in the interval';
      return {
        figure,
        conntax: ratio?.value ?? Number.NaN,
        witness,
        by,
        within: 0,
        interval: ratio,
        marks,
      };
    };
    return [
      ...ratioLines(
        measured,
        arm => figuresByReplicate(measured, arm, measured.logs.get(arm)!),
        "client's log",
        ['requestsPerSec', 'meanUs'],
      ),
      asked('ratio of requests/s', 'requestsPerSec', share),
      asked('ratio of means', 'meanUs', 1 / share),
    ];
  },
};

/** Two arms, of which one has 5 % of its requests answered with 503: the rates are exact, and the ratio is marked. */
export const unlikeErrors: Row = {
  name: 'ratio, one arm has errors',
  measure: async () => {
    await using server = await startServer({ meanMs: 20, badPerMille: 50, isOddOnly: true });
    const { measured } = await measureAgainst(server, logDir => {
      const client = (arm: string): Clients[string] => loggingClient({ log: logDir, arm, query: arm });
      return {
        clients: { [PLAIN]: client(PLAIN), [ODD]: client(ODD) },
        timing: timing({ measureMs: 4_000 }),
      };
    });
    const lines = [PLAIN, ODD].flatMap(arm => {
      const { found } = loggedInWindows(measured, arm);
      const { failed } = completedOf(measured, arm)[0]!.measurement;
      const bad = found.filter(({ status }) => status === 503).length;
      return exactLine(`failed requests of ${arm}`, failed, bad, "client's log");
    });
    return [...lines, exactLine('ratios marked §', Number(measured.text.includes('§')), 1)];
  },
};
