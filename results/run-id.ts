// In: a date and dice. Out: the name of a run, which sorts by time.
import type { Random } from './random.ts';

const RUN_ID = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ-[0-9a-z]{4}$/;
const SUFFIX_LENGTH = 4;

/** Such as `2026-11-23T12-25-52Z-k3f9`: UTC to the second, and a suffix that tells runs of one second apart. */
export function newRunId(date: Date, random: Random): string {
  const time = `${date.toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
  const suffix = Array.from({ length: SUFFIX_LENGTH }, () => Math.floor(random() * 36).toString(36)).join('');
  return `${time}-${suffix}`;
}

/** Whether a text is a run id; then it is also a safe name of a folder. */
export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}
