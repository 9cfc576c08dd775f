// Damages results folders, and mutates scenario files, at random, and reads each as a command does; collects violations.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sampleRuns } from '../../report/testing/sample-runs.ts';
import { sampleSweeps } from '../../report/testing/sample-sweeps.ts';
import { summariseRun } from '../../results/baselines.ts';
import { MeasureError, UsageError } from '../../results/errors.ts';
import { createRandom, pick, type Random } from '../../results/random.ts';
import { sampleRun } from '../../results/testing/sample-run.ts';
import { visibleLines } from '../../results/visible.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import { behaviours } from '../../servers/behaviours/index.ts';
import { type Plugins, plugins } from '../cli/context.ts';
import { printPlan } from '../cli/dry-run.ts';
import { transports } from '../clients/index.ts';
import type { ClientPlugin } from '../contracts.ts';
import { planRun } from '../plan/plan.ts';
import { formatProblems, loadPlugins } from '../plan/read-scenarios.ts';
import { parseJson } from '../plan/scenario-json.ts';
import { createVariantsValidator, type ValidateVariants } from '../plan/sweep.ts';
import { STORED_COMMANDS, testContext } from './in-process.ts';
import { mutatedBytes, mutatedValue, serialize } from './mutate-json.ts';

/** Characters that show nothing and do something. */
export const RAW_TEXT = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u;

/** Where a figure or a word belongs. */
export const BAD_TEXT = /(?<![\w"])(?:NaN|undefined|\[object \w+\]|[+-]?Infinity|∞)(?![\w"])/;

/** The first that fits, with what stands beside it. */
export function textAround(pattern: RegExp, text: string): string | undefined {
  const at = text.search(pattern);
  return at === -1 ? undefined : JSON.stringify(text.slice(Math.max(0, at - 80), at + 40));
}

export interface FuzzCounts {
  /** Folders. */
  tried: number;
  /** Of these, how many were shown and not refused. */
  shown: number;
  /** Errors that are not ours. */
  stacks: number;
  /** Characters that could steer a terminal or turn a text about, in anything printed or written. */
  rawEscapes: number;
  /** Names that have become markup. */
  scripts: number;
  /** `NaN`, `undefined` and the like where a figure or a word belongs. */
  badTexts: number;
  /** The first of each kind. */
  examples: string[];
}

const MAX_EXAMPLES = 20;
/** Pages and charts take longer than all else together. */
const TRIES_PER_PAGE = 40;
const TRIES_PER_CHART = 10;

