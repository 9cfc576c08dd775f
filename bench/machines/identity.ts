// What this machine is and whose code it runs, and whether the machines of a run have the same: figures of different programs are not
// those of one.
import { createHash } from 'node:crypto';
import { globSync, readFileSync, readlinkSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROTOCOL_VERSION } from '../../servers/protocol.ts';
import { describeGit, describeHost, packageVersion } from '../probes/host.ts';
import type { Identity } from './channel.ts';

/** The root of a checkout, or of the compiled package. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXTENSION = extname(import.meta.url);

/** Packages that send the load or record it. */
const LIBRARIES = ['undici', 'cockatiel', 'hdr-histogram-js'] as const;

export async function describeIdentity(conntax: string): Promise<Identity> {
  return {
    protocol: PROTOCOL_VERSION,
    conntax,
    codeDigest: digestCode(),
    // A package that is installed lies in a repository of someone else.
    git: EXTENSION === '.ts' ? await describeGit(ROOT) : null,
    libraries: Object.fromEntries(LIBRARIES.map(name => [name, packageVersion(name)])),
    host: await describeHost(),
    bootId: readOrNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    network: readOrNull(() => readlinkSync('/proc/self/ns/net')),
  };
}

/** Digest of all code that a generator may load; tests are not part of it. */
function digestCode(): string {
  const hash = createHash('sha256');
  const files = globSync(`{bench,results,scenarios,servers}/**/*${EXTENSION}`, {
    cwd: ROOT,
    exclude: ['**/*.test.ts', '**/*.d.ts', '**/testing/**'],
  }).sort();
  for (const file of files) hash.update(file).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex').slice(0, 16);
}

/** SHA-256 of a file; null: it cannot be read. */
export function digestFile(path: string): string | null {
  return readOrNull(() => createHash('sha256').update(readFileSync(path)).digest('hex'));
}

function readOrNull<Result>(read: () => Result): Result | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/** Identifies a machine and its network: two with the same one have the same kernel counters, and the same 127.0.0.1. */
export function placeOf({ bootId, network, host }: Pick<Identity, 'bootId' | 'network' | 'host'>): string {
  return bootId === null || network === null ? `host ${host.hostname}` : `${bootId} ${network}`;
}

interface NamedIdentity {
  name: string;
  identity: Identity;
}

/**
 * Why machines cannot measure together. Differences in hardware are left to the report.
 * @param own of the run, whose code plans and judges
 */
export function refuseOtherCode(own: Identity, machines: readonly NamedIdentity[]): string[] {
  return machines.flatMap(machine => codeRefusals(own, machine));
}

function codeRefusals(own: Identity, { name, identity }: NamedIdentity): string[] {
  const refuse = (what: string, theirs: string, ours: string): string =>
    `machine ${name} has ${what} ${theirs}, and the run has ${ours}; expected: the same on both, or their figures are those of different programs`;
  if (identity.protocol !== own.protocol) {
    return [refuse('conntax with protocol version', String(identity.protocol), String(own.protocol))];
  }
  const code =
    identity.conntax === own.conntax && identity.codeDigest === own.codeDigest
      ? []
      : [refuse('conntax', describeCode(identity), describeCode(own))];
  const libraries = Object.entries(own.libraries).flatMap(([library, version]) => {
    const theirs = identity.libraries[library] ?? 'unknown';
    return theirs === version ? [] : [refuse(library, theirs, version)];
  });
  const node =
    releaseOf(identity) === releaseOf(own) ? [] : [refuse('Node', identity.host.node, own.host.node)];
  return [...code, ...libraries, ...node];
}

function describeCode({ conntax, codeDigest, git }: Identity): string {
  const commit =
    git === null ? '' : `, commit ${git.commit.slice(0, 10)}${git.isDirty ? ' and changes' : ''}`;
  return `${conntax} (code ${codeDigest}${commit})`;
}

/** Major and minor version: patches do not change features. */
function releaseOf({ host }: Identity): string {
  return host.node.split('.').slice(0, 2).join('.');
}
