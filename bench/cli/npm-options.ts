// Options that npm has taken for its own: `npm run conntax run x --dry-run` without `--`.
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { UsageError } from '../../results/errors.ts';
import { readTextFile } from '../../results/files.ts';

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
export function refuseSwallowed(command: Command, env: NodeJS.ProcessEnv, argv: readonly string[]): void {
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
export function npmHint(env: NodeJS.ProcessEnv): string {
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
