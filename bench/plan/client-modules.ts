// In: a scenario as it was written, and where. Out: the client modules that it names by their paths, read; or what is wrong.
import { dirname, resolve } from 'node:path';
import { CLIENT_SETTINGS, isModulePath } from '../../scenarios/model/client.ts';
import type { LoadModule, TransportModule } from '../contracts.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';
import type { ModuleFault } from './rules.ts';
import { nameHint } from './nearest.ts';
import { memberOf } from './schema-hints.ts';
import type { FileModules } from './validate.ts';

/** Paths in it start from the folder of the file. */
function placeOf(transport: string, file: string): string {
  return resolve(dirname(file), transport);
}

function membersOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** Those of its arms, and those that a sweep puts there. */
export function namedModules(content: unknown): string[] {
  const ofArms = membersOf(memberOf(content, 'clients')).map(([, client]) => memberOf(client, 'transport'));
  const swept = membersOf(memberOf(content, 'sweep')).flatMap(([path, values]) =>
    path.endsWith('.transport') && Array.isArray(values) ? values : [],
  );
  const names = [...ofArms, ...swept].filter(name => typeof name === 'string');
  return [...new Set(names)].filter(isModulePath);
}

function unknownSetting({ honours }: TransportModule): ModuleFault | undefined {
  const unknown = honours.find(setting => !CLIENT_SETTINGS.includes(setting));
  if (unknown === undefined) return undefined;
  return {
    message: `says that it honours ${JSON.stringify(unknown)}, which is no setting`,
    hint: nameHint(unknown, CLIENT_SETTINGS),
  };
}

/** Reads every module that the scenario names. @param file absolute path of the scenario's own file */
export async function readModules(content: unknown, file: string, load: LoadModule): Promise<FileModules> {
  const modules: Record<string, TransportModule> = {};
  const faults: Record<string, ModuleFault> = {};
  for (const name of namedModules(content)) {
    const loading = await load(placeOf(name, file));
    const fault = loading.isLoaded ? unknownSetting(loading.module) : loading;
    if (fault !== undefined) faults[name] = { message: fault.message, hint: fault.hint };
    else if (loading.isLoaded) modules[name] = loading.module;
  }
  return { modules, faults };
}

/** The scenario with the place of each module that it names: reports go on to show the path as it was written. */
export function withModulePaths<Named extends Scenario>(scenario: Named, file: string): Named {
  const clients = Object.entries(scenario.clients).map(([arm, client]) => [
    arm,
    isModulePath(client.transport) ? { ...client, modulePath: placeOf(client.transport, file) } : client,
  ]);
  return { ...scenario, clients: Object.fromEntries(clients) };
}
