// Rows of `npm run bench:truth` about ratios of two clients, of which one differs in a way that is known.
import { compareArms } from '../../../results/compare.ts';
import type { Metric } from '../../../results/model/run.ts';
import {
  type Clients,
  completedOf,
  exactLine,
  type Line,
  loggedInWindows,
  loggingClient,
  type Measured,
  marksOf,
  measureAgainst,
  type Row,
  timing,
  WITHIN,
} from './conntax-run.ts';
import { cyclesOf, type Figures, figuresOf, inWindows, type Seen, startServer } from './witnesses.ts';

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
