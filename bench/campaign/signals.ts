// Kills, stops or ends processes of runs at drawn moments, and judges what is left.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom, pick } from '../../results/random.ts';
import { readRun } from '../../results/store.ts';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import type { RunningCli } from '../e2e/testing/cli.ts';
import { type Found, signalProcess } from '../e2e/testing/processes.ts';
import { tinyScenario } from '../e2e/testing/workspace.ts';

import { findProgram } from '../tools/program.ts';
import {
  type Counts,
  countFindings,
  drawStopMs,
  type Finding,
  isMarked,
  judgeCounts,
  judgeEnd,
  judgeFiles,
  type PartOptions,
  runAll,
  runCase,
  type Served,
  wholeRunId,
} from './cases.ts';

export const VICTIMS = ['parent', 'generator', 'target', 'relay', 'tool', 'group'] as const;
type Victim = (typeof VICTIMS)[number];

/** stop: SIGSTOP, and SIGCONT a while later; orphan: all children stopped, the parent killed, the children continued. */
export const ACTS = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'stop', 'orphan'] as const;
type Act = (typeof ACTS)[number];

export const MOMENTS = ['start', 'warm-up', 'search', 'measure', 'finish', 'report'] as const;
type Moment = (typeof MOMENTS)[number];

interface Blow {
  name: string;
  victim: Victim;
  act: Act;
  moment: Moment;
  /** After the moment was seen. */
  delayMs: number;
  /** For how long it is stopped. */
  stopMs: number;
  /** Whether the server is one that logs what it serves, instead of ours. */
  isLogged: boolean;
}

const LONGEST_DELAY_MS = 300;

/** What makes sense: a whole group is killed as its members are, and only a parent leaves orphans. */
function actsOn(victim: Victim): readonly Act[] {
  switch (victim) {
    case 'parent':
      return ACTS;
    case 'group':
      return ['SIGTERM', 'SIGINT', 'SIGHUP', 'stop'];
    default:
      return ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'stop'];
  }
}

/** Moments that a victim lives in. */
function momentsOf(victim: Victim): readonly Moment[] {
  switch (victim) {
    case 'parent':
    case 'group':
      return MOMENTS;
    case 'tool': // it runs during slices only
      return ['warm-up', 'measure'];
    default:
      return MOMENTS.filter(moment => moment !== 'report');
  }
}

/** Victims in turn, the rest by lot. */
export function drawBlows(seed: number, count: number): Blow[] {
  return Array.from({ length: count }, (_, index) => {
    const random = createRandom(seed, 'blow', index);
    const victim = VICTIMS[index % VICTIMS.length]!;
    const act = pick(actsOn(victim), random);
    const moment = pick(momentsOf(victim), random);
    return {
      name: `${index}: ${act} to the ${victim}, ${moment}`,
      victim,
      act,
      moment,
      delayMs: Math.round(random() * LONGEST_DELAY_MS),
      stopMs: drawStopMs(random),
      isLogged: (victim === 'generator' || victim === 'parent') && moment !== 'search' && random() < 0.7,
    };
  });
}

const MEASURE_MS = 300;
const TOOL_SLICE_MS = 1_000;
const ERROR_EVERY = 23;

const TOOL = ['wrk', 'hey'].find(program => findProgram(program) !== undefined);

function scenarioFor({ victim, moment, isLogged }: Blow, url: string): ScenarioInput {
  const timing = { warmupMaxMs: 300, measureMs: MEASURE_MS, budgetMs: 10_000 };
  const plain = tinyScenario(timing);
  if (moment === 'search') {
    const load = {
      model: 'capacity',
      objective: { p99Ms: 200 },
      maxRatePerSec: 1_000,
      probeMs: 200,
    } as const;
    return victim === 'relay' ? { ...plain, load, link: { roundTripMs: 2 } } : { ...plain, load };
  }
  if (isLogged) return { ...plain, target: { url } };
  if (victim === 'relay') return { ...plain, link: { roundTripMs: 2 } };
  if (victim !== 'tool' || TOOL === undefined) return plain;
  const clients = { ...plain.clients, tool: { transport: TOOL } };
  const slices = { sliceMs: TOOL_SLICE_MS, measureMs: TOOL_SLICE_MS };
  return { ...tinyScenario({ ...timing, ...slices }), clients };
}

/** Resolves when it has come to the moment. */
async function reach({ moment }: Blow, cli: RunningCli): Promise<void> {
  switch (moment) {
    case 'start':
      return cli.spawned('generator-child');
    case 'warm-up':
      return cli.seen(/warming up/);
    case 'search':
      return cli.seen(/searching/);
    case 'measure':
      return cli.seen(/measuring/);
    case 'finish':
      await cli.seen(/measuring/);
      await delay(2 * MEASURE_MS);
      return;
    case 'report':
      return cli.seen(/done: /);
    default:
      moment satisfies never;
  }
}

