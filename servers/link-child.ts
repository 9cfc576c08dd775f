// In: RelayCommand messages from the parent process. Out: a relay that carries until the channel closes, and RelayReply messages.

import { type OpenRelay, openRelay } from './link/relay.ts';
import { obeyParentOnly, readProcess } from './process.ts';
import type { RelayCommand, RelayReply } from './protocol.ts';

function reply(message: RelayReply): void {
  process.send?.(message);
}

/** Tells the parent why, and leaves once that is on its way. */
function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.send?.({ type: 'failed', message } satisfies RelayReply, () => process.exit(1));
}

let opening: Promise<OpenRelay> | undefined;

async function obey(command: RelayCommand): Promise<void> {
  switch (command.type) {
    case 'start': {
      if (opening) throw new Error('the link has been started already');
      opening = openRelay(command);
      reply({ type: 'started', port: (await opening).port });
      return;
    }
    case 'read': {
      if (!opening) throw new Error('the link has not been started, so there is nothing to read');
      const relay = await opening;
      reply({ type: 'reading', reading: { ...relay.read(), ...readProcess() } });
      return;
    }
    default:
      command satisfies never;
  }
}

if (!process.send) {
  process.stderr.write(
    'link-child is started by conntax run, with a process channel; it does nothing alone\n',
  );
  process.exit(2);
}
obeyParentOnly(() => process.exit(0));
process.on('message', (command: RelayCommand) => void obey(command).catch(fail));
