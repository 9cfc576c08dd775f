// In: the program. Out: its commands on stored runs: nothing is measured by any of them.
import type { Command } from 'commander';
import type { Context } from '../cli/context.ts';
import { asRatio } from './number-argument.ts';

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
      const { compareCommand } = await import('../cli/gate.ts');
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
      const { gateCommand } = await import('../cli/gate.ts');
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
      const { historyCommand } = await import('./history.ts');
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
      const { saveBaselineCommand } = await import('./baseline.ts');
      await saveBaselineCommand(ref, options, context);
    });
  baseline
    .command('list')
    .description('show the baselines that there are')
    .option('--results <dir>', 'where runs and baselines are stored', 'results')
    .option('--json', 'print them as JSON')
    .action(async options => {
      const { listBaselinesCommand } = await import('./baseline.ts');
      await listBaselinesCommand(options, context);
    });
}
