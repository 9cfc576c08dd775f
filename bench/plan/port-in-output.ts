// Finds the ports that a server prints when it has started.
import { stripVTControlCharacters } from 'node:util';

/** The end of a number, which is no time, version or longer word. */
const END = String.raw`(?![\w:]|\.\d)`;

/**
 * What servers print: an address with a port (`http://localhost:3000`, `127.0.0.1:3000`, `[::]:3000`, `*:3000`, ` :3000`), or the
 * word port and a number (`port 3000`, `port: 3000`, `"port":3000`).
 */
const PORT = new RegExp(
  [
    String.raw`https?:\/\/(?:\[[0-9a-f:.]+\]|[^\s/:"'[\]]+):(\d{2,5})${END}`,
    String.raw`(?:\blocalhost|\b\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]*\]):(\d{2,5})${END}`,
    String.raw`(?<=^|[\s(])\*?:(\d{2,5})${END}`,
    String.raw`\bports?(?:\(s\))?["']?\s*(?:[:=]|is|number)?\s*["']?(\d{2,5})${END}`,
  ].join('|'),
  'gim',
);

const HIGHEST_PORT = 65_535;

/** The ports in the output, in order, colours ignored; a server may also print those of others, such as its database. */
export function portsInOutput(output: string): number[] {
  // The last line may not be complete, and half a number is another port.
  const lines = stripVTControlCharacters(output.slice(0, output.lastIndexOf('\n') + 1));
  const ports = [...lines.matchAll(PORT)].map(([, ...groups]) =>
    Number(groups.find(group => group !== undefined)),
  );
  return [...new Set(ports)].filter(port => port > 0 && port <= HIGHEST_PORT);
}
