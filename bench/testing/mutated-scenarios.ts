// Mutates scenario files at random and validates each; collects violations.
import { readdir, readFile } from 'node:fs/promises';
import { createRandom } from '../../results/random.ts';
import { visibleLines } from '../../results/visible.ts';
import type { BehaviourModule } from '../../servers/behaviour.ts';
import { behaviours } from '../../servers/behaviours/index.ts';
import { printPlan } from '../cli/dry-run.ts';
import { transports } from '../clients/index.ts';
import type { ClientPlugin } from '../contracts.ts';
import { planRun } from '../plan/plan.ts';
import { formatProblems, loadPlugins } from '../plan/read-scenarios.ts';
import { parseJson } from '../plan/scenario-json.ts';
import { createVariantsValidator, type ValidateVariants } from '../plan/sweep.ts';
import { BAD_TEXT, RAW_TEXT, textAround } from './bad-text.ts';
import { testContext } from './in-process.ts';
import { mutatedBytes, mutatedValue, pick, serialize } from './mutate-json.ts';

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

const MOST_EXAMPLES = 20;
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
  const found = (kind: 'crashes' | 'vague' | 'rawEscapes' | 'badTexts', example: string): void => {
    counts[kind]++;
    if (counts.examples.length < MOST_EXAMPLES) counts.examples.push(`${kind}: ${example}`);
  };
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
