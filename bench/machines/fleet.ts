// The machines that send the load of a run: started and compared before it, checked against its plan and targets, asked for generators
// by each replicate, and ended with it.
import { MeasureError, type Problem, UsageError } from '../../results/errors.ts';
import type { RunMachine } from '../../results/model/run.ts';
import type { Trial } from '../../results/model/trial.ts';
import { sumOf } from '../../results/stats.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import { isBuiltIn, isExternal } from '../../scenarios/model/target.ts';
import type { ClientPlugin, Refusal } from '../contracts.ts';
import { isLoopback } from '../plan/allowed-hosts.ts';
import { countGenerators, refuseDivision } from '../plan/division.ts';
import { countSpareCores, type Plan } from '../plan/plan.ts';
import { formatProblems } from '../plan/read-scenarios.ts';
import type { Kernel } from '../probes/kernel.ts';
import type { GeneratorCommand, GeneratorReply } from '../protocol.ts';
import type { GeneratorChild } from '../run/arm.ts';
import type { TimeLimit } from '../run/child.ts';
import type { LocatedTarget } from '../run/find-servers.ts';
import type { GeneratorGroupOptions } from '../run/generator-group.ts';
import type { Sender } from '../run/preflight.ts';
import type { Identity } from './channel.ts';
import { sliceDelayMs } from './clock.ts';
import { digestFile, placeOf, refuseOtherCode } from './identity.ts';
import { describeMachine, Machine } from './machine.ts';

/** A machine as a user states it. */
export interface StatedMachine {
  /** Default: its host name, or its number where two have the same. */
  name?: string | undefined;
  command: string;
  /** Generators of a client; undefined: as many as the scenario has. */
  cores?: number | undefined;
  /** Its part of the load, relative to that of the others; undefined: a part for each of its generators. */
  weight?: number | undefined;
}

type Transports = Readonly<Record<string, ClientPlugin>>;

/** What a user says of a machine, and how many cores it has for generators. */
interface MachineRoom extends Pick<StatedMachine, 'cores' | 'weight'> {
  /** Cores that it has. */
  spareCores: number;
}

/** One generator of a client. */
interface Seat {
  /** Index of the machine. */
  machine: number;
  /** Its number among those of this machine. */
  place: number;
  weight: number;
}

/** `generators` of a scenario is their number per client and machine. */
export function seatsOn(machines: readonly MachineRoom[], generators: number): Seat[] {
  return machines.flatMap(({ cores = generators, weight = cores }, machine) =>
    Array.from({ length: cores }, (_, place) => ({ machine, place, weight: weight / cores })),
  );
}

/** Replaces `auto` by the largest number that has a core for each on every machine and that the load can be divided over. */
export function settleOver(
  scenario: Scenario,
  machines: readonly MachineRoom[],
  transports: Transports,
): Scenario {
  if (scenario.generators !== 'auto') return scenario;
  let generators = Math.min(...machines.map(({ spareCores }) => spareCores));
  const isRefused = (): boolean =>
    refuseDivision(scenario, transports, weightsOf(seatsOn(machines, generators))).length > 0;
  while (generators > 1 && isRefused()) generators--;
  return { ...scenario, generators };
}

function weightsOf(seats: readonly Seat[]): number[] {
  return seats.map(({ weight }) => weight);
}

/** Why a scenario cannot be measured from these machines. */
export function refuseSeats(scenario: Scenario, transports: Transports, seats: readonly Seat[]): Refusal[] {
  const { limits, clients } = scenario;
  const tools = Object.entries(clients).filter(
    ([, { transport }]) => Object.hasOwn(transports, transport) && transports[transport]!.kind === 'engine',
  );
  return [
    ...(limits === undefined
      ? []
      : [
          {
            path: 'limits',
            message: 'limits are set for processes of this machine, and other machines send the load',
            hint: 'no limits, or a run without --machine',
          },
        ]),
    ...tools.map(([arm, { transport }]) => ({
      path: `clients.${arm}.transport`,
      message: `${transport} is a load tool with a loop of its own, which cannot be told to begin together with other machines`,
      hint: 'a client library, or a run without --machine',
    })),
    ...(tools.length > 0 ? [] : refuseDivision(scenario, transports, weightsOf(seats))),
  ];
}

/**
 * Cores of each seat: machines that are one share its cores in turn, so that no two generators get the same one while others are free.
 * @param machines which of them are one, by an equal `boot`; cores in the order in which they are to be used
 */
export function coresOf(
  seats: readonly Seat[],
  machines: readonly { boot: string | null; cores: readonly number[] }[],
): (number | null)[] {
  const used = new Map<string, number>();
  return seats.map(({ machine }) => {
    const { boot, cores } = machines[machine]!;
    if (cores.length === 0) return null;
    const key = boot ?? `machine ${machine}`;
    const next = used.get(key) ?? 0;
    used.set(key, next + 1);
    return cores[next % cores.length]!;
  });
}

