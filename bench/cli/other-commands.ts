// The commands that measure nothing: on scenarios, stored runs, running processes and other machines, with their options and help.
import type { Command } from 'commander';
import { GATE_MIN_EFFECT } from '../../results/min-effect.ts';
import type { Cli } from './measuring-commands.ts';
import {
  addResultOptions,
  asIntervalMs,
  asPort,
  asProcessId,
  asSeconds,
  minEffectOption,
} from './options.ts';

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

export function addImportCommand(program: Command, { context, setStatus }: Cli): void {
  addResultOptions(
    program
      .command('import')
      .description('import a report of Artillery as a stored run, and show it')
      .argument(
        '<file>',
        'file written by artillery run --output, for a script that uses the engine conntax',
      ),
  )
    .addHelpText(
      'after',
      `
Example:
  artillery run --output report.json short-vs-persistent.yml && conntax import report.json

docs/artillery.md explains every step up to the report. Exit status: 0 stored, 2 wrong usage or another kind of file,
3 a client has no figures, or an audit failed.`,
    )
    .action(async (file, options) => {
      const { importCommand } = await import('./import.ts');
      setStatus(await importCommand(file, options, context));
    });
}

export function addReportCommand(program: Command, { context }: Cli): void {
  addResultOptions(
    program
      .command('report')
      .description('render a stored run again, without measuring')
      .argument('[run]', 'id (or the end of it) or folder of a run, "latest" or "previous"; default: latest'),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  conntax report --verbose\n  conntax report results/runs/2026-11-23T12-25-52Z-k3f9 --json',
    )
    .action(async (ref, options) => {
      const { reportCommand } = await import('./report.ts');
      await reportCommand(ref, options, context);
    });
}

export function addCompareCommand(program: Command, { context }: Cli): void {
  addResultOptions(
    program
      .command('compare')
      .description('show two stored runs side by side')
      .argument('<before>', 'id (or the end of it) or folder of a run, "latest" or "previous"')
      .argument('<after>', 'the same, for the run to compare with it')
      .addOption(minEffectOption(GATE_MIN_EFFECT)),
    { shows: 'comparison' },
  )
    .addHelpText(
      'after',
      '\nExamples:\n  conntax compare previous latest\n  conntax compare 2026-11-23T12-25-52Z-k3f9 p0c2',
    )
    .action(async (before, after, options) => {
      const { compareCommand } = await import('./gate.ts');
      await compareCommand(before, after, options, context);
    });
}

export function addGateCommand(program: Command, { context, setStatus }: Cli): void {
  addResultOptions(
    program
      .command('gate')
      .description('check a stored run for regressions against a baseline')
      .argument('[run]', 'id (or the end of it) or folder of a run, "latest" or "previous"; default: latest')
      .option('--baseline <name>', 'name of the baseline', 'main')
      .addOption(minEffectOption(GATE_MIN_EFFECT))
      .option('--strict', 'also fail when a regression cannot be ruled out'),
    { shows: 'comparison', stored: 'runs and baselines are' },
  )
    .addHelpText(
      'after',
      `
Examples:
  conntax run ci --null-arm && conntax baseline save     once
  conntax run ci --null-arm && conntax gate              from then on

Exit status: 0 no regression, 1 a regression (with --strict also when one cannot be ruled out), 2 wrong usage,
3 nothing could be compared, or the run is not reliable.`,
    )
    .action(async (ref, options) => {
      const { gateCommand } = await import('./gate.ts');
      setStatus(await gateCommand(ref, options, context));
    });
}

export function addHistoryCommand(program: Command, { context }: Cli): void {
  addResultOptions(
    program
      .command('history')
      .description('show trends over CI runs, and when each metric changed')
      .argument('[cells...]', 'names of cells or scenarios; default: all'),
    { shows: 'history', stored: 'the history is' },
  )
    .addHelpText(
      'after',
      `
Examples:
  conntax history                 show every cell that conntax ci has measured
  conntax history ci-reuse        show one scenario
  conntax history --json | jq .tables.history.rows`,
    )
    .action(async (cells, options) => {
      const { historyCommand } = await import('./gate.ts');
      await historyCommand(cells, options, context);
    });
}

export function addBaselineCommand(program: Command, { context }: Cli): void {
  const baseline = program.command('baseline').description('save a run as a baseline, or list baselines');
  baseline
    .command('save')
    .description('save a stored run as a baseline')
    .argument('[run]', 'id (or the end of it) or folder of a run, "latest" or "previous"; default: latest')
    .option('--name <name>', 'name of the baseline', 'main')
    .option('--force', 'save it even if it can only detect changes above 25 %')
    .option('--results <dir>', 'folder where runs and baselines are stored', 'results')
    .option('--json', 'print the saved baseline as JSON')
    .addHelpText(
      'after',
      `
Example:
  conntax baseline save --name before-undici-9

Exit status: 0 saved, 2 wrong usage, 3 the run is incomplete, unreliable, or too noisy to detect changes, or could not be
stored, as on a full disk.`,
    )
    .action(async (ref, options) => {
      const { saveBaselineCommand } = await import('./gate.ts');
      await saveBaselineCommand(ref, options, context);
    });
  baseline
    .command('list')
    .description('list the baselines')
    .option('--results <dir>', 'folder where runs and baselines are stored', 'results')
    .option('--json', 'print them as JSON')
    .action(async options => {
      const { listBaselinesCommand } = await import('./gate.ts');
      await listBaselinesCommand(options, context);
    });
}

export function addWatchCommand(program: Command, { context, setStatus }: Cli): void {
  program
    .command('watch')
    .description('observe the sockets of a running process, and report whether it leaks connections')
    .option('--pid <n>', 'id of the process', asProcessId)
    .option(
      '--port <n>',
      'only sockets with this local or remote port; without --pid, those of the whole machine',
      asPort,
    )
    .option('--for-sec <s>', 'how long to observe, in seconds', asSeconds, 60)
    .option('--every-ms <ms>', 'time between observations', asIntervalMs, 500)
    .option('--json', 'print levels, slopes and verdicts as JSON')
    .addHelpText(
      'after',
      `
Examples:
  conntax watch --pid 4711                 every socket of a process, by state and peer
  conntax watch --port 5432 --for-sec 600  connections of this machine to a database
  conntax watch --pid "$(pgrep -f server.js)" --json > watched.json

No load is sent, and the process is not touched. Exit status: 0 nothing leaks, 1 a leak, 2 wrong usage,
3 too few observations for a verdict.`,
    )
    .action(async options => {
      const { watchCommand } = await import('./watch.ts');
      setStatus(await watchCommand(options, context));
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

export function addAgentCommand(program: Command, { context }: Cli): void {
  program
    .command('agent')
    .description('send load for a run that another machine started with --machine')
    .addHelpText(
      'after',
      `
Do not start it by hand: conntax run --machine 'ssh gen1 npx conntax agent' starts it there, and talks to it over standard
input and output. It exits when its input ends, and ends all processes that it started. It opens no port.

Example:
  conntax run ./your-server.json --allow-host web1 --machine 'ssh gen1 npx conntax agent' --machine 'ssh gen2 npx conntax agent'`,
    )
    .action(async () => {
      const { agentCommand } = await import('./agent.ts');
      await agentCommand(context);
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
