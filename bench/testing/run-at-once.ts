// Runs several commands at once and prints the output of each as a whole.
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/**
 * The output of the first is shown as it runs, the others' after it, one by one, so that their lines do not mix.
 * @param commands each a program and its arguments
 * @returns whether all ended with exit status 0
 */
export async function runAtOnce(commands: readonly (readonly string[])[]): Promise<boolean> {
  const running = commands.map(([program, ...args], index) => {
    const child = spawn(program!, args, { stdio: ['ignore', index === 0 ? 'inherit' : 'pipe', 'inherit'] });
    const ended = new Promise<boolean>((resolve, reject) =>
      child.once('error', reject).once('close', status => resolve(status === 0)),
    );
    return { ended, printed: child.stdout === null ? '' : text(child.stdout) };
  });
  let hasPassed = true;
  for (const { ended, printed } of running) {
    if (!(await ended)) hasPassed = false;
    process.stdout.write(await printed);
  }
  return hasPassed;
}
