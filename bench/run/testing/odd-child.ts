// A child process that does on command whatever a supervised process may do, well or badly.

export type OddCommand =
  | { type: 'echo'; text: string }
  | { type: 'facts' }
  /** Answered as a child does that is ready, with this version of the messages. */
  | { type: 'begin'; protocol: number }
  | { type: 'exit'; status: number; words: string }
  | { type: 'crash' }
  | { type: 'fail'; message: string }
  | { type: 'chatter'; lines: number }
  /** Never answered. */
  | { type: 'ignore' }
  /** Never answered, and nothing else either. */
  | { type: 'block' }
  /** Never answered; the channel is closed and the process stays. */
  | { type: 'disconnect' };

export type OddReply =
  | { type: 'echoed'; text: string }
  | { type: 'facts'; cpus: string /** Of its threads, each value once. */; niceness: number[] }
  | { type: 'begun'; protocol: number }
  | { type: 'failed'; message: string };

function reply(message: OddReply): void {
  process.send?.(message);
}

async function obey(command: OddCommand): Promise<void> {
  switch (command.type) {
    case 'echo':
      reply({ type: 'echoed', text: command.text });
      return;
    case 'facts': {
      const { readdirSync, readFileSync } = await import('node:fs');
      const status = readFileSync('/proc/self/status', 'utf8');
      const cpus = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '';
      const threads = readdirSync('/proc/self/task').map(id => {
        const stat = readFileSync(`/proc/self/task/${id}/stat`, 'latin1');
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
      });
      reply({ type: 'facts', cpus, niceness: [...new Set(threads)] });
      return;
    }
    case 'begin':
      reply({ type: 'begun', protocol: command.protocol });
      return;
    case 'exit':
      process.stderr.write(`${command.words}\n`, () => process.exit(command.status));
      return;
    case 'crash':
      throw new Error('the fixture crashes');
    case 'fail':
      reply({ type: 'failed', message: command.message });
      return;
    case 'chatter':
      for (let line = 1; line <= command.lines; line++) process.stderr.write(`line ${line}\n`);
      process.stderr.write('', () => process.exit(1));
      return;
    case 'ignore':
      return;
    case 'block':
      for (;;);
    case 'disconnect':
      setInterval(() => {}, 60_000);
      process.disconnect?.();
      return;
    default:
      command satisfies never;
  }
}

process.on('message', (command: OddCommand) => {
  void obey(command);
});
