// A port on which no connection is ever established: its accept queue is full, so the kernel drops every SYN.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

/** The shortest queue that Node can ask for. The kernel completes one connection more. */
const BACKLOG = 1;

/** Only a thread can listen and accept nothing, because Node accepts whenever its event loop turns. */
const STUCK_LISTENER = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ host: '127.0.0.1', port: 0, backlog: ${BACKLOG} }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

export interface DeafPort {
  /** On 127.0.0.1. */
  readonly port: number;
  close(): Promise<void>;
}

export async function openDeafPort(): Promise<DeafPort> {
  const worker = new Worker(STUCK_LISTENER, { eval: true });
  const [port] = (await once(worker, 'message')) as [number];
  const fillers: Socket[] = [];
  for (let waiting = 0; waiting <= BACKLOG; waiting++) {
    const filler = connect(port, '127.0.0.1').on('error', () => {});
    fillers.push(filler);
    await once(filler, 'connect');
  }
  return {
    port,
    async close() {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
    },
  };
}
