// In: processes that were started. Out: none of them outlives this process, however that ends.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * Kills what is on its list once its standard input ends, as it does when this process is gone: by SIGKILL, too, when nothing
 * of ours can run any more. SIGKILL also ends processes that are stopped, or that never look at their channel.
 */
const SCRIPT = `
trap '' INT TERM HUP
list=' '
while read -r word pid; do
  case $word in
    add) list="$list$pid " ;;
    drop) list="\${list%% $pid *} \${list#* $pid }" ;;
  esac
done
for pid in $list; do kill -KILL "$pid"; done`;

const living = new Set<ChildProcess>();
let list: Writable | undefined;

/** Absent on Windows, which has no sh: there processes end with their channel only. */
function startWatchdog(): Writable | undefined {
  if (process.platform === 'win32') return undefined;
  // A session of its own: what is sent to the whole process group does not reach it.
  const watchdog = spawn('sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  watchdog.on('error', () => {}); // no sh: as on Windows
  watchdog.unref();
  const input = watchdog.stdin;
  input.on('error', () => {}); // someone has killed it
  (input as Writable & { unref(): void }).unref();
  return input;
}

function killAll(): void {
  for (const child of living) child.kill('SIGKILL');
}

/** From now on the child ends with this process at the latest, at once. */
export function watchOver(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return; // it could not be started
  if (living.size === 0) process.on('exit', killAll);
  living.add(child);
  list ??= startWatchdog();
  list?.write(`add ${pid}\n`);
  child.once('exit', () => {
    living.delete(child);
    list?.write(`drop ${pid}\n`);
    if (living.size === 0) process.off('exit', killAll);
  });
}
