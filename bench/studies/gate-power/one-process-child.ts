// In: two clients. Out: replicates of their comparison, with both in this process, in turns.
import { overall, type Portion } from '../../../results/metrics.ts';
import { createRandom } from '../../../results/random.ts';
import type { Client } from '../../../scenarios/model/client.ts';
import { Load } from '../../../scenarios/model/load.ts';
import { readProcess } from '../../../servers/process.ts';
import { userModules } from '../../clients/index.ts';
import type { LoadLoop } from '../../contracts.ts';
import { createRecorder, type Recorder } from '../../load/recorder.ts';
import { createLoop } from '../../run/generator-child.ts';
import type { Replicate } from './observations.ts';
import type { OneProcessCommand, OneProcessReply } from './one-process-protocol.ts';

const SLICE_MS = 100;
const TIMES = { rampMs: 10, windowMs: SLICE_MS, drainMs: 1_000, isRecorded: true, originMs: 0 };

interface Side {
  loop: LoadLoop;
  recorder: Recorder;
}

interface Slice {
  /** Good answers per second. */
  rate: Portion;
  /** CPU time per request, µs. */
  cpu: Portion;
}

async function openSide(
  client: Client,
  { endpoint, concurrency }: Extract<OneProcessCommand, { type: 'prepare' }>,
): Promise<Side> {
  const loading = await (await userModules()).loadUserModule(client.modulePath!);
  if (!loading.isLoaded) throw new Error(`${client.transport} ${loading.message}`);
  const recorder = createRecorder();
  const { addConnection: onConnection } = recorder;
  const transport = loading.module.open({ client, endpoint, hasPhases: true, onConnection });
  await transport.ready;
  const load = Load.parse({ concurrency });
  const random = createRandom(1, client.transport);
  return { recorder, loop: createLoop({ load, totalMs: undefined, transport, recorder, random }) };
}

async function slice({ loop, recorder }: Side): Promise<Slice> {
  const before = readProcess();
  const { ended } = recorder;
  const { openAtMs, closeAtMs } = await loop.runSlice(TIMES);
  const after = readProcess();
  return {
    rate: { amount: recorder.windowCounts().completed * 1_000, per: closeAtMs - openAtMs },
    cpu: { amount: after.cpuUs - before.cpuUs, per: recorder.ended - ended },
  };
}

async function measure([before, after]: readonly [Side, Side], measureMs: number): Promise<Replicate> {
  const blocks: { before: Slice; after: Slice }[] = [];
  for (let block = 0; block < measureMs / SLICE_MS; block++) {
    if (block % 2 === 0) blocks.push({ before: await slice(before), after: await slice(after) });
    else blocks.push({ after: await slice(after), before: await slice(before) });
  }
  const figure = (side: 'before' | 'after', of: keyof Slice): number =>
    overall(blocks.map(block => block[side][of]))!;
  const logRatio = (of: keyof Slice): number => Math.log(figure('after', of) / figure('before', of));
  return {
    logRate: logRatio('rate'),
    logCpu: logRatio('cpu'),
    ratePerSecBefore: figure('before', 'rate'),
    ratePerSecAfter: figure('after', 'rate'),
    connectionsPer1kBefore: connectionsPer1k(before),
    connectionsPer1kAfter: connectionsPer1k(after),
  };
}

function connectionsPer1k({ recorder, loop }: Side): number {
  return (recorder.opened / loop.sent) * 1_000;
}

let sides: readonly [Side, Side];

async function obey(command: OneProcessCommand): Promise<OneProcessReply> {
  if (command.type === 'measure')
    return { type: 'replicate', replicate: await measure(sides, command.measureMs) };
  const [before, after] = command.clients;
  sides = [await openSide(before, command), await openSide(after, command)];
  return { type: 'ready' };
}

// Ctrl-C reaches the whole process group; the parent decides when it ends.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit());
process.on('message', async (command: OneProcessCommand) => {
  const reply = await obey(command).catch(
    (error: unknown): OneProcessReply => ({ type: 'failed', message: String(error) }),
  );
  process.send?.(reply);
});
