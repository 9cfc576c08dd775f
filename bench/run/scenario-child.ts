// In: what to load, from the parent. Out: the scenarios, checked. The process in which the user's modules are read: they may end it.

import { describeErrorPlace, foreignText, UsageError } from '../../results/errors.ts';
import { behaviours } from '../../servers/behaviours/index.ts';
import { transports, userModules } from '../clients/index.ts';
import { loadScenarios } from '../plan/read-scenarios.ts';
import type { ScenarioCommand, ScenarioReply } from './scenario-questions.ts';

// A module has a channel to its parent no more than anywhere else.
const send = process.send?.bind(process);
process.send = undefined as unknown as NonNullable<typeof process.send>;

let goOn: (() => void) | undefined;

function reply(step: ScenarioReply['step']): void {
  process.channel?.ref();
  send?.({ type: 'step', step } satisfies ScenarioReply);
}

/** The parent knows whose module is read next, before it can end this process. */
async function announce(file: string): Promise<void> {
  reply({ reading: file });
  await new Promise<void>(resolve => {
    goOn = resolve;
  });
  // From here on nothing but the module keeps this process: when it waits for nothing, it waits for ever.
  process.channel?.unref();
}

async function load({
  selectors,
  builtinDir,
  cwd,
}: Extract<ScenarioCommand, { type: 'load' }>): Promise<void> {
  try {
    const options = { builtinDir, cwd, transports, behaviours, userModules, announce };
    reply({ variants: await loadScenarios(selectors, options) });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    reply({ refused: { message: error.message, problems: [...error.problems] } });
  }
}

process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit());
process.on('beforeExit', () =>
  reply({ failed: 'never ends: it waits at its top level for what does not come' }),
);
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) =>
    reply({ failed: `fails: ${foreignText(error)}${describeErrorPlace(error)}` }),
  );
}
process.on('message', (command: ScenarioCommand) => {
  if (command.type === 'next') goOn?.();
  else void load(command);
});
