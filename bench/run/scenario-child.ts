// A process that reads users' modules and checks the scenarios in them; the modules may end it.

import { setTimeout as delay } from 'node:timers/promises';
import { describeErrorPlace, describeForeign, UsageError } from '../../results/errors.ts';
import { behaviours } from '../../servers/behaviours/index.ts';
import { obeyParentOnly } from '../../servers/process.ts';
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

/** From here on only the module keeps this process alive, so a module that awaits something that never comes ends it. */
function leaveToModule(): void {
  process.channel?.unref();
}

/** Tells the parent which module is read next, before the module can end this process. */
async function announce(reading: string, later: readonly string[]): Promise<void> {
  reply({ reading, later });
  await new Promise<void>(resolve => {
    goOn = resolve;
  });
  leaveToModule();
}

async function load({ selectors, ...asked }: Extract<ScenarioCommand, { type: 'load' }>): Promise<void> {
  try {
    const options = { ...asked, transports, behaviours, userModules, announce };
    reply({ variants: await loadScenarios(selectors, options) });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    reply({ refused: { message: error.message, problems: [...error.problems] } });
  }
}

/** Whether the file is a sound module is for `load` to say. */
async function loadAlone({
  file,
  lingerMs,
}: Extract<ScenarioCommand, { type: 'load-alone' }>): Promise<void> {
  const { loadUserModule } = await userModules();
  leaveToModule();
  await loadUserModule(file);
  await delay(lingerMs);
  reply({ isAloneDone: true });
}

obeyParentOnly(() => process.exit());
process.on('beforeExit', () => reply({ failed: 'never finishes: its top-level await never resolves' }));
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) =>
    reply({ failed: `fails: ${describeForeign(error)}${describeErrorPlace(error)}` }),
  );
}
process.on('message', (command: ScenarioCommand) => {
  if (command.type === 'next') goOn?.();
  else if (command.type === 'load-alone') void loadAlone(command);
  else void load(command);
});
