// In: a server, a client and a load. Out: a row of `npm run bench:truth`: how it is measured, and by whom else.
import { fileURLToPath } from 'node:url';
import { summariseArms } from '../../../results/compare.ts';
import type { ScenarioInput } from '../../core/scenario.ts';
import { completedOf, MACHINE, marksOf, runConntax } from './conntax-run.ts';
import { ARM, connectionLine, cycleLines, latencyLines, rateLine, USERS } from './lines.ts';
import type { Seen, ServerOrder } from './protocol.ts';
import type { Line } from './verdict.ts';
import { byHand, cyclesOf, figuresOf, inWindows, type Server, startServer } from './witnesses.ts';

export interface Row {
  name: string;
  measure: () => Promise<Line[]>;
}

type Clients = NonNullable<ScenarioInput['clients']>;

/** Honours no more than that. */
const loggingPool = { maxConnections: USERS };
const LOGGING = fileURLToPath(new URL('./logging-client.ts', import.meta.url));
export const pool = { maxConnections: USERS, idleTimeoutMs: 60_000 };
const TIMING = { warmupMinMs: 500, warmupMaxMs: 1_000, measureMs: 8_000, budgetMs: 60_000 };
const ONCE = { minReplicates: 1, maxReplicates: 1 };

const scenarioOf = (rest: Partial<ScenarioInput> & { clients: Clients }): ScenarioInput => ({
  name: 'truth',
  question: 'Is each figure what an independent witness says?',
  baseline: Object.keys(rest.clients)[0]!,
  load: { concurrency: USERS },
  timing: { ...TIMING, ...ONCE },
  ...rest,
});

async function withServer<T>(order: Partial<ServerOrder>, use: (server: Server) => Promise<T>): Promise<T> {
  const server = await startServer(order);
  try {
    return await use(server);
  } finally {
    server.close();
  }
}

/** Each client and tool against a server that takes 50 ms: what the server sees of it. */
export const byServer = (name: string, client: Clients[string], sliceMs?: number): Row => ({
  name: `closed, ${name}`,
  measure: () =>
    withServer({}, async server => {
      const measured = await runConntax(() =>
        scenarioOf({
          target: { url: server.url },
          clients: { [ARM]: client },
          timing: { ...TIMING, ...ONCE, ...(sliceMs === undefined ? {} : { sliceMs }) },
        }),
      );
      const log = await server.read();
      const [trial] = completedOf(measured, ARM);
      return [
        connectionLine(measured, await server.accepted()),
        ...cycleLines(measured, inWindows(log.slice(1), trial!.measurement.slices, cyclesOf(log)).found),
      ];
    }),
});

/** A client that writes its own log: the requests of the windows, one by one. */
export const byLog = (
  name: string,
  order: Partial<ServerOrder>,
  load?: ScenarioInput['load'],
  perSec?: number,
): Row => ({
  name,
  measure: () =>
    withServer(order, async server => {
      const measured = await runConntax(log =>
        scenarioOf({
          target: { url: server.url },
          clients: { [ARM]: { transport: LOGGING, pool: loggingPool, options: { log } } },
          ...(load === undefined ? {} : { load }),
        }),
      );
      const [trial] = completedOf(measured, ARM);
      const { found, offBy } = inWindows(measured.logs.at(-1)!, trial!.measurement.slices);
      const witness = figuresOf(found);
      const rate = perSec ?? (USERS * 1_000) / witness.meanMs;
      const { completed, failed } = trial!.measurement;
      return [
        {
          figure: 'requests in windows',
          conntax: completed + failed,
          witness: found.length,
          by: `client's log (${offBy} at edges)`,
          within: 0.005,
          marks: [],
        },
        connectionLine(measured, await server.accepted()),
        rateLine(
          measured,
          rate,
          perSec === undefined ? "users / mean of client's log" : 'schedule',
          // Times of arrival are drawn: their number is known to three standard deviations.
          perSec === undefined ? undefined : Math.max(0.02, 3 / Math.sqrt(found.length)),
        ),
        ...latencyLines(measured, witness, "client's log"),
      ];
    }),
});

