// The process that reads users' modules and checks the scenarios in them; the modules may end it.

import { describeErrorPlace, describeForeign, UsageError } from '../../results/errors.ts';
import { behaviours } from '../../servers/behaviours/index.ts';
import { transports, userModules } from '../clients/index.ts';
import { loadScenarios } from '../plan/read-scenarios.ts';
import type { ScenarioCommand, ScenarioReply } from './scenario-questions.ts';

// Users' modules must not see a channel to a parent process.
const send = process.send?.bind(process);
process.send = undefined as unknown as NonNullable<typeof process.send>;

let goOn: (() => void) | undefined;

function reply(step: ScenarioReply['step']): void {
  process.channel?.ref();
  send?.({ type: 'step', step } satisfies ScenarioReply);
}

/** Tells the parent which module is read next, before the module can end this process. */
async function announce(file: string): Promise<void> {
  reply({ reading: file });
  await new Promise<void>(resolve => {
    goOn = resolve;
  });
  // From here on only the module keeps this process alive, so a module that awaits something that never comes ends it.
  process.channel?.unref();
}

async function load({
  selectors,
  builtinDir,
  cwd,
  replaced,
}: Extract<ScenarioCommand, { type: 'load' }>): Promise<void> {
  try {
    const options = { builtinDir, cwd, replaced, transports, behaviours, userModules, announce };
    reply({ variants: await loadScenarios(selectors, options) });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    reply({ refused: { message: error.message, problems: [...error.problems] } });
  }
}

process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit());
process.on('beforeExit', () => reply({ failed: 'never finishes: its top-level await never resolves' }));
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) =>
    reply({ failed: `fails: ${describeForeign(error)}${describeErrorPlace(error)}` }),
  );
}
process.on('message', (command: ScenarioCommand) => {
  if (command.type === 'next') goOn?.();
  else void load(command);
});
