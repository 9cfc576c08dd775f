// Rows of `npm run bench:truth` about requests that fail or are never answered, and about runs that must not pass.
import type { ScenarioInput } from '../../../scenarios/model/scenario.ts';
import { completedOf, inFolder } from './conntax-run.ts';
import { ARM, exactLine, latencyLines, WITHIN } from './lines.ts';
import {
  type Clients,
  loggedInWindows,
  loggingClient,
  measureAgainst,
  POOL,
  type Row,
  scenarioOf,
  targetOf,
  timing,
  withServer,
} from './measures.ts';
import type { ServerOrder } from './protocol.ts';
import { figuresOf } from './witnesses.ts';

/** Enough users that those who wait for ever leave others. */
const MANY_USERS = 60;

/** The server never answers some requests: as many errors, each named for what it is. */
export const unanswered = (silentPerMille: number): Row => ({
  name: `never answers ${silentPerMille} in 1,000`,
  measure: () =>
    withServer({ silentPerMille }, async server => {
      const { measured, log } = await measureAgainst(server, logDir =>
        scenarioOf({
          target: targetOf(server),
          clients: { [ARM]: loggingClient({ log: logDir }, MANY_USERS) },
          load: { concurrency: MANY_USERS },
          timing: timing({ measureMs: 5_000, sliceMs: 5_000, drainMs: 1_500 }),
        }),
      );
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
    }),
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
  measure: () =>
    withServer({ meanMs: 20, ...order }, server =>
      inFolder(async ({ logDir, write, conntax, last }) => {
        const scenario = scenarioOf({
          target: targetOf(server),
          clients: { [ARM]: client(logDir) },
          timing: BRIEFLY,
        });
        await write('truth.json', JSON.stringify(scenario));
        const { status } = await conntax('run', './truth.json');
        const saved = await conntax('baseline', 'save', '--force');
        const trials = last()?.trials ?? [];
        return [
          exactLine('exit status', status, CANNOT_MEASURE),
          exactLine('trials with figures', trials.filter(({ state }) => state === 'completed').length, 0),
          exactLine('exit status of baseline save --force', saved.status, CANNOT_MEASURE),
        ];
      }),
    ),
});

/** A baseline of one replicate sees nothing, and a gate whose scenario has another name compares nothing. */
export const blindGate: Row = {
  name: 'gates that can see nothing',
  measure: () =>
    inFolder(async ({ write, conntax }) => {
      const scenario: ScenarioInput = scenarioOf({
        target: { behaviour: { name: 'fixed' } },
        clients: { [ARM]: { pool: POOL }, other: { pool: POOL } },
        timing: BRIEFLY,
      });
      await write('one.json', JSON.stringify({ ...scenario, name: 'one' }));
      await write('another.json', JSON.stringify({ ...scenario, name: 'another' }));
      await conntax('run', './one.json');
      const blind = await conntax('baseline', 'save');
      await conntax('baseline', 'save', '--force');
      await conntax('run', './another.json');
      const nothing = await conntax('gate');
      return [
        exactLine('exit status of baseline save, one replicate', blind.status, CANNOT_MEASURE),
        exactLine('exit status of gate, nothing compared', nothing.status, CANNOT_MEASURE),
      ];
    }),
};