interface FleetOptions {
  stated: readonly StatedMachine[];
  /** Identity of this process. */
  own: Identity;
  /** Whether the run goes on without a machine that was lost. */
  allowsFewer: boolean;
  signal: AbortSignal;
}

interface FleetMachine {
  stated: StatedMachine;
  machine: Machine;
  room: MachineRoom;
  /** Whether it is this machine, with the same network. */
  isHere: boolean;
}

/** Questions of each clock at the start of a replicate. */
const REPLICATE_PINGS = 20;

interface SpawnOptions {
  trial: Trial;
  niceness: number;
  limit: TimeLimit | undefined;
  env: NodeJS.ProcessEnv;
}

export class Fleet {
  readonly #machines: readonly FleetMachine[];
  readonly #own: Identity;
  readonly #allowsFewer: boolean;

  /**
   * Starts the command of each machine, and compares them.
   * @throws MeasureError when one does not answer; UsageError when one has other code
   */
  static async open({ stated, own, allowsFewer, signal }: FleetOptions): Promise<Fleet> {
    const starts = await Promise.allSettled(
      stated.map(({ name, command }, index) =>
        Machine.start({ name: name ?? String(index + 1), command }, signal),
      ),
    );
    const started = starts.flatMap(start => (start.status === 'fulfilled' ? start.value : []));
    try {
      const failures = starts.flatMap(start => (start.status === 'rejected' ? start.reason : []));
      if (failures.length === 1 || signal.aborted) throw failures[0];
      if (failures.length > 1) {
        throw new MeasureError('machine-lost', failures.map(({ message }) => message).join('\n'));
      }
      nameByHost(stated, started);
      const refusals = refuseOtherCode(own, started);
      if (refusals.length > 0) throw new UsageError(refusals.join('\n'));
      const machines = started.map((machine, index) => roomOf(stated[index]!, machine, own));
      return new Fleet(machines, own, allowsFewer);
    } catch (error) {
      await Promise.all(started.map(machine => machine.close()));
      throw error;
    }
  }

  private constructor(machines: readonly FleetMachine[], own: Identity, allowsFewer: boolean) {
    this.#machines = machines;
    this.#own = own;
    this.#allowsFewer = allowsFewer;
  }

  get machines(): readonly Pick<Machine, 'name' | 'identity'>[] {
    return this.#machines.map(({ machine }) => machine);
  }

  /** Each with its machine and network: those with the same one share 127.0.0.1. */
  get places(): { name: string; place: string }[] {
    return this.#machines.map(({ machine: { name, identity } }) => ({ name, place: placeOf(identity) }));
  }

