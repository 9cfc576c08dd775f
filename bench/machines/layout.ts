// How many generators of a client each machine has, and what part of the load each of them: data only.
import type { Scenario } from '../../scenarios/model/scenario.ts';
import type { ClientPlugin, Refusal } from '../contracts.ts';
import { refuseDivision } from '../plan/division.ts';

/** What a user says of a machine, and how many cores it has for generators. */
export interface MachineRoom {
  /** Generators of a client; undefined: as many as the scenario has. */
  cores?: number | undefined;
  /** Its part of the load, relative to that of the others; undefined: a part for each of its generators. */
  weight?: number | undefined;
  /** Cores that it has. */
  spareCores: number;
}

/** One generator of a client. */
export interface Seat {
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
  transports: Readonly<Record<string, ClientPlugin>>,
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
export function refuseSeats(
  scenario: Scenario,
  transports: Readonly<Record<string, ClientPlugin>>,
  seats: readonly Seat[],
): Refusal[] {
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
