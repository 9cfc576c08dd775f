// In: a run. Out: how it is named, in a sentence and among facts: by its commit, and by when it was.
import type { RunSummary } from '../results/run-summary.ts';
import type { Fact } from './model.ts';

/** `3f9c1d2a7b6e with uncommitted changes`. */
export function commitText({ commit, isDirty }: NonNullable<RunSummary['git']>): string {
  return `${commit.slice(0, 12)}${isDirty ? ' with uncommitted changes' : ''}`;
}

/** By its commit, or where that is not known by its id. */
export function runText({ git, runId }: Pick<RunSummary, 'git' | 'runId'>): string {
  return git === null ? runId : `commit ${commitText(git)}`;
}

/** `2026-11-23 12:25 UTC`. */
export function timeText(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}

/** `2026-11-23`, in UTC. */
export function dayText(iso: string): string {
  return iso.slice(0, 10);
}

/** Which conntax measured, and in which state of the folder that it ran in. */
export function versionFacts({ conntax, git }: Pick<RunSummary, 'conntax' | 'git'>): Fact[] {
  return [
    { label: 'conntax', value: conntax },
    ...(git === null ? [] : [{ label: 'Commit of the folder it ran in', value: commitText(git) }]),
  ];
}
