// Kills and stops what a run over machines consists of, at drawn moments: ssh, its sessions, agents, generators, the target, the run.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom, pick } from '../../results/random.ts';
import { sumOf } from '../../results/stats.ts';
import { readRun } from '../../results/store.ts';
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import type { RunningCli } from '../e2e/testing/cli.ts';
import { type Counts as Served, startCountingServer } from '../e2e/testing/counting-server.ts';
import { type Found, parentOf, signalProcess } from '../e2e/testing/processes.ts';
import {
  isInside,
  openSshMachines,
  processesInside,
  reasonWithoutSshMachines,
  type SshMachine,
  type SshMachines,
} from '../e2e/testing/ssh-machines.ts';
import { tinyScenario } from '../e2e/testing/workspace.ts';

import {
  type CaseResult,
  CaseScope,
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
  wholeRunId,
} from './cases.ts';

export const VICTIMS = ['ssh', 'session', 'agent', 'generator', 'target', 'parent'] as const;
type Victim = (typeof VICTIMS)[number];

interface Loss {
  name: string;
  victim: Victim;
  /** stop: SIGSTOP, and SIGCONT a while later. */
  act: 'SIGKILL' | 'stop';
  /** Index of the machine; the last one is that of the server. */
  machine: number;
  moment: 'start' | 'measure';
  /** After the moment was seen. */
  delayMs: number;
  /** For how long it is stopped. */
  stopMs: number;
  allowsFewer: boolean;
  /** Whether machines have no room for temporary files. */
  isFull: boolean;
  /** Whether the server is one that counts by itself, instead of conntax's own. */
  isCounted: boolean;
}

const NAMES = ['gen1', 'gen2', 'web1'];
const SERVER = NAMES.length - 1;
const LONGEST_DELAY_MS = 2_500;

/** Which machines have such a process. */
function machinesWith(victim: Victim): readonly number[] {
  if (victim === 'target') return [SERVER];
  return victim === 'generator' ? [0, 1] : [0, 1, SERVER];
}

/** Victims in turn, the rest by lot. */
export function drawLosses(seed: number, count: number): Loss[] {
  return Array.from({ length: count }, (_, index) => {
    const random = createRandom(seed, 'loss', index);
    const victim = VICTIMS[index % VICTIMS.length]!;
    const act = random() < 0.75 ? 'SIGKILL' : 'stop';
    const machine = pick(machinesWith(victim), random);
    const moment = random() < 0.2 ? 'start' : 'measure';
    return {
      name: `${index}: ${act} to the ${victim}${victim === 'parent' ? '' : ` of ${NAMES[machine]}`}, ${moment}`,
      victim,
      act,
      machine,
      moment,
      delayMs: Math.round(random() * LONGEST_DELAY_MS),
      stopMs: drawStopMs(random),
      allowsFewer: random() < 0.3,
      isFull: random() < 0.3,
      isCounted: victim !== 'target' && random() < 0.6,
    };
  });
}

function scenarioFor({ isCounted }: Loss, url: string): ScenarioInput {
  const tiny = tinyScenario({ measureMs: 300, minReplicates: 3, maxReplicates: 3, budgetMs: 20_000 });
  return isCounted ? { ...tiny, target: { url } } : tiny;
}

function optionsFor({ allowsFewer, isFull }: Loss, machines: readonly SshMachine[]): string[] {
  const server = machines[SERVER]!;
  const commandOf = ({ command, commandWithoutDisk }: SshMachine): string =>
    isFull ? commandWithoutDisk : command;
  return [
    ...machines.slice(0, SERVER).flatMap(machine => ['--machine', commandOf(machine)]),
    ...['--server', commandOf(server), '--server-address', server.address, '--allow-host', server.address],
    ...(allowsFewer ? ['--allow-fewer-machines'] : []),
  ];
}

/** Processes of the run that may be struck. */
function findVictims({ victim, machine }: Loss, cli: RunningCli, at: SshMachine): Found[] {
  const all = cli.processes();
  const isAgent = ({ command }: Found): boolean => / agent *$/.test(command) && !command.startsWith('ssh');
  const inside = all.filter(one => isInside(one.pid, at));
  switch (victim) {
    case 'ssh':
      return all.filter(
        ({ command }) => command.startsWith('ssh ') && command.includes(` ${NAMES[machine]} `),
      );
    case 'session':
      return inside.filter(isAgent).map(agent => ({ ...agent, pid: parentOf(agent.pid) }));
    case 'agent':
      return inside.filter(isAgent);
    case 'generator':
    case 'target':
      return inside.filter(({ command }) => command.includes(`${victim}-child`));
    case 'parent':
      return all.filter(({ command }) => command.includes('main.ts run'));
    default:
      return victim satisfies never;
  }
}

