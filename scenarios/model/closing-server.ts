// What makes a server end each of its connections after one response; without the schemas, for the processes that send load.
import type { Target } from './target.ts';

/** Whether the server ends each connection after its first response. */
export function closesAfterResponse({
  connectionClose,
  framing,
}: Pick<Target, 'connectionClose' | 'framing'>): boolean {
  return connectionClose === true || framing === 'close';
}
