// For `node --import`: resolves the packages in CONNTAX_PACKAGES (names with folders) from there, and reports each that is loaded.
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const packages: [name: string, parentUrl: string][] = Object.entries(
  JSON.parse(process.env['CONNTAX_PACKAGES'] ?? '{}') as Record<string, string>,
).map(([name, folder]) => [name, pathToFileURL(join(folder, 'index.js')).href]);

const loaded = new Set<string>();

function reportLoaded(name: string): void {
  if (loaded.has(name)) return;
  loaded.add(name);
  process.send?.({ type: 'package-loaded', name });
}

registerHooks({
  resolve(specifier, context, next) {
    const found = packages.find(([name]) => specifier === name || specifier.startsWith(`${name}/`));
    if (found === undefined) return next(specifier, context);
    const [name, parentURL] = found;
    reportLoaded(name);
    return next(specifier, { ...context, parentURL });
  },
});
