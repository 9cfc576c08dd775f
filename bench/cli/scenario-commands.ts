// The commands on scenarios that measure nothing: init, list, settings and schema, with their options and help.
import type { Command } from 'commander';
import type { Cli } from './context.ts';

export function addInitCommand(program: Command, { context }: Cli): void {
  program
    .command('init')
    .description('write a first scenario, a client module and a CI workflow')
    .option('--url <url>', 'the server to measure', 'http://127.0.0.1:3000/')
    .addHelpText('after', '\nExample:\n  conntax init --url http://127.0.0.1:8080/health')
    .action(async options => {
      const { initCommand } = await import('./init.ts');
      initCommand(options, context);
    });
}

export function addListCommand(program: Command, { context }: Cli): void {
  program
    .command('list')
    .argument('[scenarios...]', 'names or tags (default: all)')
    .description('list the built-in scenarios, with their tags and how long they take')
    .option('--json', 'print them as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  conntax list --json\n  conntax list catalogue             the scenarios of docs/catalogue.md\n  conntax list pools bodies',
    )
    .action(async (selectors, options) => {
      const { listCommand } = await import('./list.ts');
      await listCommand(selectors, options, context);
    });
}

export function addSettingsCommand(program: Command, { context }: Cli): void {
  program
    .command('settings')
    .description('print a client of a scenario as code for another library')
    .argument('<scenario>', 'name or path of a scenario')
    .option('--client <name>', 'client of the scenario; may be left out if it has only one')
    .requiredOption(
      '--for <library>',
      'undici, node-http, axios, got, go, java, apache-httpclient, python-requests, httpx, dotnet, curl or nginx',
    )
    .option('--json', 'print the code, and the settings that the library lacks, as JSON')
    .addHelpText(
      'after',
      `
Examples:
  conntax settings short-vs-persistent --client persistent --for go
  conntax settings ./mine.json --client ours --for python-requests > client.py
  conntax settings pool-size --client sized --for nginx

A comment names each setting that the library does not have. docs/settings.md has names and defaults in every library.
Nothing is measured. Exit status: 0 printed, 2 wrong usage or an invalid scenario.`,
    )
    .action(async (scenario, options) => {
      const { settingsCommand } = await import('./settings.ts');
      await settingsCommand(scenario, options, context);
    });
}

export function addSchemaCommand(program: Command, { context }: Cli): void {
  program
    .command('schema')
    .description('print the JSON Schema of scenario files')
    .option('--json', 'accepted for consistency: the output is always JSON')
    .addHelpText('after', '\nExample:\n  conntax schema > scenario.schema.json')
    .action(async () => {
      const { schemaCommand } = await import('./list.ts');
      await schemaCommand(context);
    });
}
