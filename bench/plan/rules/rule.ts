// What a rule between the settings of a scenario is, and what it may know.
import type { Client } from '../../../scenarios/model/client.ts';
import type { Scenario } from '../../../scenarios/model/scenario.ts';
import type { BehaviourModule } from '../../../servers/behaviour.ts';
import type { ClientPlugin } from '../../contracts.ts';
import type { Path } from '../problems.ts';

/** What is wrong with a client module, and what was expected. */
export interface ModuleFault {
  message: string;
  hint: string;
}

/** What a rule found wrong, and where. */
export interface Finding {
  path: Path;
  message: string;
  hint: string;
}

/** Something that must hold between settings. */
export interface Rule {
  /** The settings that it reads. It is skipped while one of them, or a part of one, is invalid. */
  reads: readonly Path[];
  /** @param scenario of which only what it reads is known to be valid */
  check(scenario: Scenario): Finding | undefined | readonly Finding[];
}

/** What rules know beside the scenario. */
export interface RuleContext {
  /** The scenario as written: only this distinguishes a given setting from a default. */
  raw: unknown;
  /** The names of all arms as written, faulty ones included. */
  armNames: readonly string[];
  /** By name; users' modules by their paths as written. */
  transports: Readonly<Record<string, ClientPlugin>>;
  /** Unusable modules, by their paths as written. */
  faults: Readonly<Record<string, ModuleFault>>;
  behaviours: Readonly<Record<string, BehaviourModule>>;
}

/** A rule for each arm. Names that every object inherits are problems of their own. */
export function forEachArm(
  { armNames }: RuleContext,
  readsOf: (arm: string) => readonly Path[],
  check: (arm: string, client: Client, scenario: Scenario) => ReturnType<Rule['check']>,
): Rule[] {
  return armNames
    .filter(arm => !(arm in Object.prototype))
    .map(arm => ({
      reads: readsOf(arm),
      check: scenario => check(arm, scenario.clients[arm]!, scenario),
    }));
}
