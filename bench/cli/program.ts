// The command line as a function: parses arguments, runs the command, and turns what it throws into an exit status.
import { join } from 'node:path';
import { Command, CommanderError, type Option } from 'commander';
import picocolors from 'picocolors';
import { EXIT, InterruptedError, MeasureError, UsageError } from '../../results/errors.ts';
import { readTextFile } from '../../results/files.ts';
import { type Cli, type Context, hasColourOn, type Output } from './context.ts';
import {
  addAbCommand,
  addAgentCommand,
  addBisectCommand,
  addCiCommand,
  addRunCommand,
  addTryCommand,
  addWatchCommand,
} from './measuring-commands.ts';
import { addInitCommand, addListCommand, addSchemaCommand, addSettingsCommand } from './scenario-commands.ts';
import {
  addBaselineCommand,
  addCompareCommand,
  addGateCommand,
  addHistoryCommand,
  addImportCommand,
  addReportCommand,
} from './stored-run-commands.ts';

export const fail = picocolors.createColors(hasColourOn(process.stderr)).red;

/** In the order of --help. */
const COMMANDS: readonly ((program: Command, cli: Cli) => void)[] = [
  addRunCommand,
  addTryCommand,
  addInitCommand,
  addListCommand,
  addAbCommand,
  addBisectCommand,
  addCiCommand,
  addImportCommand,
  addReportCommand,
  addCompareCommand,
  addGateCommand,
  addHistoryCommand,
  addBaselineCommand,
  addWatchCommand,
  addSettingsCommand,
  addAgentCommand,
  addSchemaCommand,
];

function createProgram({ context, setStatus }: Cli): Command {
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

  for (const add of COMMANDS) add(program, { context, setStatus });
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
    const setStatus = (value: number): void => {
      status = value;
    };
    await createProgram({ context, setStatus }).parseAsync(context.argv, { from: 'user' });
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

// Options that npm has taken for its own: `npm run conntax run x --dry-run` without `--`.

/** npm's names for its commands that run other programs. */
const RUNNERS = ['run', 'run-script', 'exec', 'test', 'start'];

/** The script, or `npx`, by which npm runs this program; undefined if it does not. */
function npmScript({
  npm_command: runner,
  npm_lifecycle_event: script,
}: NodeJS.ProcessEnv): string | undefined {
  return runner !== undefined && RUNNERS.includes(runner) ? script : undefined;
}

/**
 * Refuses to run when npm has taken options that were meant for conntax. Without `--`, npm reads all options itself, and
 * `--dry-run` would send load. npm puts such options into the environment, beside its own settings; those from a .npmrc or from
 * `NPM_CONFIG_...` variables are not meant for conntax.
 *
 * @throws UsageError with the command line that works
 */
function refuseSwallowed(command: Command, env: NodeJS.ProcessEnv, argv: readonly string[]): void {
  const script = npmScript(env);
  if (script === undefined) return;
  const swallowed = command.options.filter(
    option => command.getOptionValueSource(option.attributeName()) !== 'cli' && isSwallowed(option, env),
  );
  if (swallowed.length === 0) return;
  const names = swallowed.map(({ long }) => long);
  const isComplete = swallowed.every(({ required }) => !required);
  const words = isComplete ? [...findTypedArguments(argv, env), ...names] : ['...'];
  const line = script === 'npx' ? `npx conntax ${argv.join(' ')} ${names.join(' ')}` : undefined;
  throw new UsageError(
    `npm took ${names.join(' and ')} as its own option, so conntax did not receive it; nothing was started.\n` +
      `  use: ${line ?? `npm run ${script} -- ${words.join(' ')}`}`,
  );
}

/** npm's names for single letters that conntax has too: `-c 5` becomes its option `call`. */
const NPM_LETTERS: Readonly<Record<string, string>> = { '-c': 'call' };

/**
 * A sentence for arguments that are too many: npm leaves behind the values of options that it does not know, so `-X POST` becomes
 * an argument. Empty if no script of npm's is running.
 */
function npmHint(env: NodeJS.ProcessEnv): string {
  const script = npmScript(env);
  if (script === undefined || script === 'npx') return '';
  return `npm reads options itself, and passes on only their values; after -- it leaves them to conntax: npm run ${script} -- ...`;
}

function isSwallowed({ long, short, negate }: Option, env: NodeJS.ProcessEnv): boolean {
  if (long == null) return false;
  const letter = short == null ? undefined : NPM_LETTERS[short];
  if (letter !== undefined && env[`npm_config_${letter}`] && !isSetting(letter, env)) return true;
  const key = long.replace(/^--(?:no-)?/, '');
  const value = env[`npm_config_${key.replaceAll('-', '_')}`];
  // For `--no-phases` npm sets phases to ''.
  if (value === undefined || (value === '') !== negate) return false;
  return !isSetting(key, env);
}

/** Whether the user has configured it for npm. */
function isSetting(key: string, env: NodeJS.ProcessEnv): boolean {
  if (env[`NPM_CONFIG_${key.replaceAll('-', '_').toUpperCase()}`] !== undefined) return true;
  const { npm_config_local_prefix: project } = env;
  const files = [
    env['npm_config_userconfig'],
    env['npm_config_globalconfig'],
    ...(project === undefined ? [] : [join(project, '.npmrc')]),
  ];
  return files.some(file => file !== undefined && hasSetting(file, key));
}

function hasSetting(file: string, key: string): boolean {
  const lines = (readTextFile(file) ?? '').split('\n').map(line => line.split('=')[0]!.trim());
  return lines.includes(key);
}

/** The arguments that the user typed: the first ones of argv may be part of the script itself. */
function findTypedArguments(
  argv: readonly string[],
  { npm_lifecycle_script: text = '' }: NodeJS.ProcessEnv,
): string[] {
  const typed = argv.findIndex((_, index) => !text.endsWith(` ${argv.slice(0, index + 1).join(' ')}`));
  return typed === -1 ? [] : argv.slice(typed);
}
