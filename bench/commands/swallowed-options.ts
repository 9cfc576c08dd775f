// In: a command's options, and the environment that npm gives to what it runs. Out: refusal of options that npm has kept for itself.
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { readText } from '../../results/files.ts';
import { UsageError } from '../../results/errors.ts';

/** What npm calls its commands that run others. */
const RUNNERS = ['run', 'run-script', 'exec', 'test', 'start'];

/**
 * Without `--`, npm reads all options itself, and conntax would do what was not asked for: a dry run would send load. npm
 * tells such an option in the environment, as it tells its own settings: those that stand in a .npmrc, or that the shell
 * has set in npm's own way, are not meant for conntax.
 *
 * @throws UsageError with the command line that does what was meant
 */
export function refuseSwallowed(command: Command, env: NodeJS.ProcessEnv, argv: readonly string[]): void {
  const { npm_command: runner, npm_lifecycle_event: script } = env;
  if (runner === undefined || script === undefined || !RUNNERS.includes(runner)) return;
  const swallowed = command.options.filter(
    option => command.getOptionValueSource(option.attributeName()) !== 'cli' && isSwallowed(option, env),
  );
  if (swallowed.length === 0) return;
  const names = swallowed.map(({ long }) => long);
  const isComplete = swallowed.every(({ required }) => !required);
  const words = isComplete ? [...ownWords(argv, env), ...names] : ['...'];
  const line = script === 'npx' ? `npx conntax ${argv.join(' ')} ${names.join(' ')}` : undefined;
  throw new UsageError(
    `npm has kept ${names.join(' and ')} for itself, so conntax was not given it; nothing was started.\n` +
      `  right would be: ${line ?? `npm run ${script} -- ${words.join(' ')}`}`,
  );
}

function isSwallowed({ long, negate }: Option, env: NodeJS.ProcessEnv): boolean {
  if (long == null) return false;
  const key = long.replace(/^--(?:no-)?/, '');
  const value = env[`npm_config_${key.replaceAll('-', '_')}`];
  // npm tells of `--no-phases` that phases is ''.
  if (value === undefined || (value === '') !== negate) return false;
  return !isSetting(key, env);
}

/** Whether the user has said so once and for all, for npm. */
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
  const lines = (readText(file) ?? '').split('\n').map(line => line.split('=')[0]!.trim());
  return lines.includes(key);
}

/** Those that the user typed: the first of argv may stand in the script itself. */
function ownWords(argv: readonly string[], { npm_lifecycle_script: text = '' }: NodeJS.ProcessEnv): string[] {
  const typed = argv.findIndex((_, index) => !text.endsWith(` ${argv.slice(0, index + 1).join(' ')}`));
  return typed === -1 ? [] : argv.slice(typed);
}
