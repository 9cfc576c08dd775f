// In: the program. Out: its commands that measure and judge: two codes, and the job of every night.
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../../results/errors.ts';
import { readText } from '../../results/files.ts';
import { parseHost } from '../plan/allowed-hosts.ts';
import { LEAST_EFFECT, SIDES } from './ab.ts';
import type { Context } from './context.ts';

// From hosts as they are typed, one an option. Out: the list of them, for commander; what is no host alone is refused.

export function addHost(text: string, hosts: readonly string[]): string[] {
  const host = parseHost(text);
  if (host === undefined) {
    throw new InvalidArgumentError('It must be a host name or an address, without scheme, port or path.');
  }
  return [...hosts, host];
}

// From what a number on the command line must be. Out: a parser of it that says so.

export function number(test: (value: number) => boolean, what: string): (text: string) => number {
  return text => {
    const value = Number(text);
    if (text.trim() === '' || !test(value)) throw new InvalidArgumentError(`It must be ${what}.`);
    return value;
  };
}

/** Above 0, at most 1. */
export const asRatio = number(n => n > 0 && n <= 1, 'between 0 and 1');

// From the program. Out: its commands on stored runs: nothing is measured by any of them.

export function addStoredRunCommands(
  program: Command,
  context: Context,
  setStatus: (status: number) => void,
): void {
  program
    .command('report')
    .description('render a stored run again; nothing is measured')
    .argument('[run]', "a run's id (or an end of it) or folder, latest or previous; none: the latest")
    .option('--results <dir>', 'where runs are stored', 'results')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  conntax report\n  conntax report results/runs/2026-11-23T12-25-52Z-k3f9 --json',
    )
    .action(async (ref, options) => {
      const { reportCommand } = await import('./report.ts');
      await reportCommand(ref, options, context);
    });

  program
    .command('compare')
    .description('show two stored runs side by side')
    .argument('<before>', "a run's id (or an end of it) or folder, latest or previous")
    .argument('<after>', 'another')
    .option('--min-effect <ratio>', 'the least change that counts (0.05 = 5 %)', asRatio)
    .option('--results <dir>', 'where runs are stored', 'results')
    .option('--json', 'print the comparison as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  conntax compare previous latest\n  conntax compare 2026-11-23T12-25-52Z-k3f9 p0c2',
    )
    .action(async (before, after, options) => {
      const { compareCommand } = await import('./gate.ts');
      await compareCommand(before, after, options, context);
    });

  program
    .command('gate')
    .description('hold a stored run against a baseline')
    .argument('[run]', "a run's id (or an end of it) or folder, latest or previous; none: the latest")
    .option('--baseline <name>', 'the baseline', 'main')
    .option('--min-effect <ratio>', 'the least change that counts (0.05 = 5 %)', asRatio)
    .option('--strict', 'fail also when a regression could not be ruled out')
    .option('--results <dir>', 'where runs and baselines are stored', 'results')
    .option('--json', 'print the comparison as JSON')
    .addHelpText(
      'after',
      `
Examples:
  conntax run ci --null-arm && conntax baseline save     once
  conntax run ci --null-arm && conntax gate              ever after

Exit status: 0 no regression, 1 a regression (with --strict also one that can't be ruled out), 2 usage, 3 nothing could be
compared, or the run can't be relied on.`,
    )
    .action(async (ref, options) => {
      const { gateCommand } = await import('./gate.ts');
      setStatus(await gateCommand(ref, options, context));
    });

  program
    .command('history')
    .description('show how ratios went over the runs of conntax ci, and since when they are at another level')
    .argument('[cells...]', 'names of cells, or of scenarios; none: all')
    .option('--results <dir>', 'where the history is stored', 'results')
    .option('--json', 'print it as JSON')
    .addHelpText(
      'after',
      `
Examples:
  conntax history                 every cell that conntax ci has measured
  conntax history ci-reuse        one scenario
  conntax history --json | jq .tables.history.rows`,
    )
    .action(async (cells, options) => {
      const { historyCommand } = await import('./gate.ts');
      await historyCommand(cells, options, context);
    });

  const baseline = program
    .command('baseline')
    .description('keep the figures of a run, to hold others against');
  baseline
    .command('save')
    .description('make a stored run a baseline')
    .argument('[run]', "a run's id (or an end of it) or folder, latest or previous; none: the latest")
    .option('--name <name>', 'its name', 'main')
    .option('--force', 'save it also where it could only see changes above 25 %')
    .option('--results <dir>', 'where runs and baselines are stored', 'results')
    .option('--json', 'print what was saved as JSON')
    .addHelpText(
      'after',
      `
Example:
  conntax baseline save --name before-undici-9

Exit status: 0 saved, 2 usage, or a run that is not complete, can't be relied on, or is blind.`,
    )
    .action(async (ref, options) => {
      const { saveBaselineCommand } = await import('./gate.ts');
      await saveBaselineCommand(ref, options, context);
    });
  baseline
    .command('list')
    .description('show the baselines that there are')
    .option('--results <dir>', 'where runs and baselines are stored', 'results')
    .option('--json', 'print them as JSON')
    .action(async options => {
      const { listBaselinesCommand } = await import('./gate.ts');
      await listBaselinesCommand(options, context);
    });
}

