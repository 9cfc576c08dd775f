// A neighbour for studies of noise: uses a fifth of a core in bursts of 20 ms, until its parent ends.
import { obeyParentOnly } from '../../servers/process.ts';

const BUSY_MS = 20;
const IDLE_MS = 80;

function work(): void {
  const endMs = performance.now() + BUSY_MS;
  while (performance.now() < endMs);
  setTimeout(work, IDLE_MS);
}

obeyParentOnly(() => process.exit(0));
work();
