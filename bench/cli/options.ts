// In: the program. Out: its commands that measure and judge: two codes, and the job of every night.
import { type Command, Option } from 'commander';
import { LEAST_EFFECT, SIDES } from '../plan/before-after.ts';
import type { Context } from './context.ts';
import { addHost } from '../commands/host-argument.ts';
import { asRatio, number } from '../commands/number-argument.ts';

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
