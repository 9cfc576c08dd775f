#!/usr/bin/env node
// In: the words typed after `conntax`. Out: the command done, its result printed, an exit status. Ctrl-C ends it soon.
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
  asRatio,
  number,
  refuseSwallowed,
} from './options.ts';
import { createOutput, hasColourOn } from './output.ts';
import { plugins } from './plugins.ts';

const fail = picocolors.createColors(hasColourOn(process.stderr)).red;

/** From the sources (bench/cli/main.ts) and compiled (dist/bench/cli/main.js) alike, the package is found by its package.json. */
function readVersion(): string {
  const up = extname(import.meta.url) === '.ts' ? '../../package.json' : '../../../package.json';
  return (JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string }).version;
}

/** @throws UsageError where there is no folder to work in */
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
  conntax run                   measure the scenarios tagged quick, and report
  conntax list                  what else there is to run
  conntax run ./mine.json       a scenario of your own
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
    .description('measure scenarios, and report')
    .argument(
      '[scenarios...]',
      'names, tags or paths of scenario files (.ts, .js, .json); none: the tag quick',
    )
    .option('--dry-run', 'print the plan and whether it fits this machine; start nothing')
    .option('--seed <n>', 'seed of every shuffle and draw', number(Number.isSafeInteger, 'a whole number'))
    .option(
      '--budget-sec <s>',
      'time for each scenario, in place of its own; the cells of a sweep share it',
      number(n => n >= 0.001 && n <= 3_600, 'a number of seconds above 0, 3600 at most'),
    )
    .option('--precision <ratio>', 'stop when intervals are within it (0.05 = 5 %)', asRatio)
    .option(
      '--no-phases',
      'do not record wait, first byte and body of each request: the least load on the client',
    )
    .option(
      '--metrics-port <n>',
      'serve metrics for Prometheus on this port of 127.0.0.1 while it runs (0: any)',
      number(n => Number.isInteger(n) && n >= 0 && n <= 65_535, 'a port'),
    )
    .option('--null-arm', "measure the baseline's client twice: what they differ by is noise")
    .option('--strict', 'fail also when an expectation could not be shown to hold')
    .option('--confirm', 'measure again before a failed expectation counts (the default where CI is set)')
    .option('--no-confirm', 'do not')
    .option(
      '--allow-host <host>',
      'lets load leave this machine, to this host of a target.url; may be given more than once',
      addHost,
      [],
    )
    .option('--results <dir>', 'where runs are stored', 'results')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      `
Examples:
  conntax run                             the scenarios tagged quick
  conntax run short-vs-persistent         one of them
  conntax run ./mine.json --dry-run       what a scenario of your own would do
  conntax run short-vs-persistent --budget-sec 120 --precision 0.02
  conntax run ./your-server.json          a server of yours on this machine, by its target.url
  conntax run ./your-server.json --allow-host staging.example.com
                                          one on another machine that you may load

Exit status: 0 fine, 1 an expectation failed, 2 usage or an invalid scenario, 3 could not measure or an audit failed, 130 interrupted (143 by SIGTERM, 129 by a closed terminal).`,
    )
    .action(async (selectors, options) => {
      const { runCommand } = await import('./run.ts');
      setStatus(await runCommand(selectors, options, context));
    });

  program
    .command('list')
    .description('show the scenarios that come with conntax')
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
    .option('--json', 'the same: a schema is JSON')
    .addHelpText('after', '\nExample:\n  conntax schema > scenario.schema.json')
    .action(async () => {
      const { schemaCommand } = await import('./list.ts');
      await schemaCommand(context);
    });

  return program;
}

/** No name or path needs them, and in a message they would begin a line that looks like ours. */
function refuseControls(argv: readonly string[]): void {
  const word = argv.find(text => /\p{Cc}/u.test(text));
  if (word === undefined) return;
  throw new UsageError(`${JSON.stringify(word)} has control characters; right would be: a word without them`);
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
    if (error instanceof InterruptedError) return error.exitCode; // it has been said
    if (error instanceof UsageError || error instanceof MeasureError) {
      output.note(`${fail('error')}: ${error.message}`);
      return error.exitCode;
    }
    const detail = error instanceof Error ? error.stack : String(error);
    output.note(`${fail('internal error')} (please report it): ${detail}`);
    return EXIT.cannotMeasure;
  }
}

/** Waits until all is printed. A reader that has left (`| head`), or a terminal that is closed, is no failure; a full disk, say, is. */
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
// Whoever read it has left, and there is no one else to tell.
process.stderr.on('error', () => {});

const interrupt = listenForInterrupts();
let status = await main(interrupt);
const unprinted = await flushOutput(interrupt.status !== undefined);
if (unprinted !== undefined) {
  process.stderr.write(`${fail('error')}: the output could not be written: ${unprinted.message}\n`);
  status = EXIT.cannotMeasure;
}
// A SIGINT listener and the children's channels are no reason to stay.
process.exit(status);
