// In: CONNTAX_PACKAGES, package names with a folder each. Out: imports of them resolved from there. For `node --import`.
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const packages: [name: string, parentUrl: string][] = Object.entries(
  JSON.parse(process.env['CONNTAX_PACKAGES'] ?? '{}') as Record<string, string>,
).map(([name, folder]) => [name, pathToFileURL(join(folder, 'index.js')).href]);

registerHooks({
  resolve(specifier, context, next) {
    const found = packages.find(([name]) => specifier === name || specifier.startsWith(`${name}/`));
    return found === undefined
      ? next(specifier, context)
      : next(specifier, { ...context, parentURL: found[1] });
  },
});