/** Whether it hit anything: a run that is over before is a case as well. */
async function strike(loss: Loss, cli: RunningCli, machine: SshMachine): Promise<boolean> {
  await (loss.moment === 'start' ? cli.seen(/machine of the server/) : cli.seen(/measuring/));
  await delay(loss.delayMs);
  const [victim] = findVictims(loss, cli, machine);
  if (victim === undefined) return false;
  if (loss.act === 'SIGKILL') signalProcess(victim.pid, 'SIGKILL');
  else {
    signalProcess(victim.pid, 'SIGSTOP');
    await delay(loss.stopMs);
    signalProcess(victim.pid, 'SIGCONT');
  }
  return true;
}

/** Whether something failed that was asked for; a run that stored nothing failed before it measured. */
function hasFailed(results: string): boolean {
  const id = wholeRunId(results);
  return id === undefined || readRun(results, id).run.cells.some(({ failedTrials }) => failedTrials > 0);
}

/** How the words of a run name what was killed, with its machine. */
function namesOf({ victim, machine }: Loss): RegExp {
  const name = machine === SERVER ? '(of the server|web1)' : NAMES[machine]!;
  switch (victim) {
    case 'generator':
      return new RegExp(`generator of client \\w+ on machine ${name} ended unexpectedly \\(SIGKILL\\)`);
    case 'target':
      return /target.* ended unexpectedly \(SIGKILL\)/;
    default:
      return new RegExp(`machine ${name} was lost: its command ended`);
  }
}

/** One that was killed while it was needed is named. */
function judgeNames(loss: Loss, { dir, ended }: CaseResult): Finding[] {
  if (loss.act === 'stop' || loss.victim === 'parent' || ended.status !== 3) return [];
  const text = `${ended.stdout} ${ended.stderr}`.replaceAll(/\s+/g, ' ');
  if (!hasFailed(join(dir, 'results')) || namesOf(loss).test(text)) return [];
  return [{ defect: 'unmarked', detail: `nothing names what was killed: ${ended.stderr.slice(-400)}` }];
}

function judgeServed(served: Served, machines: readonly SshMachine[], results: string): Finding[] {
  const id = wholeRunId(results);
  if (id === undefined) return [];
  const { run, trials } = readRun(results, id);
  if (isMarked(run)) return [];
  const good = sumOf(machines, ({ address }) => served[address]?.requests ?? 0);
  return judgeCounts(trials, { good, bad: 0 }, 0);
}

/** @param onHit called when it struck before the run had ended, with the exit status */
async function runLoss(
  loss: Loss,
  { inside, machines }: SshMachines,
  onHit: (status: number | null) => void,
): Promise<Finding[]> {
  await using scope = new CaseScope();
  const machine = machines[loss.machine]!;
  const { inside: serverNetwork, address } = machines[SERVER]!;
  const counting = await startCountingServer(scope, serverNetwork);
  let served: Served = {};
  let hasStruck = false;
  return await runCase(
    {
      scenario: scenarioFor(loss, `http://${address}:${counting.port}/`),
      wrapper: inside,
      words: optionsFor(loss, machines),
      async meanwhile(cli) {
        const striking = strike(loss, cli, machine).then(hit => {
          hasStruck = hit;
        });
        await Promise.allSettled([striking, cli.result]);
        served = await counting.counts();
      },
    },
    result => {
      const isKilled = loss.victim === 'parent' && loss.act === 'SIGKILL' && hasStruck;
      const results = join(result.dir, 'results');
      if (hasStruck) onHit(result.ended.status);
      return [
        ...judgeEnd(result.ended, isKilled ? [null, 0, 3] : [0, 3]),
        ...judgeFiles(results, { isTearable: isKilled }),
        ...(hasStruck ? judgeNames(loss, result) : []),
        ...(loss.isCounted ? judgeServed(served, machines.slice(0, SERVER), results) : []),
      ];
    },
  );
}

/** Nothing may be left of any run in the networks of the machines. */
async function judgeLeft(machines: readonly SshMachine[]): Promise<Finding[]> {
  await delay(1_000); // a session ends after its agent
  return machines.flatMap(machine =>
    processesInside(machine).map(
      ({ command }): Finding => ({ defect: 'orphans', detail: `on ${machine.name}: ${command}` }),
    ),
  );
}

export async function runMachines({ seed, from, count, atOnce, say }: PartOptions): Promise<Counts> {
  const reason = reasonWithoutSshMachines();
  if (reason !== false) {
    say(`not tried: ${reason}`);
    return countFindings(new Map());
  }
  await using scope = new CaseScope();
  const network = await openSshMachines(scope, { names: NAMES });
  const losses = drawLosses(seed, from + count).slice(from);
  const statuses: (number | null)[] = [];
  const run = (loss: Loss): Promise<Finding[]> => runLoss(loss, network, status => statuses.push(status));
  const found = await runAll(losses, run, { atOnce, say });
  say(
    `${statuses.length} were hit while they ran; exit statuses: ${statuses.map(status => status ?? 'killed').join(' ')}`,
  );
  found.set('what was left at the end', await judgeLeft(network.machines));
  return countFindings(found);
}
