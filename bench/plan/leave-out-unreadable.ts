// In: a plan, and what the servers of its cells answered before the run. Out: the plan without the arms that can't read such answers.
import type { ClientPlugin, Obstacle } from '../contracts.ts';
import { type Problem, UsageError } from '../../results/errors.ts';
import type { ForeignServer } from '../core/foreign-server.ts';
import type { LeftOutArm } from '../../results/model/run.ts';
import type { Plan, PlannedCell } from './plan.ts';
import { problemText } from './problem-text.ts';

type Transports = Readonly<Record<string, ClientPlugin>>;

interface Unreadable extends Obstacle {
  arm: string;
  cell: PlannedCell;
}

/**
 * A load tool that counts such answers wrongly would give wrong figures. Its arm is left out where the scenario allows that.
 * @param servers by cell; none for a cell whose server is our own: every client reads what that answers
 * @throws UsageError where the scenario does not
 */
export function leaveOutUnreadable(
  plan: Plan,
  servers: ReadonlyMap<string, ForeignServer>,
  transports: Transports,
): Plan {
  const unreadable = plan.cells.flatMap(cell => unreadableArms(cell, servers.get(cell.id), transports));
  const problems = unreadable.filter(({ arm, cell }) => !mayBeLeftOut(cell, arm)).map(problemOf);
  if (problems.length > 0) throw new UsageError(problemText(problems), problems);
  const cells = plan.cells.map(cell =>
    withoutArms(
      cell,
      unreadable
        .filter(entry => entry.cell === cell)
        .map(({ arm, message, hint }) => ({ arm, message, hint })),
    ),
  );
  return { ...plan, cells };
}

function unreadableArms(
  cell: PlannedCell,
  server: ForeignServer | undefined,
  transports: Transports,
): Unreadable[] {
  if (server === undefined) return [];
  return cell.arms.flatMap(arm => {
    const { transport } = cell.scenario.clients[arm]!;
    const plugin = Object.hasOwn(transports, transport) ? transports[transport] : undefined;
    const obstacle = plugin?.kind === 'engine' ? plugin.refusesAnswers?.(server) : undefined;
    return obstacle === undefined ? [] : [{ arm, cell, ...obstacle }];
  });
}

function mayBeLeftOut({ scenario: { baseline, clients } }: PlannedCell, arm: string): boolean {
  return arm !== baseline && clients[arm]!.ifInstalled;
}

function problemOf({ arm, cell, message, hint }: Unreadable): Problem {
  return { file: cell.scenario.name, path: `clients.${arm}.transport`, message, hint };
}

function withoutArms(cell: PlannedCell, leftOut: readonly LeftOutArm[]): PlannedCell {
  if (leftOut.length === 0) return cell;
  const stays = (arm: string): boolean => leftOut.every(({ arm: name }) => name !== arm);
  const { clients } = cell.scenario;
  return {
    ...cell,
    scenario: {
      ...cell.scenario,
      clients: Object.fromEntries(Object.entries(clients).filter(([arm]) => stays(arm))),
    },
    arms: cell.arms.filter(stays),
    targets: cell.targets.map(target => ({ ...target, arms: target.arms.filter(stays) })),
    leftOut: [...cell.leftOut, ...leftOut],
  };
}
