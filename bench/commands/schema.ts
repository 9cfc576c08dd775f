// In: the registry's behaviours. Out: the JSON Schema of a scenario file, printed.

import { loadPlugins } from '../plan/read-scenarios.ts';
import { behaviourOptions, scenarioJsonSchema } from '../plan/schema.ts';
import type { Context } from '../cli/context.ts';

export async function schemaCommand({ plugins, output }: Context): Promise<void> {
  const behaviours = await loadPlugins(plugins.behaviours);
  output.out(JSON.stringify(scenarioJsonSchema(behaviourOptions(behaviours)), null, 2));
}
