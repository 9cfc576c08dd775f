// What a reader can do next: take over the better client as code, repeat a scenario, and measure what is missing.
import type { Comparison, Run } from '../results/model/run.ts';
import { own } from '../scenarios/model/facts.ts';
import type { ScenarioInput } from '../scenarios/model/scenario.ts';
import { scenarioOf } from '../scenarios/model/sweep.ts';
import { scenarioText, writtenScenario } from '../scenarios/model/written.ts';
import { type CellView, comparedArms, decidingComparisons, stateOf } from './cell-view.ts';
import type { AppliedClient, Missing, RepeatedFile, Repetition } from './model.ts';
import { settingsCode } from './settings/code.ts';
import { type WriterName, writers } from './settings/libraries/index.ts';
import { gainOf } from './words/answer.ts';
import { formatCommand, repeatingCommand } from './words/run.ts';
import { compact } from './words/text.ts';

/** @param views one cell, or those of a sweep */
export function describeRepetition(run: Run, views: readonly CellView[]): Repetition {
  let file: RepeatedFile | null | undefined;
  return {
    command: formatCommand(repeatingCommand(run)),
    // Most formats do not show it, and finding what may be left out of it takes longer than a cell's tables.
    get file() {
      if (file === undefined) file = fileOf(run, views);
      return file;
    },
  };
}

/** null for two versions of the code, which no file names, and for what cannot be written. */
function fileOf(run: Run, views: readonly CellView[]): RepeatedFile | null {
  const results = views
    .toSorted((a, b) => (beginningOf(a) < beginningOf(b) ? -1 : 1))
    .map(({ result }) => result);
  if (results.some(({ code, targetCode }) => [code, targetCode].some(byArm => Object.keys(byArm).length > 0)))
    return null;
  const scenario = writtenScenario(results.map(result => result.scenario));
  if (scenario === undefined) return null;
  const name = `${scenario.name}.json`;
  const words = ['conntax', 'run', `./${name}`, '--seed', String(run.seed), ...optionsOfPlace(run.command)];
  return {
    name,
    text: scenarioText(scenario),
    command: formatCommand(words),
    note: noteOf(run, results.length, scenario),
  };
}

/** When its first trial began; cells without any come last. */
function beginningOf({ trials }: CellView): string {
  return trials.map(({ startedAt }) => startedAt).toSorted()[0] ?? '~';
}

/** What a scenario does not hold and a run needs: where load may go, and which machines take part. */
const OPTIONS_OF_PLACE = [
  '--allow-host',
  '--machine',
  '--machines',
  '--server',
  '--server-address',
  '--watch-port',
] as const;

function optionsOfPlace(command: readonly string[]): string[] {
  return command.flatMap((word, index) => {
    if (OPTIONS_OF_PLACE.some(name => word.startsWith(`${name}=`))) return [word];
    return OPTIONS_OF_PLACE.some(name => word === name) ? command.slice(index, index + 2) : [];
  });
}

function noteOf({ conntax }: Run, cellCount: number, { sweep = {} }: ScenarioInput): string {
  const points = Object.values(sweep).reduce((product, { length }) => product * length, 1);
  return compact([
    `With conntax ${conntax}; it expects the files it names at their original paths.`,
    cellCount < points && 'It leaves out expectations for sweep points that were not started.',
  ]).join(' ');
}

/**
 * The command with the scenarios that were not begun, and those interrupted before they had the replicates that they need; null where
 * there is none, or while the run goes on. A run is never continued, so it is another one.
 */
