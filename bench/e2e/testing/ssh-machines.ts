// "Machines" for a test: network namespaces with an sshd in each, keys that are thrown away, and a network between them.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchOver } from '../../watchdog.ts';
import { CONNTAX, type Scope } from './cli.ts';
import { type Found, findAllProcesses, MARK } from './processes.ts';

const SSHD = '/usr/sbin/sshd';
/** On each machine: a file system that is too small for anything. */
const NO_ROOM = '/run/no-room';
/** Of an address range that no network of the host can see: it exists inside of the namespaces only. */
const NETWORK = '10.213.77';

export interface SshMachine {
  name: string;
  address: string;
  /** Of its sshd. */
  pid: number;
  /** What stands before a command that is to run in its network, without ssh. */
  inside: readonly string[];
  /** Reaches an agent on it from the network of the run, as a user types it. */
  command: string;
  /** The same where the agent and its processes find no room for temporary files. */
  commandWithoutDisk: string;
}

export interface SshMachines {
  /** What stands before a command that is to run in the network of the run. */
  inside: readonly string[];
  machines: readonly SshMachine[];
}

/** For the `skip` of a test. */
export function reasonWithoutSshMachines(): string | false {
  for (const [program, debianPackage] of [
    [SSHD, 'openssh-server'],
    ['ssh', 'openssh-client'],
  ] as const) {
    if (spawnSync(program, ['-V']).error !== undefined) {
      if (process.env['CI'] !== undefined) return false; // it installs them, so it has to fail
      return `${program} is not installed here: apt-get install --no-install-recommends ${debianPackage}`;
    }
  }
  const tryOut = [
    'unshare',
    '--net',
    '--mount',
    '--uts',
    'sh',
    '-c',
    'ip link add one type veth && hostname one',
  ];
  const { status, stderr } = spawnSync(tryOut[0]!, tryOut.slice(1), { encoding: 'utf8' });
  return status === 0 ? false : `namespaces are not permitted here: ${stderr.trim()}`;
}

export interface SshMachinesOptions {
  names: readonly string[];
}

/** Starts them; they end, and their files go, with the scope. */
export async function openSshMachines(t: Scope, { names }: SshMachinesOptions): Promise<SshMachines> {
  const dir = mkdtempSync(join(tmpdir(), 'conntax-ssh-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  for (const key of ['host', 'user']) {
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', key, '-f', join(dir, key)]);
  }
  writeServerConfig(dir);
  const hub = await startIn(t, {
    script: `ip link add hub type bridge && ip addr add ${NETWORK}.1/24 dev hub && ip link set hub up && echo ready && exec sleep infinity`,
    ready: /ready/,
  });
  const inside = insideOf(hub);
  const machines = await Promise.all(
    names.map(async (name, index) => {
      const sshd = await startIn(t, {
        // sshd wants a folder that the system's own has under /run, which this namespace has for itself.
        script: `hostname ${name} && mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd ${NO_ROOM} && mount -t tmpfs -o size=64k tmpfs ${NO_ROOM} && exec ${SSHD} -D -e -f ${dir}/sshd_config`,
        ready: /Server listening/,
      });
      const address = `${NETWORK}.${index + 11}`;
      const own = insideOf(sshd);
      execute([
        ...inside,
        'ip',
        'link',
        'add',
        `to${index}`,
        'type',
        'veth',
        'peer',
        'eth0',
        'netns',
        String(sshd),
      ]);
      execute([...inside, 'ip', 'link', 'set', `to${index}`, 'master', 'hub', 'up']);
      execute([...own, 'ip', 'addr', 'add', `${address}/24`, 'dev', 'eth0']);
      execute([...own, 'ip', 'link', 'set', 'eth0', 'up']);
      const ssh = `ssh -F ${dir}/ssh_config ${name}`;
      const agent = `exec ${CONNTAX.join(' ')} agent`;
      return {
        name,
        address,
        pid: sshd,
        inside: own,
        command: `${ssh} '${agent}'`,
        commandWithoutDisk: `${ssh} 'TMPDIR=${NO_ROOM} ${agent}'`,
      };
    }),
  );
  writeClientConfig(dir, machines);
  return { inside, machines };
}

/** What runs in the network of a machine, except its sshd. */
export function processesInside(machine: SshMachine): Found[] {
  return findAllProcesses().filter(({ pid }) => pid !== machine.pid && isInside(pid, machine));
}

/** Whether a process runs in the network of a machine. */
export function isInside(pid: number, machine: SshMachine): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync(`/proc/${machine.pid}/ns/net`);
  } catch {
    return false; // it has ended
  }
}

function execute([program, ...args]: readonly string[]): void {
  execFileSync(program!, args, { stdio: 'pipe' });
}

/** The network of a process. */
function insideOf(pid: number): string[] {
  return ['nsenter', '--target', String(pid), '--net'];
}

/** Starts a script in namespaces of its own; resolves with its process id when it has said that it is ready. */
async function startIn(t: Scope, { script, ready }: { script: string; ready: RegExp }): Promise<number> {
  const options = ['--net', '--mount', '--uts', 'sh', '-c', `ip link set lo up && ${script}`];
  const child = spawn('unshare', options, { stdio: ['ignore', 'pipe', 'pipe'] });
  watchOver(child);
  t.after(() => end(child));
  let said = '';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (ready.test(said)) resolve();
    });
  }
  child.once('error', reject);
  child.once('close', () => reject(new Error(`it ended before it was ready:\n${said}`)));
  await promise;
  return child.pid!;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise(resolve => child.once('close', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** Nothing of the system's own configuration is read, and nothing is written outside of the folder. */
function writeServerConfig(dir: string): void {
  writeFileSync(join(dir, 'authorized_keys'), readFileSync(join(dir, 'user.pub')));
  const lines = [
    'Port 22',
    'ListenAddress 0.0.0.0',
    `HostKey ${dir}/host`,
    `AuthorizedKeysFile ${dir}/authorized_keys`,
    'PidFile none',
    'StrictModes no', // the folder is in one that all may write to
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'PrintMotd no',
    'PrintLastLog no',
    `AcceptEnv ${MARK}`,
  ];
  writeFileSync(join(dir, 'sshd_config'), `${lines.join('\n')}\n`);
}

function writeClientConfig(dir: string, machines: readonly SshMachine[]): void {
  const hostKey = readFileSync(join(dir, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
  writeFileSync(join(dir, 'known_hosts'), machines.map(({ address }) => `${address} ${hostKey}\n`).join(''));
  const hosts = machines.map(({ name, address }) => `Host ${name}\n  HostName ${address}\n`);
  const all = [
    'Host *',
    '  User root',
    `  IdentityFile ${dir}/user`,
    '  IdentitiesOnly yes',
    `  UserKnownHostsFile ${dir}/known_hosts`,
    '  StrictHostKeyChecking yes',
    '  BatchMode yes',
    '  ServerAliveInterval 5',
    '  ServerAliveCountMax 2',
    '  LogLevel ERROR',
    `  SendEnv ${MARK}`,
  ];
  writeFileSync(join(dir, 'ssh_config'), `${hosts.join('')}${all.join('\n')}\n`);
}
