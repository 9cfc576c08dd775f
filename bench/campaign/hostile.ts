// Sends hostile answers to every client, and feeds hostile modules, stored runs and scenario files to the program.
import { createRandom, shuffled } from '../../results/random.ts';
import fetchModule from '../clients/fetch.ts';
import nodeHttp from '../clients/node-http.ts';
import { type HostileClient, hostileAnswers, tryHostileAnswers } from '../clients/testing/hostile-answers.ts';
import undici from '../clients/undici.ts';
import wire from '../clients/wire.ts';
import { checkHostileModule, hostileModules } from '../e2e/testing/hostile-modules.ts';
import { fuzzScenarioFiles, fuzzStoredRuns } from '../testing/fuzz-files.ts';
import { runAll } from './run-case.ts';
import { type Counts, countFindings, type Finding, type PartOptions } from './verdict.ts';

export async function runStoredRuns({ seed, from, count }: PartOptions): Promise<Counts> {
  const { shown: _, ...counts } = await fuzzStoredRuns({ seed, from, count });
  return counts;
}

export async function runScenarioFiles({ seed, from, count }: PartOptions): Promise<Counts> {
  const { valid: _, ...counts } = await fuzzScenarioFiles({ seed, from, count });
  return counts;
}

const CLIENTS: readonly HostileClient[] = [
  ...['request', 'dispatch', 'fetch'].map(api => ({
    name: `undici, ${api}`,
    module: undici,
    settings: { api },
  })),
  { name: 'node-http', module: nodeHttp },
  { name: 'fetch', module: fetchModule },
  { name: 'wire', module: wire },
];

/** Every client gets every answer; a count below theirs takes some of them. */
export async function runAnswers({ seed, from, count, say }: PartOptions): Promise<Counts> {
  const answers = shuffled(hostileAnswers, createRandom(seed, 'answers')).slice(from, from + count);
  const run = async (answer: (typeof answers)[number]): Promise<Finding[]> =>
    (await tryHostileAnswers(CLIENTS, [answer])).map(detail => ({ defect: 'unmarked', detail }));
  return countFindings(await runAll(answers, run, { atOnce: 1, say }));
}

export async function runModules({ seed, from, count, atOnce, say }: PartOptions): Promise<Counts> {
  const modules = shuffled(hostileModules, createRandom(seed, 'modules')).slice(from, from + count);
  const run = async (module: (typeof modules)[number]): Promise<Finding[]> => {
    await using scope = new AsyncDisposableStack();
    try {
      await checkHostileModule({ after: act => void scope.defer(async () => void (await act())) }, module);
      return [];
    } catch (error) {
      const detail = String(error).slice(0, 500);
      return [{ defect: /were left behind/.test(detail) ? 'orphans' : 'wrongStatus', detail }];
    }
  };
  return countFindings(await runAll(modules, run, { atOnce, say }));
}