export function describeMissing(run: Run): Missing | null {
  const { cells, notBegun = [] } = run;
  if (cells.some(({ stop }) => stop === 'measuring')) return null;
  const cut = cells.filter(
    ({ stop, replicates, scenario }) => stop === 'interrupted' && replicates < scenario.timing.minReplicates,
  );
  const names = new Set([...cut.map(({ cell }) => cell), ...notBegun].map(scenarioOf));
  if (names.size === 0) return null;
  const repeated = repeatingCommand(run);
  const narrowed = narrowedTo(names, repeated, new Set(cells.map(({ cell }) => scenarioOf(cell))));
  return narrowed === null
    ? { text: 'To measure all of it again:', command: formatCommand(repeated) }
    : { text: 'To measure what is missing in a separate run:', command: formatCommand(narrowed) };
}

/** Options of `conntax run` that take a value. */
export const VALUE_OPTIONS: readonly string[] = [
  ...OPTIONS_OF_PLACE,
  '--seed',
  '--budget-sec',
  '--precision',
  '--metrics-port',
  '--results',
];

/** `mine` of `./loads/mine.json`. */
function nameOf(file: string): string {
  return /([^\\/]+)\.[a-z]+$/.exec(file)?.[1] ?? file;
}

/** With these scenarios alone; null for other commands, and for files whose names do not say which scenario they have. */
function narrowedTo(
  names: ReadonlySet<string>,
  command: readonly string[],
  measured: ReadonlySet<string>,
): string[] | null {
  const [program, verb, ...rest] = command;
  if (program === undefined || verb !== 'run') return null;
  const isOption = rest.map(
    (word, index) => word.startsWith('--') || VALUE_OPTIONS.includes(rest[index - 1] ?? ''),
  );
  const files = rest.filter((word, index) => !isOption[index] && /[\\/]|\.[a-z]+$/.test(word));
  if (files.some(file => !names.has(nameOf(file)) && !measured.has(nameOf(file)))) return null;
  const wanted = files.filter(file => names.has(nameOf(file)));
  const fromFiles = new Set(wanted.map(nameOf));
  return [
    program,
    verb,
    ...wanted,
    ...[...names].filter(name => !fromFiles.has(name)),
    ...rest.filter((_, index) => isOption[index]),
  ];
}

/** What code is written for, by the client library that was measured. */
const WRITERS: Readonly<Record<string, WriterName>> = {
  undici: 'undici',
  fetch: 'undici',
  'node-http': 'node-http',
};

/** null unless the measurement is sound, no limit failed, and one client is better than another that is set up otherwise. */
export function applyClient(view: CellView): AppliedClient | null {
  const { result } = view;
  if (stateOf(view) !== 'sound' || result.expectations.some(({ state }) => state === 'fail')) return null;
  const found = betterOf(decidingComparisons(result), view);
  if (found === null) return null;
  const [better, other] = comparedArms(found, view).map(arm => arm?.client);
  const writer = own(WRITERS, better?.transport ?? '');
  // Two versions of the code have the same settings.
  if (better === undefined || writer === undefined || JSON.stringify(better) === JSON.stringify(other))
    return null;
  const { title, text } = settingsCode(better, writer, [
    `Client ${found.candidate} of ${result.scenario.name}, as measured by conntax with ${better.transport}.`,
  ]);
  return {
    title: `Apply this: ${found.candidate}, as code for ${title}`,
    text,
    note: `conntax settings --for writes it for others: ${Object.keys(writers)
      .filter(name => name !== writer)
      .join(', ')}.`,
  };
}

/** As the candidate, the client with the largest gain over the baseline, or the baseline where all others are worse. */
function betterOf(
  comparisons: readonly Comparison[],
  { result }: CellView,
): Pick<Comparison, 'candidate' | 'baseline'> | null {
  const gain = (comparison: Comparison): number => gainOf(comparison, result.scenario.load)?.value ?? 0;
  const [best] = comparisons
    .filter(({ verdict }) => verdict === 'better')
    .toSorted((a, b) => gain(b) - gain(a));
  if (best !== undefined) return best;
  const [first] = comparisons;
  return first !== undefined && comparisons.every(({ verdict }) => verdict === 'worse')
    ? { candidate: first.baseline, baseline: first.candidate }
    : null;
}