  /** Whether the run has to end, because a machine was lost. */
  get isBroken(): boolean {
    const lost = this.#machines.length - this.#living().length;
    return lost > 0 && (!this.#allowsFewer || lost === this.#machines.length);
  }

  /** What they can send, for the checks before a run. */
  get senders(): Sender[] {
    return this.#machines.map(({ machine, isHere }, index) => ({
      name: machine.name,
      host: machine.identity.host,
      isHere,
      shareOf: scenario => {
        const seats = this.#seats(scenario);
        const own = seats.filter(seat => seat.machine === index);
        const whole = sumOf(seats, ({ weight }) => weight);
        return {
          machine: sumOf(own, ({ weight }) => weight) / whole,
          generator: Math.max(...own.map(({ weight }) => weight)) / whole,
        };
      },
    }));
  }

  /** What is stored of them. */
  describe(): RunMachine[] {
    return this.#machines.map(({ stated: { cores = null, weight = null }, machine, isHere }) =>
      describeMachine(machine, { isHere, cores, weight }),
    );
  }

  /** The plan with the number of generators settled that each client has on each machine. */
  settle(plan: Plan, transports: Transports): Plan {
    const rooms = this.#machines.map(({ room }) => room);
    const cells = plan.cells.map(cell => ({
      ...cell,
      scenario: settleOver(cell.scenario, rooms, transports),
    }));
    return { ...plan, cells };
  }

  /**
   * Checks that these machines can send what is planned.
   * @throws UsageError when a load cannot be divided over them, or a file that a generator reads is not the same there; MeasureError when one is lost
   */
  async requireFit(plan: Plan, transports: Transports): Promise<void> {
    const problems = plan.cells.flatMap(({ scenario }) =>
      refuseSeats(scenario, transports, this.#seats(scenario)).map(
        (refusal): Problem => ({ file: scenario.name, ...refusal }),
      ),
    );
    if (problems.length > 0) throw new UsageError(formatProblems(problems), problems);
    const files = [...new Set(plan.cells.flatMap(({ scenario }) => filesOf(scenario)))];
    if (files.length === 0) return;
    const ours = files.map(digestFile);
    const refusals = await Promise.all(
      this.#machines.map(async ({ machine }) => {
        const theirs = await machine.ask('digests', files);
        return files.flatMap((file, index) =>
          theirs[index] === ours[index]
            ? []
            : [
                theirs[index] === null
                  ? `machine ${machine.name} cannot read ${file}; expected: the same file as here`
                  : `${file} differs on machine ${machine.name}; expected: the same content as here`,
              ],
        );
      }),
    );
    if (refusals.flat().length > 0) throw new UsageError(refusals.flat().join('\n'));
  }

  /** @throws MeasureError when a machine was lost without which the run may not go on */
  requireUsable(): void {
    const [first] = this.#machines.flatMap(({ machine }) => (machine.loss === undefined ? [] : machine));
    if (first !== undefined && this.isBroken) throw first.lossError();
  }

  /** Reads the clocks at the start of a replicate. @throws MeasureError when a machine is lost */
  async sync(): Promise<void> {
    await Promise.all(this.#living().map(({ machine }) => machine.sync(REPLICATE_PINGS)));
    this.requireUsable();
  }

  /** The trial with the generators that it has on these machines. */
  spread(trial: Trial, scenario: Scenario): Trial {
    const { generators: _, ...rest } = trial;
    const count = this.#seats(scenario).length;
    return {
      ...rest,
      ...(count < 2 ? {} : { generators: count }),
      machines: this.#living().map(({ machine }) => machine.name),
    };
  }

  /** Starts the generators of a trial. */
  spawn(scenario: Scenario, { trial, niceness, limit, env }: SpawnOptions): GeneratorGroupOptions {
    const living = this.#living();
    const seats = this.#seats(scenario);
    const cores = coresOf(
      seats,
      living.map(({ machine: { identity } }) => ({
        boot: identity.bootId,
        cores: coresFor(identity, identity.bootId === this.#own.bootId),
      })),
    );
    const secrets = Object.fromEntries(
      secretNamesOf(trial).flatMap(name => (env[name] === undefined ? [] : [[name, env[name]]])),
    );
    const members = seats.map(({ machine: index, place, weight }, seat) => {
      const { machine, room } = living[index]!;
      const count = room.cores ?? countGenerators(scenario);
      const which = count === 1 ? 'the generator' : `generator ${place + 1} of ${count}`;
      const title = `${which} of client ${trial.arm} on machine ${machine.name}`;
      const child: GeneratorChild = machine.spawn<GeneratorCommand, GeneratorReply>({
        entry: 'generator',
        title,
        cpu: cores[seat]!,
        niceness,
        env: secrets,
        limit,
      });
      return { child, weight, machine };
    });
    const places = new Set(
      cores.map((cpu, seat) =>
        cpu === null ? seat : `${living[seats[seat]!.machine]!.machine.identity.bootId} ${cpu}`,
      ),
    );
    return { members: members as unknown as GeneratorGroupOptions['members'], coreCount: places.size };
  }

  /** About how long after it was asked for a slice begins. */
  get sliceDelayMs(): number {
    return sliceDelayMs(this.#living().map(({ machine }) => machine.roundTripMs));
  }

  /** Those at the clients' end. */
  get kernels(): Kernel[] {
    return this.#living().map(({ machine, isHere }) => ({
      place: placeOf(machine.identity),
      isHere,
      kernelCounts: () => machine.ask('kernelCounts'),
    }));
  }

  /** Ends every agent, and with it all that it has started. */
  async close(): Promise<void> {
    await Promise.all(this.#machines.map(({ machine }) => machine.close()));
  }

  #living(): FleetMachine[] {
    return this.#machines.filter(({ machine }) => machine.loss === undefined);
  }

  #seats(scenario: Scenario): Seat[] {
    return seatsOn(
      this.#living().map(({ room }) => room),
      countGenerators(scenario),
    );
  }
}

/** Host names are what users know machines by; a number tells apart those that share one. */
function nameByHost(stated: readonly StatedMachine[], machines: readonly Machine[]): void {
  const names = machines.map(
    ({ name, identity }, index) => stated[index]!.name ?? (identity.host.hostname || name),
  );
  for (const [index, machine] of machines.entries()) {
    const name = names[index]!;
    const isShared = names.filter(other => other === name).length > 1;
    if (!isShared) machine.name = name;
    else if (stated[index]!.name !== undefined) {
      throw new UsageError(`two machines have the name ${name}; expected: a name for each`);
    }
  }
}