const PARTS_OF: Record<Exclude<Blow['victim'], 'group'>, (command: string) => boolean> = {
  parent: command => command.includes('main.ts run'),
  generator: command => command.includes('generator-child'),
  target: command => command.includes('target-child'),
  relay: command => command.includes('link-child'),
  tool: command => TOOL !== undefined && command.startsWith(`${TOOL} `),
};

function send(found: readonly Found[], signal: NodeJS.Signals): void {
  for (const { pid } of found) signalProcess(pid, signal);
}

async function strike({ victim, act, stopMs }: Blow, cli: RunningCli): Promise<void> {
  const all = cli.processes();
  const parent = all.filter(({ command }) => PARTS_OF.parent(command));
  if (act === 'orphan') {
    const children = all.filter(one => !parent.includes(one));
    send(children, 'SIGSTOP');
    send(parent, 'SIGKILL');
    await delay(stopMs);
    send(children, 'SIGCONT');
    return;
  }
  // One of several generators.
  const struck = victim === 'group' ? [] : all.filter(({ command }) => PARTS_OF[victim](command)).slice(0, 1);
  const hit = (signal: NodeJS.Signals): void =>
    victim === 'group' ? cli.interrupt(signal) : send(struck, signal);
  if (act !== 'stop') {
    hit(act);
    return;
  }
  hit('SIGSTOP');
  await delay(stopMs);
  hit('SIGCONT');
}

/** Exit statuses that are right; a tiny run on a busy machine may well fail an audit. */
function rightStatuses({ victim, act }: Blow, stderr: string): (number | null)[] {
  const whole = [0, 3];
  if (victim !== 'parent' && victim !== 'group') return whole;
  switch (act) {
    case 'SIGKILL':
    case 'orphan':
      return [null, ...whole];
    case 'stop':
      return whole;
    default: {
      const status = 128 + constants.signals[act];
      return /Interrupted/.test(stderr) ? [status] : [status, ...whole];
    }
  }
}

/** @param onCompared called when the counts of the run are compared with the server's log */
async function runBlow(blow: Blow, onCompared: () => void): Promise<Finding[]> {
  const server = await startLoggingServer(ERROR_EVERY);
  let asked = 0;
  try {
    return await runCase(
      {
        scenario: scenarioFor(blow, server.url),
        async meanwhile(cli) {
          await cli.spawned('generator-child'); // what it asks the server before load is asked by then
          asked = server.served.good;
          await reach(blow, cli);
          await delay(blow.delayMs);
          await strike(blow, cli);
        },
      },
      ({ dir, ended }) => {
        const results = join(dir, 'results');
        const isTearable = blow.act === 'SIGKILL' || blow.act === 'orphan';
        const findings = [
          ...judgeEnd(ended, rightStatuses(blow, ended.stderr)),
          ...judgeFiles(results, { isTearable: isTearable && blow.victim === 'parent' }),
        ];
        const id = blow.isLogged ? wholeRunId(results) : undefined;
        if (id === undefined || findings.length > 0) return findings;
        const { run, trials } = readRun(results, id);
        if (isMarked(run)) return [];
        onCompared();
        return judgeCounts(trials, server.served, asked);
      },
    );
  } finally {
    await server.close();
  }
}

export async function runSignals({ seed, from, count, atOnce, say }: PartOptions): Promise<Counts> {
  let compared = 0;
  const run = (blow: Blow): Promise<Finding[]> => runBlow(blow, () => compared++);
  const found = await runAll(drawBlows(seed, from + count).slice(from), run, { atOnce, say });
  say(`${compared} runs without a mark: their counts were compared with the server's log`);
  return countFindings(found);
}

const BODY = 'x'.repeat(128);

/** A server in this process that logs what it has answered in full. */
interface LoggingServer {
  url: string;
  served: Served;
  close(): Promise<void>;
}

/** @param errorEvery every n-th request is answered with 503, never the first */
async function startLoggingServer(errorEvery: number): Promise<LoggingServer> {
  const served: Served = { good: 0, bad: 0 };
  let requests = 0;
  const server = createServer((_request, response) => {
    const isBad = ++requests % errorEvery === 0;
    response.once('finish', () => {
      if (isBad) served.bad++;
      else served.good++;
    });
    response.writeHead(isBad ? 503 : 200, { 'Content-Length': BODY.length }).end(BODY);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    served,
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