const MARKUP = /<script>alert|<img|<svg onload|<!ENTITY/;
const LINK = /(?<!\\)\]\(/;
interface Sound {
  run: unknown;
  trials: readonly unknown[];
  summary: unknown;
}

function soundRuns(): Sound[] {
  const small = { replicates: 2, blocks: 2 };
  return [
    sampleRun(small),
    sampleRun(small),
    sampleRun({ ...small, trouble: 'invalid-trial' }),
    sampleRun({ ...small, scenario: 'same-load' }),
    sampleRun({ ...small, scenario: 'capacity' }),
    sampleRun({ ...small, scenario: 'behind-a-link' }),
    sampleRuns['one replicate']!,
    sampleRuns['no completed trial']!,
    sampleRuns["someone else's server"]!,
    sampleSweeps['a failed cell'] ?? Object.values(sampleSweeps)[0]!,
  ].map(({ run, trials }) => ({ run, trials, summary: summariseRun(run) }));
}

/** The files of a results folder of which one is damaged, by path. */
function damagedFiles({ run, trials, summary }: Sound, random: Random): Record<string, string | Buffer> {
  const lines = (values: readonly unknown[]): string => values.map(value => `${serialize(value)}\n`).join('');
  const files: Record<string, string | Buffer> = {
    'run.json': serialize(run),
    'trials.ndjson': lines(trials),
    'main.json': serialize(summary),
    'history.ndjson': lines([summary, summary]),
    latest: `${ID}\n`,
  };
  const kind = random();
  if (kind < 0.2) {
    const name = pick(Object.keys(files), random);
    files[name] = mutatedBytes(String(files[name]), random);
  } else if (kind < 0.65) {
    const whole = mutatedValue({ run, trials, summary }, random) as Partial<Sound>;
    files['run.json'] = serialize(whole.run ?? null);
    if (Array.isArray(whole.trials)) files['trials.ndjson'] = lines(whole.trials);
    files['main.json'] = serialize(whole.summary ?? null);
    files['history.ndjson'] = lines([summary, whole.summary ?? null]);
  } else if (kind < 0.85) {
    files['run.json'] = serialize(mutatedValue(run, random));
  } else {
    const damaged = serialize(mutatedValue(summary, random));
    files['main.json'] = damaged;
    files['history.ndjson'] = `${damaged}\n${serialize(summary)}\n`;
  }
  return files;
}

const ID = '2026-11-23T12-25-52Z-k3f9';

function writeFolder(dir: string, files: Record<string, string | Buffer>): void {
  rmSync(dir, { recursive: true, force: true });
  const runDir = join(dir, 'runs', ID);
  mkdirSync(runDir, { recursive: true });
  mkdirSync(join(dir, 'baselines'));
  for (const [name, content] of Object.entries(files)) {
    const home = name === 'main.json' ? 'baselines' : /^(run|trials)\./.test(name) ? join('runs', ID) : '';
    writeFileSync(join(dir, home, name), content);
  }
}

/** Counts what was found by its kind, and keeps the first examples. */
function collectorOf<Kind extends string>(
  counts: Record<Kind, number> & { examples: string[] },
): (kind: Kind, example: string) => void {
  return (kind, example) => {
    const byKind: Record<Kind, number> = counts;
    byKind[kind]++;
    if (counts.examples.length < MAX_EXAMPLES) counts.examples.push(`${kind}: ${example}`);
  };
}

/** What a command wrote, and is for people or other programs to read. */
function writtenFiles(dir: string): [name: string, content: string][] {
  return [dir, join(dir, 'runs', ID)].flatMap(folder =>
    readdirSync(folder)
      .filter(name => /\.(html|md|xml|prom)$/.test(name))
      .map((name): [string, string] => [name, readFileSync(join(folder, name), 'utf8')]),
  );
}

/**
 * Damages stored runs, baselines and histories: bytes, types, sizes, versions, names. Every folder is read by `report` and by one
 * other command, in this process.
 */
export async function fuzzStoredRuns({
  seed,
  from = 0,
  count,
}: {
  seed: number;
  from?: number;
  count: number;
}): Promise<FuzzCounts> {
  const counts: FuzzCounts = {
    tried: 0,
    shown: 0,
    stacks: 0,
    rawEscapes: 0,
    scripts: 0,
    badTexts: 0,
    examples: [],
  };
  const sound = soundRuns();
  const dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'conntax-fuzz-'));
  const others = Object.keys(STORED_COMMANDS).filter(name => name !== 'report');
  const found = collectorOf<'stacks' | 'rawEscapes' | 'scripts' | 'badTexts'>(counts);
  try {
    for (let index = from; index < from + count; index++) {
      const random = createRandom(seed, index);
      writeFolder(dir, damagedFiles(pick(sound, random), random));
      counts.tried++;
      for (const name of ['report', pick(others, random)]) {
        const { context, printed } = testContext();
        context.plugins = lighter(index);
        try {
          await STORED_COMMANDS[name]!(dir, context);
          if (name === 'report') counts.shown++;
        } catch (error) {
          const isOurs = error instanceof UsageError || error instanceof MeasureError;
          if (isOurs) printed.notes.push(visibleLines(error.message));
          else
            found(
              'stacks',
              `${index} ${name}: ${error instanceof Error ? error.stack?.slice(0, 1500) : error}`,
            );
        }
        const isJson = name.endsWith('--json');
        const texts = [
          // As the program's own output shows them (bench/cli/output.ts).
          ...printed.out.map((text): [string, string] => ['stdout', visibleLines(text)]),
          ...printed.notes.map((text): [string, string] => ['stderr', visibleLines(text)]),
          ...writtenFiles(dir),
        ];
        for (const [where, text] of texts) look(`${index} ${name} ${where}`, text, isJson, found);
      }
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return counts;
}

/** All plug-ins for a few of the folders only. */
function lighter(index: number): Plugins {
  const { html: _page, ...brief } = plugins.formats;
  const plain = { ...plugins.formats, html: plugins.formats['markdown']! };
  return {
    ...plugins,
    ...(index % TRIES_PER_CHART === 0 ? {} : { charts: {}, sweepCharts: {} }),
    ...(index % TRIES_PER_PAGE === 0 ? {} : { formats: { ...brief, html: plain.html } }),
  };
}

function look(
  where: string,
  text: string,
  isJson: boolean,
  found: (kind: 'rawEscapes' | 'scripts' | 'badTexts', example: string) => void,
): void {
  const shown = text.replace(/<(script|style)[ >][\s\S]*?<\/\1>/g, '');
  const raw = textAround(RAW_TEXT, text);
  if (raw !== undefined) found('rawEscapes', `${where}: ${raw}`);
  const script = /std|prom/.test(where)
    ? undefined
    : textAround(/\.md$/.test(where) && !MARKUP.test(text) ? LINK : MARKUP, text);
  if (script !== undefined) found('scripts', `${where}: ${script}`);
  const bad = isJson ? undefined : textAround(BAD_TEXT, shown);
  if (bad !== undefined) found('badTexts', `${where}: ${bad}`);
}

export interface ScenarioFuzzCounts {
  tried: number;
  /** Of these, what could still be planned. */
  valid: number;
  /** Errors where a list of problems, or a SyntaxError with its place, belongs; and of the plan of what is valid. */
  crashes: number;
  /** Problems that do not say where, or what is expected. */
  vague: number;
  rawEscapes: number;
  /** `NaN`, `undefined` and the like. */
  badTexts: number;
  /** The first of each kind. */
  examples: string[];
}

const FILE = 'mine.json';
const BUILTIN = new URL('../../scenarios/', import.meta.url);

/** As authors write them: those that come with conntax, and the examples. */
async function soundContents(): Promise<unknown[]> {
  const files = await readdir(BUILTIN);
  const modules = files.filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const shipped = await Promise.all(
    modules.map(async file => ((await import(new URL(file, BUILTIN).href)) as { default: unknown }).default),
  );
  const examples = ['nginx.json', 'your-server.json'].map(async file =>
    parseJson(await readFile(new URL(`examples/${file}`, BUILTIN), 'utf8')),
  );
  return [...shipped, ...(await Promise.all(examples))];
}

/** Damages scenario files as text and as data, and checks each as `conntax run ./mine.json --dry-run` does. */
export async function fuzzScenarioFiles({
  seed,
  from = 0,
  count,
}: {
  seed: number;
  from?: number;
  count: number;
}): Promise<ScenarioFuzzCounts> {
  const counts: ScenarioFuzzCounts = {
    tried: 0,
    valid: 0,
    crashes: 0,
    vague: 0,
    rawEscapes: 0,
    badTexts: 0,
    examples: [],
  };
  const validate = createVariantsValidator({
    transports: await loadPlugins<ClientPlugin>(transports),
    behaviours: await loadPlugins<BehaviourModule>(behaviours),
  });
  const sound = await soundContents();
  const found = collectorOf<'crashes' | 'vague' | 'rawEscapes' | 'badTexts'>(counts);
  for (let index = from; index < from + count; index++) {
    const random = createRandom(seed, index);
    const content = pick(sound, random);
    const text =
      random() < 0.2
        ? mutatedBytes(JSON.stringify(content), random).toString('utf8')
        : serialize(mutatedValue(content, random) ?? null);
    counts.tried++;
    try {
      const { shown, vague, isValid } = check(text, validate);
      if (isValid) counts.valid++;
      if (vague !== undefined) found('vague', `${index}: ${vague}`);
      const raw = textAround(RAW_TEXT, shown);
      if (raw !== undefined) found('rawEscapes', `${index}: ${raw}`);
      const bad = textAround(BAD_TEXT, shown.replaceAll('Infinity is not allowed here', ''));
      if (bad !== undefined) found('badTexts', `${index}: ${bad}`);
    } catch (error) {
      const isRefused = error instanceof SyntaxError && / at line \d+, column \d+$/.test(error.message);
      if (!isRefused)
        found('crashes', `${index}: ${error instanceof Error ? error.stack?.slice(0, 600) : error}`);
    }
  }
  return counts;
}

/** What the command line would print of it. */
function check(
  text: string,
  validate: ValidateVariants,
): { shown: string; vague?: string; isValid: boolean } {
  const validation = validate(parseJson(text), FILE);
  if (validation.isValid) {
    const { context, printed } = testContext();
    printPlan(planRun(validation.variants, { seed: 1 }), [], {}, context.output);
    return { shown: visibleLines(printed.out.join('\n')), isValid: true };
  }
  const shown = formatProblems(validation.problems);
  const vague = validation.problems.find(
    ({ path, message, hint }) => message === '' || (path === '' && hint === undefined),
  );
  return { shown, isValid: false, ...(vague === undefined ? {} : { vague: JSON.stringify(vague) }) };
}
