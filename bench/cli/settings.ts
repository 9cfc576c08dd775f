// The `settings` command: prints a client of a scenario as code for another library.
import { settingsCode } from '../../report/settings/code.ts';
import { type WriterName, writers } from '../../report/settings/libraries/index.ts';
import { UsageError } from '../../results/errors.ts';
import { joinWords } from '../../results/figures.ts';
import { describePoints, type Variant } from '../../scenarios/model/sweep.ts';
import { nameHint } from '../plan/problems.ts';
import { readScenarios } from '../run/scenario-questions.ts';
import type { CommonOptions, Context } from './context.ts';

export interface SettingsOptions extends CommonOptions {
  /** Client of the scenario; may be left out where it has only one. */
  client?: string;
  /** Name of a library. */
  for: string;
}

function isWriterName(name: string): name is WriterName {
  return Object.hasOwn(writers, name);
}

/** @throws UsageError naming the scenarios, where the selector is a tag of several */
function onlyScenario(variants: readonly Variant[], selector: string): Variant[] {
  const names = [...new Set(variants.map(({ name }) => name))];
  if (names.length > 1)
    throw new UsageError(
      `${selector} is a tag of several scenarios; expected: one of ${joinWords(names, 'or')}`,
    );
  return [...variants];
}

/** @throws UsageError with a suggestion */
function chooseClient({ name, clients }: Variant, asked: string | undefined): string {
  const known = Object.keys(clients);
  if (asked === undefined) {
    if (known.length === 1) return known[0]!;
    throw new UsageError(
      `scenario ${name} has several clients; expected: --client ${joinWords(known, 'or')}`,
    );
  }
  if (known.includes(asked)) return asked;
  throw new UsageError(`scenario ${name} has no client "${asked}": ${nameHint(asked, known)}`);
}

/** @throws UsageError for unknown names, and for an invalid scenario */
export async function settingsCommand(
  selector: string,
  options: SettingsOptions,
  { plugins, builtinDir, cwd, signal, output }: Context,
): Promise<void> {
  const target = options.for;
  if (!isWriterName(target))
    throw new UsageError(`unknown library "${target}" for --for: ${nameHint(target, Object.keys(writers))}`);
  const read = await readScenarios([selector], { ...plugins, builtinDir, cwd, signal });
  const variants = onlyScenario(read, selector);
  const [first] = variants;
  const name = chooseClient(first!, options.client);
  const client = first!.clients[name]!;
  const isSwept = variants.some(({ clients }) => JSON.stringify(clients[name]) !== JSON.stringify(client));
  const origin = [
    `Client ${name} of ${first!.name}, as measured by conntax with ${client.transport}.`,
    ...(isSwept
      ? [`Swept by the scenario; this is the cell ${describePoints(first!.sweepPoints ?? [])}.`]
      : []),
  ];
  const code = settingsCode(client, target, origin);
  if (options.json) {
    const settings = { scenario: first!.name, client: name, for: target, ...code };
    output.out(JSON.stringify(settings, null, 2));
  } else output.out(code.text);
}
