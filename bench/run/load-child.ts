// In: commands from the parent. Out: one arm's load, and what was recorded of it. A generator process of its own.
import type { Transport } from '../core/contracts.ts';
import type {
  GeneratorCommand,
  GeneratorReading,
  GeneratorReply,
  SliceOrder,
  SliceReading,
} from '../core/protocol.ts';
import { createRandom } from '../core/random.ts';
import { type ClosedLoad, createClosedLoad } from '../load/closed.ts';
import { createRecorder, type Recorder } from '../load/recorder.ts';
import { readProcess } from '../probes/process.ts';
import { transports } from '../registry.ts';

interface Generator {
  slice(order: SliceOrder): Promise<SliceReading>;
  cut(): void;
  finish(): Promise<GeneratorReading>;
}

let generator: Generator | undefined;

function createGenerator(load: ClosedLoad, recorder: Recorder, transport: Transport): Generator {
  return {
    async slice({ epochMs, ...order }) {
      const before = readProcess();
      const { ended, opened } = recorder;
      const originMs = epochMs - performance.timeOrigin;
      const window = await load.runSlice({ ...order, originMs });
      return {
        atMs: Math.max(0, window.openAtMs - originMs),
        windowMs: Math.max(0, window.closeAtMs - window.openAtMs),
        ...recorder.windowCounts(),
        exchanges: recorder.ended - ended,
        opened: recorder.opened - opened,
        before,
        after: readProcess(),
      };
    },
    cut: () => load.cut(),
    async finish() {
      await transport.close();
      return { ...recorder.finish(), sent: load.sent, unfinished: load.unfinished };
    },
  };
}

async function prepare({ trial, endpoint }: Extract<GeneratorCommand, { type: 'prepare' }>): Promise<void> {
  const name = trial.client.transport;
  if (!Object.hasOwn(transports, name)) throw new Error(`unknown transport "${name}"`);
  const { default: module } = await transports[name as keyof typeof transports]();
  const recorder = createRecorder();
  const transport = module.open({ client: trial.client, endpoint, onConnection: recorder.addConnection });
  const load = createClosedLoad({
    concurrency: trial.load.concurrency,
    thinkMs: trial.load.thinkMs,
    totalMs: trial.client.timeouts.totalMs,
    transport,
    recorder,
    random: createRandom(trial.seed, 'load'),
  });
  generator = createGenerator(load, recorder, transport);
}

function reply(message: GeneratorReply): void {
  process.send?.(message);
}

async function obey(command: GeneratorCommand): Promise<void> {
  if (command.type === 'prepare') {
    await prepare(command);
    reply({ type: 'ready' });
    return;
  }
  if (generator === undefined) throw new Error(`"${command.type}" before "prepare"`);
  switch (command.type) {
    case 'slice':
      reply({ type: 'slice', reading: await generator.slice(command.order) });
      return;
    case 'cut':
      generator.cut();
      return;
    case 'finish':
      reply({ type: 'finished', reading: await generator.finish() });
      process.disconnect?.();
      return;
    default:
      throw new Error(`unknown command ${JSON.stringify(command satisfies never)}`);
  }
}

// Ctrl-C reaches the whole process group; the parent decides what becomes of the trial.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit());
process.on('message', (command: GeneratorCommand) => {
  obey(command).catch((error: unknown) => {
    reply({
      type: 'failed',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  });
});
