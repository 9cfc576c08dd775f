// What a rule between the settings of a scenario is, and what it finds wrong.
import type { Client } from '../../../scenarios/model/client.ts';
import type { Expectation, Scenario } from '../../../scenarios/model/scenario.ts';
import type { BehaviourModule } from '../../../servers/behaviour.ts';
import type { ClientPlugin, Obstacle } from '../../contracts.ts';
import { type Path, valueAt } from '../problems.ts';

/** What a rule found wrong, and where. */
export interface Finding extends Obstacle {
  path: Path;
}

/** Something that must hold between settings. Of a setting `clients.*.x`, it must hold for each client. */
export type Rule = {
  /** The setting that a broken rule is reported at, dotted or as keys. */
  at: string | Path;
  /** What it reads besides. The rule is skipped while a setting that it reads, or a part of one, is invalid. */
  reads?: readonly (string | Path)[];
  /** Whether it is about settings that an author has written, and not about defaults. */
  isOfGiven?: true;
} & (
  | (Obstacle & { isBroken(...[scenario, client, arm]: Read): boolean })
  /** Findings may have other paths. */
  | { check(...[scenario, client, arm]: Read): Obstacle | readonly Finding[] | undefined }
);

/** A scenario, of which only what a rule reads is known to be valid; with `*` in its settings also a client and its name. */
type Read = [scenario: Scenario, client: Client, arm: string];

/** What rules know beside the scenario. */
export interface RuleContext {
  /** The scenario as written: only this distinguishes a given setting from a default. */
  raw: unknown;
  /** The names of all arms as written, faulty ones included. */
  armNames: readonly string[];
  /** By name; users' modules by their paths as written. */
  transports: Readonly<Record<string, ClientPlugin>>;
  /** Unusable modules, by their paths as written. */
  faults: Readonly<Record<string, Obstacle>>;
  behaviours: Readonly<Record<string, BehaviourModule>>;
}

export const URLS = ['target.url', 'target.urls'];
/** Settings that say whether the server is external, started by a command, or conntax's own. */
export const KINDS_OF_SERVER = [...URLS, 'target.command'];

/** Names that every object inherits are problems of their own. */
export function usableNames(armNames: readonly string[]): string[] {
  return armNames.filter(name => !(name in Object.prototype));
}

/** The same finding at each expectation that is refused. */
export function refuseExpectations(
  { expect }: Scenario,
  isRefused: (expectation: Expectation) => boolean,
  obstacle: Obstacle,
  setting: keyof Expectation = 'metric',
): Finding[] {
  return expect.flatMap((expectation, index) =>
    isRefused(expectation) ? { path: ['expect', index, setting], ...obstacle } : [],
  );
}

/** What a rule finds wrong, with the settings at these paths being invalid anyway. */
export function findingsOf(
  rule: Rule,
  scenario: Scenario,
  { raw, armNames }: RuleContext,
  faulty: readonly Path[],
): Finding[] {
  const settings = [rule.at, ...(rule.reads ?? [])];
  const isOfClients = settings.some(setting => setting.includes('.*'));
  return (isOfClients ? usableNames(armNames) : ['']).flatMap(arm => {
    if (settings.some(setting => isTouched(keysOf(setting, arm), faulty))) return [];
    const path = keysOf(rule.at, arm);
    if (rule.isOfGiven && valueAt(raw, path) === undefined) return [];
    const read: Read = [scenario, valueAt(scenario, ['clients', arm]) as Client, arm];
    if ('check' in rule) return [rule.check(...read) ?? []].flat().map(one => ({ path, ...one }));
    return rule.isBroken(...read) ? { path, message: rule.message, hint: rule.hint } : [];
  });
}

function keysOf(setting: string | Path, arm: string): Path {
  return typeof setting === 'string' ? setting.split('.').map(key => (key === '*' ? arm : key)) : setting;
}

/** Whether one of these paths is above, at or below the other. */
function isTouched(path: Path, faulty: readonly Path[]): boolean {
  return faulty.some(other => {
    const shared = Math.min(path.length, other.length);
    return path.slice(0, shared).every((key, index) => String(key) === String(other[index]));
  });
}
