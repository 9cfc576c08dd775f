// Opens a load tool for one test, with the settings of an arm, and collects what it reports about its exchanges.
import type { z } from 'zod';
import { Client } from '../../../scenarios/model/client.ts';
import { ClosedLoad } from '../../../scenarios/model/load.ts';
import type { Endpoint } from '../../../servers/protocol.ts';
import type { Scope } from '../../../servers/testing/client.ts';
import { prepareRequests } from '../../clients/request.ts';
import type { Asked } from '../../clients/testing/subject.ts';
import type { Engine, EngineModule, SliceTimes, Window } from '../../contracts.ts';
import { Recorder } from '../../load/recorder.ts';
import { eventually } from '../../run/testing/processes.ts';

export interface EngineSubject {
  name: string;
  module: EngineModule;
}

interface OpenedEngine {
  engine: Engine;
  recorder: Recorder;
  /** A slice, by default of 20 ms ramp, 600 ms window and 2 s drain. */
  slice(times?: Partial<SliceTimes>): Promise<Window>;
  /** A slice that is cut as soon as this is true: how long a program takes to start depends on the machine. */
  sliceUntil(what: string, isTrue: () => boolean): Promise<Window>;
  /** sent = answered + failed + unfinished; throws otherwise. */
  account(): { sent: number; answered: number; failed: number; unfinished: number };
}

/** Where a program is missing, its tests are skipped on a developer's machine, and fail where everything must be there. */
export function skipMissing({ module }: EngineSubject): { skip?: string } {
  const obstacle = module.missing?.();
  if (obstacle === undefined || process.env['CI'] !== undefined) return {};
  return { skip: `${obstacle.message} (${obstacle.hint})` };
}

/** Opens the engine, and closes it after the test. */
export function openEngine(
  scope: Scope,
  { name, module }: EngineSubject,
  of: { endpoint: Endpoint; users: number; stated?: z.input<typeof Client> } & Asked,
): OpenedEngine {
  const { endpoint, users, stated = {} } = of;
  const recorder = new Recorder({ requestCount: of.requests?.length ?? 1 });
  const engine = module.open({
    client: Client.parse({ ...stated, transport: name }),
    load: ClosedLoad.parse({ concurrency: users }),
    endpoint,
    requests: prepareRequests(of, endpoint.path, {}),
    sink: recorder,
  });
  scope.after(() => engine.close());
  const slice = (times: Partial<SliceTimes> = {}): Promise<Window> =>
    engine.runSlice({
      rampMs: 20,
      windowMs: 600,
      drainMs: 2_000,
      isRecorded: true,
      originMs: performance.now(),
      ...times,
    });
  return {
    engine,
    recorder,
    slice,
    async sliceUntil(what, isTrue) {
      const running = slice({ windowMs: 60_000 });
      await eventually(what, isTrue);
      engine.cut();
      return running;
    },
    account() {
      const { answered, failed } = recorder.finish();
      const { sent, unfinished } = engine;
      if (sent !== answered + failed + unfinished) {
        throw new Error(`${sent} sent, ${answered} answered, ${failed} failed, ${unfinished} unfinished`);
      }
      return { sent, answered, failed, unfinished };
    },
  };
}
