// In: the arms of a cell. Out: by whom their connections were counted, in words, and the figure that may stand under the name.
import type { ArmSummary } from '../results/model/run.ts';
import type { ArmView, CellView } from './cell-view.ts';
import { countText } from './words/numbers.ts';

const OPENED: Record<ArmSummary['openedBy'], string> = {
  client: "by the client's count",
  kernel: "by the kernel's, of all programs on this machine",
  unknown: 'not known, since they cannot be seen',
};

const ACCEPTED: Record<ArmSummary['acceptedBy'], string> = {
  target: "by the target's",
  kernel: "by the kernel's, of all programs on this machine",
  kernelOpens: 'not known of a server on another machine',
};

/** Connections that the client opened; null where they can't be seen. */
export function openedOf({ opened, openedBy }: Pick<ArmSummary, 'opened' | 'openedBy'>): number | null {
  return openedBy === 'unknown' ? null : opened;
}

/** Connections that were accepted; null where nobody knows: what this machine opened is no count of the far end. */
export function acceptedOf({
  accepted,
  acceptedBy,
}: Pick<ArmSummary, 'accepted' | 'acceptedBy'>): number | null {
  return acceptedBy === 'kernelOpens' ? null : accepted;
}

/** `opened by the client's count, accepted by the target's`; where arms differ, with their names. */
export function countedByText({ arms }: Pick<CellView, 'arms'>): string {
  return `opened ${openedByText({ arms })}, accepted ${acceptedByText({ arms })}`;
}

/** What the kernel's counts hold besides: they are of all programs. */
export function countCaveats({ arms }: Pick<CellView, 'arms'>): string[] {
  const openers = namesWhere(arms, ({ openedBy }) => openedBy === 'kernel');
  const unseen = namesWhere(arms, ({ openedBy }) => openedBy === 'unknown');
  const elsewhere = arms.filter(({ summary }) => (summary?.openedElsewhere ?? 0) > 0);
  const isAccepting = namesWhere(arms, ({ acceptedBy }) => acceptedBy === 'kernel').length > 0;
  return [
    ...(openers.length === 0
      ? []
      : [
          `The client of ${openers.join(', ')} does not count its connections: what it opened is what the kernel says that all programs on this machine opened.`,
        ]),
    ...(unseen.length === 0
      ? []
      : [
          `The connections of ${unseen.join(', ')} can't be seen: their number is not known, and the ledger was not checked.`,
        ]),
    ...elsewhere.map(({ name, summary }) => {
      const { openedElsewhere, openedBy, opened } = summary!;
      const seen = openedBy === 'unknown' ? 'none' : countText(opened);
      return `${name} opened ${countText(openedElsewhere)} connections to other places than the target (another port or host, a proxy or a Unix socket) and ${seen} to it: only those to it are counted and checked.`;
    }),
    ...(isAccepting
      ? [
          'Accepted connections are those that the kernel counted for all programs on this machine: connections of other programs are among them, such as those of a proxy to its upstream.',
        ]
      : []),
  ];
}

export function openedByText({ arms }: Pick<CellView, 'arms'>): string {
  return sourceText(arms, OPENED, ({ openedBy }) => openedBy, 'client');
}

export function acceptedByText({ arms }: Pick<CellView, 'arms'>): string {
  const unknown = namesWhere(arms, ({ accepted }) => accepted === null);
  const known = sourceText(arms, ACCEPTED, ({ acceptedBy }) => acceptedBy, 'target');
  return `${known}${unknown.length === 0 ? '' : ` (not counted on this system: ${unknown.join(', ')})`}`;
}

function sourceText<Source extends string>(
  arms: readonly ArmView[],
  texts: Record<Source, string>,
  sourceOf: (summary: ArmSummary) => Source,
  usual: Source,
): string {
  const groups = Map.groupBy(
    arms.filter(({ summary }) => summary !== null),
    ({ summary }) => sourceOf(summary!),
  );
  const [only = usual, ...others] = groups.keys();
  if (others.length === 0) return texts[only];
  return [...groups]
    .map(([source, members]) => `${texts[source]} (${members.map(({ name }) => name).join(', ')})`)
    .join(' or ');
}

function namesWhere(arms: readonly ArmView[], is: (summary: ArmSummary) => boolean): string[] {
  return arms.filter(({ summary }) => summary !== null && is(summary)).map(({ name }) => name);
}
