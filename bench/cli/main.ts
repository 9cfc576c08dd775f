#!/usr/bin/env node
// Command-line entry point: parses arguments, runs a command, sets the exit status. Ctrl-C stops a run gracefully.
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import picocolors from 'picocolors';
import { EXIT, InterruptedError, MeasureError, UsageError } from '../../results/errors.ts';
import { workingFolder } from '../../results/files.ts';
import type { Context, Output } from './context.ts';
import { type Interrupt, listenForInterrupts } from './interrupt.ts';
import {
  addHost,
  addJudgingCommands,
  addStoredRunCommands,
  addTryCommand,
  asRatio,
  number,
  refuseSwallowed,
} from './options.ts';
import { createOutput, hasColourOn } from './output.ts';
import { plugins } from './plugins.ts';

const fail = picocolors.createColors(hasColourOn(process.stderr)).red;

/** package.json is one level further up from the compiled file (dist/bench/cli/main.js) than from the source. */
function readVersion(): string {
  const up = extname(import.meta.url) === '.ts' ? '../../package.json' : '../../../package.json';
  return (JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string }).version;
}

/** @throws UsageError when the working folder no longer exists */
function createContext({ signal, keep }: Interrupt, output: Output): Context {
  return {
    plugins,
    output,
    builtinDir: fileURLToPath(new URL('../../scenarios', import.meta.url)),
    cwd: workingFolder(),
    version: readVersion(),
    env: process.env,
    argv: process.argv.slice(2),
    signal,
    keep,
  };
}

function createProgram(context: Context, setStatus: (status: number) => void): Command {
  const program = new Command('conntax')
    .description('What does opening a connection cost you? Compares short and persistent HTTP connections.')
    .version(context.version)
    .showHelpAfterError('Try --help.')
    .addHelpText(
      'after',
      `
Examples:
  conntax try http://127.0.0.1:3000/   a first answer for your own server
  conntax run                   measure the scenarios tagged quick
  conntax list                  list all built-in scenarios
  conntax run ./mine.json       measure your own scenario
  conntax report                show the latest run again`,
    )
    .configureOutput({
      writeOut: text => context.output.out(text.trimEnd()),
      writeErr: text => context.output.note(text.trimEnd()),
    })
    .exitOverride()
    .hook('preAction', (_, command) => refuseSwallowed(command, context.env, context.argv));

  program
    .command('run')
    .description('measure scenarios and show a report')
    .argument(
      '[scenarios...]',
      'names, tags or paths of scenario files (.ts, .js, .json), or one URL (as try does); default: the tag quick',
    )
    .option('--dry-run', 'print the plan and whether it fits this machine, without measuring')
    .option(
      '--seed <n>',
      'seed of the random order of slices and requests',
      number(Number.isSafeInteger, 'an integer'),
    )
    .option(
      '--budget-sec <s>',
      "time budget per scenario, overriding the scenario's; the cells of a sweep share it",
      number(n => n >= 0.001 && n <= 3_600, 'a number of seconds above 0 and at most 3600'),
    )
    .option('--precision <ratio>', 'stop when every interval is this narrow (0.05 = ±5 %)', asRatio)
    .option('--no-phases', 'skip per-request phase timing (lowest overhead)')
    .option(
      '--metrics-port <n>',
      'serve Prometheus metrics on this port of 127.0.0.1 during the run (0: any free port)',
      number(n => Number.isInteger(n) && n >= 0 && n <= 65_535, 'a port number'),
    )
    .option('--null-arm', 'add a copy of the baseline client, to measure noise (A/A)')
    .option('--strict', 'also fail when an expectation is inconclusive')
    .option('--confirm', 're-measure before a failed expectation counts (default when CI is set)')
    .option('--no-confirm', 'do not re-measure failures')
    .option(
      '--allow-host <host>',
      'allow load to be sent to this host (repeatable; loopback is always allowed)',
      addHost,
      [],
    )
    .option('--results <dir>', 'folder where runs are stored', 'results')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      `
Examples:
  conntax run                             measure the scenarios tagged quick
  conntax run short-vs-persistent         measure one scenario
  conntax run ./mine.json --dry-run       show what your own scenario would do
  conntax run short-vs-persistent --budget-sec 120 --precision 0.02
  conntax run ./your-server.json          measure your own server on this machine (target.url)
  conntax run ./your-server.json --allow-host staging.example.com
                                          measure a server on another machine

Exit status: 0 success, 1 an expectation failed, 2 wrong usage or an invalid scenario, 3 could not measure or an audit failed,
130 interrupted (143 by SIGTERM, 129 by a closed terminal).`,
    )
    .action(async (selectors, options) => {
      const [url] = selectors;
      if (selectors.length === 1 && /^https?:\/\//.test(url)) {
        const { TRY_DEFAULTS, tryCommand } = await import('./try.ts');
        setStatus(await tryCommand(url, { ...TRY_DEFAULTS, ...options }, context));
        return;
      }
      const { runCommand } = await import('./run.ts');
      setStatus(await runCommand(selectors, options, context));
    });

  addTryCommand(program, context, setStatus);

  program
    .command('init')
    .description('write a scenario, a client module and a CI workflow to begin with')
    .option('--url <url>', 'the server to measure', 'http://127.0.0.1:3000/')
    .addHelpText('after', '\nExample:\n  conntax init --url http://127.0.0.1:8080/health')
    .action(async options => {
      const { initCommand } = await import('./init.ts');
      initCommand(options, context);
    });

  program
    .command('list')
    .description('list the built-in scenarios')
    .option('--json', 'print them as JSON')
    .addHelpText('after', '\nExample:\n  conntax list --json')
    .action(async options => {
      const { listCommand } = await import('./list.ts');
      await listCommand(options, context);
    });

  addJudgingCommands(program, context, setStatus);
  addStoredRunCommands(program, context, setStatus);

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

async function main(interrupt: Interrupt): Promise<number> {
  const output = createOutput();
  let status: number = EXIT.ok;
  try {
    const context = createContext(interrupt, output);
    refuseControls(context.argv);
    await createProgram(context, value => {
      status = value;
    }).parseAsync();
    return interrupt.status ?? status;
  } catch (error) {
    if (interrupt.signal.aborted && error === interrupt.signal.reason)
      return interrupt.status ?? EXIT.interrupted;
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
}

/** Waits until all output is written. A closed pipe (`| head`) or terminal is not a failure; a full disk is. */
async function flushOutput(isInterrupted: boolean): Promise<NodeJS.ErrnoException | undefined> {
  await new Promise<void>(resolve => {
    process.stdout.write('', () => resolve());
  });
  const isUnread = outputError?.code === 'EPIPE' || (isInterrupted && outputError?.code === 'EIO');
  return isUnread ? undefined : outputError;
}

let outputError: NodeJS.ErrnoException | undefined;
process.stdout.on('error', error => {
  outputError ??= error;
});
// If stderr is closed, an error cannot be reported anywhere else.
process.stderr.on('error', () => {});

const interrupt = listenForInterrupts();
let status = await main(interrupt);
const unprinted = await flushOutput(interrupt.status !== undefined);
if (unprinted !== undefined) {
  process.stderr.write(`${fail('error')}: cannot write the output: ${unprinted.message}\n`);
  status = EXIT.cannotMeasure;
}
// The signal listeners and the children's channels would keep the process alive.
process.exit(status);
