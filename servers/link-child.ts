// The relay process: carries connections over an emulated link on commands from the parent, until the channel closes.
import { type OpenRelay, openRelay } from './link/relay.ts';
import { keepCompiledCode, readProcess, serveParent } from './process.ts';
import { PROTOCOL_VERSION, type RelayCommand, type RelayReply } from './protocol.ts';

function reply(message: RelayReply): void {
  process.send?.(message);
}

let opening: Promise<OpenRelay> | undefined;

async function obey(command: RelayCommand): Promise<void> {
  switch (command.type) {
    case 'start': {
      if (opening) throw new Error('the link is already started');
      opening = openRelay(command);
      const { port } = await opening;
      keepCompiledCode();
      reply({ type: 'started', protocol: PROTOCOL_VERSION, port });
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

serveParent('link-child', obey);
