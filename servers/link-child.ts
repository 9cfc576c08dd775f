// The relay process: carries connections over an emulated link on commands from the parent, until the channel closes.

import { errorMessage } from '../results/errors.ts';
import { type OpenRelay, openRelay } from './link/relay.ts';
import { obeyParentOnly, readProcess } from './process.ts';
import type { RelayCommand, RelayReply } from './protocol.ts';

function reply(message: RelayReply): void {
  process.send?.(message);
}

/** Reports the error to the parent, and exits after it is sent. */
function fail(error: unknown): void {
  process.send?.({ type: 'failed', message: errorMessage(error) } satisfies RelayReply, () =>
    process.exit(1),
  );
}

let opening: Promise<OpenRelay> | undefined;

async function obey(command: RelayCommand): Promise<void> {
  switch (command.type) {
    case 'start': {
      if (opening) throw new Error('the link is already started');
      opening = openRelay(command);
      reply({ type: 'started', port: (await opening).port });
      return;
    }
    case 'read': {
      if (!opening) throw new Error('the link is not started yet');
      const relay = await opening;
      reply({ type: 'reading', reading: { ...relay.read(), ...readProcess() } });
      return;
    }
    default:
      command satisfies never;
  }
}

if (!process.send) {
  process.stderr.write('link-child is started by conntax run, with a process channel; it cannot run alone\n');
  process.exit(2);
}
obeyParentOnly(() => process.exit(0));
process.on('message', (command: RelayCommand) => void obey(command).catch(fail));
