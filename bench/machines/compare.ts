// Compares the code of a run's machines: figures of different programs are not those of one.
import type { Identity } from './protocol.ts';

export interface NamedIdentity {
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

/** Major and minor version: a patch changes no feature. */
function releaseOf({ host }: Identity): string {
  return host.node.split('.').slice(0, 2).join('.');
}