function roomOf(stated: StatedMachine, machine: Machine, own: Identity): FleetMachine {
  const { cores, weight } = stated;
  const { host } = machine.identity;
  const isHere = placeOf(machine.identity) === placeOf(own);
  const spareCores = isHere ? countSpareCores(host) : host.cpuCount;
  return { stated, machine, isHere, room: { cores, weight, spareCores } };
}

/** The core of conntax's own target is the last choice: it serves interrupts of the network, or the target. */
function coresFor({ host: { pinning } }: Identity, isThisHost: boolean): number[] {
  if (pinning === null) return [];
  const { generatorCpu, generatorCpus = [generatorCpu], targetCpu } = pinning;
  return isThisHost || generatorCpus.includes(targetCpu) ? generatorCpus : [...generatorCpus, targetCpu];
}

type Asking = Pick<Scenario, 'request' | 'requests'>;

function requestsOf({ request, requests = [] }: Asking) {
  return request === undefined ? requests : [request, ...requests];
}

/** Certificates and keys are not among them: they are sent with the endpoint. */
export function filesOf(scenario: Pick<Scenario, 'clients'> & Asking): string[] {
  return [
    ...Object.values(scenario.clients).flatMap(({ modulePath }) => modulePath ?? []),
    ...requestsOf(scenario).flatMap(({ bodyFile }) => bodyFile ?? []),
  ];
}

/** Variables that hold secrets of its requests. */
export function secretNamesOf(trial: Pick<Trial, 'request' | 'requests'>): string[] {
  const values = requestsOf(trial).flatMap(({ headers, query }) => [
    ...Object.values(headers),
    ...Object.values(query),
  ]);
  return [...new Set(values.flatMap(value => (typeof value === 'string' ? [] : value.env)))];
}

/** Identifies a machine and its network: those with the same one share 127.0.0.1. */
type Place = string;

interface Places {
  /** Where this process runs. */
  here: Place;
  /** The machines that send the load; none: this one does. */
  clients: readonly { name: string; place: Place }[];
  /** Where conntax's own target is started; undefined: here, on 127.0.0.1. */
  server: { address: string; place: Place } | undefined;
}

/** @throws UsageError before any load */
export function requireReachable(
  { cells }: Plan,
  located: readonly LocatedTarget[],
  { here, clients, server }: Places,
): void {
  const senders = clients.length === 0 ? [{ name: 'this machine', place: here }] : clients;
  const awayFrom = (place: Place): string[] =>
    senders.flatMap(sender => (sender.place === place ? [] : nameOf(sender)));
  const refusals = [
    ...cells.flatMap(({ id, scenario }) => {
      if (isExternal(scenario.target)) return [];
      if (server === undefined || !isBuiltIn(scenario.target)) return refuseStarted(id, awayFrom(here));
      return [
        ...(isLoopback(server.address) ? refuseLoopback(id, server.address, awayFrom(server.place)) : []),
        ...refuseSettings(id, scenario),
      ];
    }),
    ...new Set(located.flatMap(target => refuseLocated(target, awayFrom(here)))),
  ];
  if (refusals.length > 0) throw new UsageError(refusals.join('\n'));
}

function nameOf({ name }: { name: string }): string {
  return name === 'this machine' ? name : `machine ${name}`;
}

function refuseStarted(id: string, away: readonly string[]): string[] {
  if (away.length === 0) return [];
  return [
    `${id}: its server is started on this machine, on 127.0.0.1, which ${away.join(', ')} cannot reach; expected: a scenario with target.url, or --server with --server-address for conntax's own target`,
  ];
}

function refuseLoopback(id: string, address: string, away: readonly string[]): string[] {
  if (away.length === 0) return [];
  return [
    `${id}: --server-address ${address} is loopback on the machine of the server, which ${away.join(', ')} cannot reach; expected: an address that all machines reach`,
  ];
}

/** What needs processes of the run on the machine of the server. */
function refuseSettings(id: string, { link, limits, target }: Scenario): string[] {
  const settings = {
    link: link !== undefined,
    limits: limits !== undefined,
    'target.accepts': target.accepts === false,
  };
  return Object.entries(settings).flatMap(([setting, isStated]) =>
    isStated ? `${id}: ${setting} is not supported with --server-address; expected: a run without it` : [],
  );
}

function refuseLocated({ servers }: LocatedTarget, away: readonly string[]): string[] {
  if (away.length === 0) return [];
  return servers.flatMap(({ url, addresses, reach: { socketPath } }) => {
    if (socketPath === undefined && !addresses.some(isLoopback)) return [];
    const where =
      socketPath === undefined ? `on loopback (${addresses.join(', ')})` : `at the Unix socket ${socketPath}`;
    return [
      `${url} is ${where}, which is another place on ${away.join(', ')}; expected: an address that all machines reach, with --allow-host`,
    ];
  });
}
