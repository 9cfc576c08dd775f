// Leaves out clients that cannot be measured here: their program is not installed, or would miscount a server's answers.
import { UsageError } from '../../results/errors.ts';
import type { ForeignServer } from '../../results/model/run.ts';
import type { LeftOutArm, Scenario } from '../../scenarios/model/scenario.ts';
import type { Variant } from '../../scenarios/model/sweep.ts';
import type { ClientPlugin } from '../contracts.ts';
import { findTool } from './division.ts';
import type { Plan, PlannedCell } from './plan.ts';
import { formatProblems } from './read-scenarios.ts';

type Transports = Readonly<Record<string, ClientPlugin>>;

/** Removes optional arms whose program is not installed. A baseline is never optional, so each variant keeps an arm. */
export function leaveOutMissing(variants: readonly Variant[], transports: Transports): Variant[] {
  return variants.map(variant => {
    const leftOut = Object.entries(variant.clients).flatMap(([arm, { ifInstalled, transport }]) => {
      const obstacle = ifInstalled ? findTool(transport, transports)?.missing?.() : undefined;
      return obstacle === undefined ? [] : { arm, ...obstacle };
    });
    return leftOut.length === 0 ? variant : { ...variant, clients: withoutArms(variant, leftOut), leftOut };
  });
}

function withoutArms(
  { clients }: Pick<Scenario, 'clients'>,
  leftOut: readonly LeftOutArm[],
): Scenario['clients'] {
  const names = new Set(leftOut.map(({ arm }) => arm));
  return Object.fromEntries(Object.entries(clients).filter(([arm]) => !names.has(arm)));
}

/**
 * Removes arms whose load tool would miscount the answers of an external server, where the scenario marks them as optional.
 * @param servers by cell, the answer to each of its requests; cells with conntax's own server have none, because every client reads its answers
 * @throws UsageError where the arm is not optional
 */
export function leaveOutUnreadable(
  plan: Plan,
  servers: ReadonlyMap<string, readonly ForeignServer[]>,
  transports: Transports,
): Plan {
  const unreadable = plan.cells.map(cell => unreadableArms(cell, servers.get(cell.id) ?? [], transports));
  const problems = plan.cells.flatMap(({ scenario }, index) =>
    unreadable[index]!.filter(
      ({ arm }) => arm === scenario.baseline || !scenario.clients[arm]!.ifInstalled,
    ).map(({ arm, ...obstacle }) => ({
      file: scenario.name,
      path: `clients.${arm}.transport`,
      ...obstacle,
    })),
  );
  if (problems.length > 0) throw new UsageError(formatProblems(problems), problems);
  return { ...plan, cells: plan.cells.map((cell, index) => withoutUnreadable(cell, unreadable[index]!)) };
}

function unreadableArms(
  cell: PlannedCell,
  answers: readonly ForeignServer[],
  transports: Transports,
): LeftOutArm[] {
  return cell.arms.flatMap(arm => {
    const tool = findTool(cell.scenario.clients[arm]!.transport, transports);
    const [obstacle] = answers.flatMap(answer => tool?.refusesAnswers?.(answer) ?? []);
    return obstacle === undefined ? [] : [{ arm, message: obstacle.message, hint: obstacle.hint }];
  });
}

function withoutUnreadable(cell: PlannedCell, leftOut: readonly LeftOutArm[]): PlannedCell {
  if (leftOut.length === 0) return cell;
  const clients = withoutArms(cell.scenario, leftOut);
  const stays = (arm: string): boolean => Object.hasOwn(clients, arm);
  return {
    ...cell,
    scenario: { ...cell.scenario, clients },
    arms: cell.arms.filter(stays),
    targets: cell.targets.map(target => ({ ...target, arms: target.arms.filter(stays) })),
    leftOut: [...cell.leftOut, ...leftOut],
  };
}