/** conntax's own target, of which a time is known by what it was told to take. */
export const byOrder = (
  name: string,
  meanMs: number,
  rest: Partial<ScenarioInput>,
  client: Clients[string],
): Row => ({
  name,
  measure: async () => {
    const measured = await runConntax(() => scenarioOf({ ...rest, clients: { [ARM]: client } }));
    const [trial] = completedOf(measured, ARM);
    const { opened, accepted } = trial!.measurement.ledger;
    const marks = marksOf(measured, ARM);
    return [
      {
        figure: 'connections',
        conntax: opened,
        witness: accepted ?? Number.NaN,
        by: 'target',
        within: 0,
        marks,
      },
      ...latencyLines(
        measured,
        { meanMs, p50Ms: meanMs },
        'what was asked for',
        marksOf(measured, ARM, MACHINE),
      ),
    ];
  },
});

export const manually = (tool: 'hey' | 'wrk'): Row => ({
  name: `${tool} by hand`,
  measure: () =>
    withServer({ slowPerMille: 20, slowMs: 300 }, async server => {
      const measured = await runConntax(() =>
        scenarioOf({ target: { url: server.url }, clients: { [ARM]: { pool } } }),
      );
      return latencyLines(measured, await byHand(tool, server.url, USERS, 8), tool);
    }),
});

export const failures = (
  name: string,
  order: Partial<ServerOrder>,
  ratioOf: (log: readonly Seen[]) => number,
  client: Clients[string],
): Row => ({
  name,
  measure: () =>
    withServer(order, async server => {
      const measured = await runConntax(() =>
        scenarioOf({
          target: { url: server.url },
          clients: { [ARM]: client },
          timing: { ...TIMING, ...ONCE, sliceMs: 4_000, measureMs: 4_000 },
        }),
      );
      const { errorRatio } = summariseArms(measured.trials)[0]!;
      const witness = ratioOf((await server.read()).slice(1));
      // The server's share is of all requests, ramp and warm-up included: they differ by chance.
      const within = witness === 1 ? 0 : 0.5;
      return [
        {
          figure: 'error rate',
          conntax: errorRatio,
          witness,
          by: 'server',
          within,
          marks: marksOf(measured, ARM),
        },
      ];
    }),
});

/** Two arms of one client, of which one blocks its event loop for 150 ms in each second. */
export const stalls: Row = {
  name: 'ratio, one arm stops',
  measure: () =>
    withServer({ meanMs: 5 }, async server => {
      const measured = await runConntax(log => {
        const client = { transport: LOGGING, pool: loggingPool };
        return scenarioOf({
          target: { url: server.url },
          clients: {
            steady: { ...client, options: { log } },
            stops: { ...client, options: { log, pauseMs: 150, everyMs: 1_000 } },
          },
          timing: { ...TIMING, measureMs: 4_000, minReplicates: 5, maxReplicates: 5, budgetMs: 80_000 },
        });
      });
      const comparisons = measured.run.cells[0]!.comparisons;
      const of = (metric: string) => comparisons.find(found => found.metric === metric)!.ratio;
      const marks = marksOf(measured, 'stops');
      return [
        {
          figure: 'ratio of requests/s',
          conntax: of('requestsPerSec')?.value ?? Number.NaN,
          witness: 0.85,
          by: 'what was asked for',
          within: 0,
          interval: of('requestsPerSec'),
          marks,
        },
        {
          figure: 'ratio of means',
          conntax: of('meanUs')?.value ?? Number.NaN,
          witness: 1 / 0.85,
          by: 'what was asked for',
          within: 0,
          interval: of('meanUs'),
          marks,
        },
      ];
    }),
};