// From a command's options, and the environment that npm gives to what it runs. Out: refusal of options that npm has kept for itself.

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

const asSeconds = number(n => n >= 0.001 && n <= 3_600, 'a number of seconds above 0, 3600 at most');

export function addJudgingCommands(
  program: Command,
  context: Context,
  setStatus: (status: number) => void,
): void {
  program
    .command('ab')
    .description('measure two codes of the client, or of the server, in the same slices')
    .argument('[scenarios...]', 'names, tags or paths; none: the persistent client of short-vs-persistent')
    .option(
      '--before <dir>',
      'checkout of conntax (after npm ci), or folder with it installed; default: this one',
    )
    .option('--after <dir>', 'another; default: this one')
    .option('--before-package <spec>', 'this conntax with a package in another version, such as undici@7')
    .option('--after-package <spec>', 'another version')
    .addOption(
      new Option('--side <side>', 'whose code differs; the other side is this conntax')
        .choices(SIDES)
        .default('client'),
    )
    .option('--arm <name>', 'only this client of the scenarios')
    .option(
      '--min-effect <ratio>',
      `the least change that counts; default: ${LEAST_EFFECT}, which is ${LEAST_EFFECT * 100} %`,
      asRatio,
    )
    .option('--dry-run', 'print the plan and whether it fits this machine; measure nothing')
    .option('--seed <n>', 'seed of every shuffle and draw', number(Number.isSafeInteger, 'a whole number'))
    .option('--budget-sec <s>', 'time for each comparison, in place of that of the scenario', asSeconds)
    .option(
      '--precision <ratio>',
      'stop when intervals are within it (0.05 = 5 %), not when the question is decided',
      asRatio,
    )
    .option(
      '--allow-host <host>',
      'lets load leave this machine, to this host of a target.url; may be given more than once',
      addHost,
      [],
    )
    .option('--strict', 'fail also when a change for the worse could not be ruled out')
    .option('--confirm', 'measure again before a failure counts (the default where CI is set)')
    .option('--no-confirm', 'do not')
    .option('--results <dir>', 'where runs are stored', 'results')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      `
Examples:
  conntax ab --before-package undici@7 --after-package undici@8
  conntax ab --before ../main --after .             two checkouts, each after npm ci
  conntax ab --before ../main short-vs-persistent --arm short --budget-sec 120
  conntax ab --side target --before-package fastify@5.0.0 --after-package fastify@5.12.8

Exit status: 0 no change for the worse was shown, 1 one was, 2 usage, 3 could not measure, 130 interrupted.`,
    )
    .action(async (selectors, options) => {
      const { abCommand } = await import('./ab.ts');
      setStatus(await abCommand(selectors, options, context));
    });

  program
    .command('ci')
    .description('measure, hold against the baseline, confirm a regression, remember the run')
    .argument('[scenarios...]', 'names, tags or paths; none: the tag ci')
    .option('--baseline <name>', 'the baseline; without one the run is only measured', 'main')
    .option('--min-effect <ratio>', 'the least change that counts (0.05 = 5 %)', asRatio)
    .option(
      '--allow-host <host>',
      'lets load leave this machine, to this host of a target.url; may be given more than once',
      addHost,
      [],
    )
    .option('--strict', 'fail also when a regression could not be ruled out')
    .option('--dry-run', 'print the plan and whether it fits this machine; measure nothing')
    .option('--seed <n>', 'seed of every shuffle and draw', number(Number.isSafeInteger, 'a whole number'))
    .option('--budget-sec <s>', 'time for each scenario, in place of its own', asSeconds)
    .option('--results <dir>', 'where runs, baselines and the history are stored', 'results')
    .option('--json', 'print the reports as JSON')
    .addHelpText(
      'after',
      `
Examples:
  conntax ci && conntax baseline save      the first time
  conntax ci                               every night

Exit status: 0 fine, 1 a regression or an expectation that failed, 2 usage, 3 could not measure, 130 interrupted.`,
    )
    .action(async (selectors, options) => {
      const { ciCommand } = await import('./ci.ts');
      setStatus(await ciCommand(selectors, options, context));
    });
}
