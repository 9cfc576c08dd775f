// The command line as a function: parses arguments, runs the command, and turns what it throws into an exit status.
import { Command, CommanderError } from 'commander';
import picocolors from 'picocolors';
import { EXIT, InterruptedError, MeasureError, UsageError } from '../../results/errors.ts';
import type { Context, Output } from './context.ts';
import { npmHint, refuseSwallowed } from './npm-options.ts';
import { TRY_DEFAULTS } from './option-defaults.ts';
import {
  addAgentCommand,
  addJudgingCommands,
  addMachineOptions,
  addSettingsCommand,
  addStoredRunCommands,
  addTryCommand,
  addWatchCommand,
  allowHostOption,
  asRatio,
  asSeconds,
  number,
  openOption,
  seedOption,
  uiOption,
  verboseOption,
} from './options.ts';
import { hasColourOn } from './output.ts';

export const fail = picocolors.createColors(hasColourOn(process.stderr)).red;

function createProgram(context: Context, setStatus: (status: number) => void): Command {
  const program = new Command('conntax')
    .description('What does opening a connection cost you? Compares short and persistent HTTP connections.')
    .version(context.version)
    .showHelpAfterError('Try --help.')
    .addHelpText(
      'after',
      `
Examples:
  conntax try http://127.0.0.1:3000/   compare connections to your own server
  conntax run                          measure the scenarios tagged quick
  conntax list                         list all built-in scenarios
  conntax run ./mine.json              measure your own scenario
  conntax report                       show the latest run again`,
    )
    .configureOutput({
      writeOut: text => context.output.out(text.trimEnd()),
      writeErr: text => context.output.note(text.trimEnd()),
    })
    .exitOverride()
    .hook('preAction', (_, command) => refuseSwallowed(command, context.env, context.argv));

  const run = program
    .command('run')
    .description('measure scenarios and show a report')
    .argument(
      '[scenarios...]',
      'names, tags or paths of scenario files (.ts, .js, .json), or one URL (as try does); default: the tag quick',
    )
    .option('--dry-run', 'print the plan and whether it fits this machine, without measuring')
    .addOption(seedOption())
    .option(
      '--budget-sec <s>',
      "time budget per scenario, overriding the scenario's; the cells of a sweep share it",
      asSeconds,
    )
    .option('--precision <ratio>', 'stop when every interval is this narrow (0.05 = ±5 %)', asRatio)
    .option('--no-phases', 'skip per-request phase timing (lowest overhead)')
    .option(
      '--metrics-port <n>',
      'serve Prometheus metrics on this port of 127.0.0.1 during the run (0: any free port)',
      number(n => Number.isInteger(n) && n >= 0 && n <= 65_535, 'a port number'),
    )
    .option('--profile', 'afterwards, take a CPU profile and a heap snapshot of each client and the server')
    .option('--null-arm', 'add a copy of the baseline client, to measure noise (A/A)')
    .option('--strict', 'also fail when an expectation is inconclusive')
    .option('--confirm', 're-measure before a failed expectation counts (default when CI is set)')
    .option('--no-confirm', 'do not re-measure failures')
    .addOption(allowHostOption())
    .option('--results <dir>', 'folder where runs are stored', 'results')
    .addOption(verboseOption())
    .addOption(openOption())
    .addOption(uiOption())
    .option('--json', 'print the report as JSON');
  addMachineOptions(run)
    .addHelpText(
      'after',
      `
Examples:
  conntax run                             measure the scenarios tagged quick
  conntax run short-vs-persistent         measure one scenario
  conntax run catalogue                   measure all scenarios with this tag; conntax list shows the tags
  conntax run ./mine.json --dry-run       show what your own scenario would do
  conntax run short-vs-persistent --budget-sec 120 --precision 0.02
  conntax run --ui --open                 watch the page in a browser during the run
  conntax run ./your-server.json          measure your own server on this machine (target.url)
  conntax run ./your-server.json --allow-host staging.example.com
                                          measure a server on another machine
  conntax run ./your-server.json --allow-host web1 --machine 'ssh gen1 npx conntax agent' --machine 'ssh gen2 npx conntax agent'
                                          send the load from two machines (docs/machines.md)

Exit status: 0 success, 1 an expectation failed, 2 wrong usage or an invalid scenario, 3 could not measure or an audit failed,
130 interrupted (143 by SIGTERM, 129 by a closed terminal). Ctrl-C keeps what was measured; a second Ctrl-C ends at once.`,
    )
    .action(async (selectors, options) => {
      const [url] = selectors;
      if (selectors.length === 1 && /^https?:\/\//.test(url)) {
        const { tryCommand } = await import('./try.ts');
        setStatus(await tryCommand(url, { ...TRY_DEFAULTS, ...options }, context));
        return;
      }
      const { runCommand } = await import('./run.ts');
      setStatus(await runCommand(selectors, options, context));
    });

  addTryCommand(program, context, setStatus);

  program
    .command('init')
    .description('write a first scenario, a client module and a CI workflow')
    .option('--url <url>', 'the server to measure', 'http://127.0.0.1:3000/')
    .addHelpText('after', '\nExample:\n  conntax init --url http://127.0.0.1:8080/health')
    .action(async options => {
      const { initCommand } = await import('./init.ts');
      initCommand(options, context);
    });

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

  addJudgingCommands(program, context, setStatus);
  addStoredRunCommands(program, context, setStatus);
  addWatchCommand(program, context, setStatus);
  addSettingsCommand(program, context);
  addAgentCommand(program, context);

  program
    .command('schema')
    .description('print the JSON Schema of scenario files')
    .option('--json', 'accepted for consistency: the output is always JSON')
    .addHelpText('after', '\nExample:\n  conntax schema > scenario.schema.json')
    .action(async () => {
      const { schemaCommand } = await import('./list.ts');
      await schemaCommand(context);
    });

  return program;
}

/** No name or path needs control characters, and in a message they could fake a line of output. */
function refuseControls(argv: readonly string[]): void {
  const word = argv.find(text => /\p{Cc}/u.test(text));
  if (word === undefined) return;
  throw new UsageError(
    `${JSON.stringify(word)} contains control characters; expected: an argument without them`,
  );
}

/** Runs the command of `context.argv`. @returns the exit status. @throws what `reportError` takes */
export async function runProgram(context: Context): Promise<number> {
  let status: number = EXIT.ok;
  refuseControls(context.argv);
  try {
    await createProgram(context, value => {
      status = value;
    }).parseAsync(context.argv, { from: 'user' });
  } catch (error) {
    const hint = npmHint(context.env);
    if (error instanceof CommanderError && error.code === 'commander.excessArguments' && hint !== '')
      context.output.note(hint);
    throw error;
  }
  return status;
}

/** Says what went wrong, unless it was said already. @returns the exit status */
export function reportError(error: unknown, output: Output): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof InterruptedError) return error.exitCode; // already reported
  if (error instanceof UsageError || error instanceof MeasureError) {
    output.note(`${fail('error')}: ${error.message}`);
    return error.exitCode;
  }
  const detail = error instanceof Error ? error.stack : String(error);
  output.note(`${fail('internal error')} (please report it): ${detail}`);
  return EXIT.cannotMeasure;
}
