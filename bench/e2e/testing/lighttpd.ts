// Starts lighttpd, with one file to fetch, for the duration of a test.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startServerProgram } from './server-program.ts';

/** Serves `/file.txt` of 1 KiB; `settings` are lines of its configuration. Returns its port. */
export async function startLighttpd(t: TestContext, settings: readonly string[]): Promise<number> {
  const { ports } = await startServerProgram(t, {
    program: 'lighttpd',
    portCount: 1,
    ready: /server started/,
    async configure({ folder, ports }) {
      const file = join(folder, 'lighttpd.conf');
      const lines = [
        `server.document-root = "${folder}"`,
        'server.bind = "127.0.0.1"',
        `server.port = ${ports[0]}`,
        'server.listen-backlog = 1024',
        'mimetype.assign = ( ".txt" => "text/plain" )',
        ...settings,
      ];
      await writeFile(join(folder, 'file.txt'), 'x'.repeat(1024));
      await writeFile(file, `${lines.join('\n')}\n`);
      return ['-D', '-f', file];
    },
  });
  return ports[0]!;
}
