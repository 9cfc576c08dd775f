// Says where a page is, and opens it in the user's browser by the program that the system has for that.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CommonOptions, Context } from './context.ts';

/** One that runs on without a failure has opened something. */
const PATIENCE_MS = 3_000;

function openerOf(platform: NodeJS.Platform): [command: string, ...args: string[]] {
  switch (platform) {
    case 'darwin':
      return ['open'];
    case 'win32':
      // `start` takes the first quoted argument for a title.
      return ['cmd', '/c', 'start', '""'];
    default:
      return ['xdg-open'];
  }
}

/**
 * Opens an address. The browser is the user's own program and is left running.
 *
 * @returns why it could not be opened; undefined when it was
 */
export async function openAddress(address: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const [command, ...args] = openerOf(process.platform);
  const child = spawn(command, [...args, address], { env, stdio: 'ignore', detached: true });
  child.unref();
  try {
    const [status] = (await once(child, 'exit', { signal: AbortSignal.timeout(PATIENCE_MS) })) as [
      number | null,
    ];
    return status === 0 ? undefined : `${command} failed`;
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return undefined;
    return `${command} could not be started`;
  }
}

/** Prints where a page is stored, as the last line of a command; with `--open` shows it. */
export async function announcePage(
  file: string,
  { open = false }: CommonOptions,
  { output, env }: Pick<Context, 'output' | 'env'>,
): Promise<void> {
  if (open) await showAddress(pathToFileURL(resolve(file)).href, { output, env });
  output.note(`Report: ${file}`);
}

/** Opens an address, or says that it could not be opened. */
export async function showAddress(
  address: string,
  { output, env }: Pick<Context, 'output' | 'env'>,
): Promise<void> {
  const problem = await openAddress(address, env);
  if (problem !== undefined) output.note(`No browser was opened (${problem}). The page is at ${address}`);
}
