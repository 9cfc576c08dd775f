#!/usr/bin/env node
// Command-line entry point: says so where Node is too old, before anything is loaded that needs a newer one.
import module from 'node:module';

/** As `engines` in package.json has it; a test holds them in step. */
const MIN_MAJOR = 26;

if (Number.parseInt(process.versions.node, 10) < MIN_MAJOR) {
  process.stderr.write(
    `error: conntax needs Node ${MIN_MAJOR} or newer; this is ${process.version} (${process.execPath}). The package "node" installs one for a project: npm install node@${MIN_MAJOR}\n`,
  );
  process.exit(2);
}
module.enableCompileCache();
await import('./start.ts');
