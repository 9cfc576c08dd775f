// Ensures that no child process outlives this process, even if it is killed, nor a control group that it has made.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * Kills the listed processes and groups (negative numbers) once its standard input ends, which happens when this process is gone,
 * even by SIGKILL. The script uses SIGKILL too, because it also ends processes that are stopped or never check their channel.
 * Then removes folders of control groups, which is possible only when their processes are gone.
 */
const SCRIPT = `
trap '' INT TERM HUP
list=' '
while read -r word it; do
  case $word in
    add) list="$list$it " ;;
    drop) list="\${list%% $it *} \${list#* $it }" ;;
    remove) set -- "$@" "$it" ;;
  esac
done
for pid in $list; do kill -s KILL -- "$pid"; done
for folder; do
  tries=0
  while [ -d "$folder" ] && ! rmdir "$folder" && [ "$tries" -lt 100 ]; do
    sleep 0.05
    tries=$((tries + 1))
  done
done`;

/** Processes, and negative: groups. */
const living = new Set<number>();
let list: Writable | undefined;

/** Undefined on Windows, which has no sh: there, children end only when their channel closes. */
function startWatchdog(): Writable | undefined {
  if (process.platform === 'win32') return undefined;
  // In its own session, so that signals to the process group do not reach it.
  const watchdog = spawn('sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  watchdog.on('error', () => {}); // no sh: as on Windows
  watchdog.unref();
  const input = watchdog.stdin;
  input.on('error', () => {}); // the watchdog was killed
  (input as Writable & { unref(): void }).unref();
  return input;
}

function killAll(): void {
  for (const id of living) {
    try {
      process.kill(id, 'SIGKILL');
    } catch {
      // it is gone already
    }
  }
}

function add(id: number): void {
  // First of all listeners: others remove what these processes may still write.
  if (living.size === 0) process.prependListener('exit', killAll);
  living.add(id);
  list ??= startWatchdog();
  list?.write(`add ${id}\n`);
}

function drop(id: number): void {
  if (!living.delete(id)) return;
  list?.write(`drop ${id}\n`);
  if (living.size === 0) process.off('exit', killAll);
}

/** Makes a control group be removed when this process has ended, if it is still there. */
export function removeGroupAtEnd(folder: string): void {
  list ??= startWatchdog();
  list?.write(`remove ${folder}\n`);
}

/** Makes the child end with this process at the latest. */
export function watchOver(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return; // it could not be started
  add(pid);
  child.once('exit', () => drop(pid));
}

/**
 * Makes a process group end with this process at the latest: its processes may outlive the one that leads it.
 * @param leaderPid of a child that leads its group
 * @returns a function to call when all of them are gone
 */
export function watchOverGroup(leaderPid: number): () => void {
  add(-leaderPid);
  return () => drop(-leaderPid);
}

/** Kills a process that was stopped at two looks in succession. The state follows the last bracket: the name may hold some, too. */
const STOPPED_SCRIPT = `
was=
while sleep "$2"; do
  read -r line <"/proc/$1/stat" || exit
  case \${line##*) } in
    T*) [ -z "$was" ] || kill -s KILL "$1"; was=stopped ;;
    *) was= ;;
  esac
done`;

/**
 * Ends this process where it is stopped (SIGSTOP) and nobody can continue or kill it, because its parent is on another machine. Only Linux
 * shows who is stopped.
 * @param lookEverySec it ends within twice this time
 */
export function endWhenStopped(lookEverySec: number): void {
  if (process.platform !== 'linux') return;
  const words = ['-c', STOPPED_SCRIPT, 'sh', String(process.pid), String(lookEverySec)];
  const guard = spawn('sh', words, { detached: true, stdio: 'ignore' });
  guard.on('error', () => {}); // no sh: then nothing does
  guard.unref();
  if (guard.pid !== undefined) watchOverGroup(guard.pid);
}
