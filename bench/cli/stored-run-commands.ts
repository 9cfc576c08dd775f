// The commands on stored runs: import, report, compare, gate, history and baseline, with their options and help.
import type { Command } from 'commander';
import type { Cli } from './context.ts';
import { addResultOptions, asRatio } from './options.ts';

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
      .option('--min-effect <ratio>', 'smallest change that counts (0.05 = 5 %)', asRatio),
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
      .option('--min-effect <ratio>', 'smallest change that counts (0.05 = 5 %)', asRatio)
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
