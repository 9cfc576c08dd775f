// Checks whether a test has the tool or the privilege that it needs, or why it is skipped.
import { spawnSync } from 'node:child_process';

/** The least that a tool is asked to do; all of util-linux, which a machine may lack or not permit. */
const TRIALS = {
  prlimit: ['prlimit', '--nofile=100:100', 'true'],
  script: ['script', '--quiet', '--return', '--command', 'true', '/dev/null'],
  tmux: ['tmux', '-V'],
  unshare: ['unshare', '--net', 'true'],
  'bring up a network': ['unshare', '--net', 'ip', 'link', 'set', 'lo', 'up'],
  mount: ['unshare', '--mount', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/mnt'],
} as const;

/** For the `skip` of a test. */
export function reasonNotTo(act: keyof typeof TRIALS): string | false {
  const [command, ...args] = TRIALS[act];
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return false;
  return `not possible here: ${[command, ...args].join(' ')}: ${error?.message ?? stderr.trim()}`;
}
