// The generator process: runs one arm's load on commands from the parent, and reports what was recorded.

import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { foreignStack, MeasureError } from '../../results/errors.ts';
import type { Trial } from '../../results/model/trial.ts';
import { createDraw, createRandom, type Random } from '../../results/random.ts';
import type { Client } from '../../scenarios/model/client.ts';
import { closesAfterResponse } from '../../scenarios/model/facts.ts';
import type { Load } from '../../scenarios/model/load.ts';
import { keepCompiledCode, obeyParentOnly, readProcess } from '../../servers/process.ts';
import { type Endpoint, PROTOCOL_VERSION } from '../../servers/protocol.ts';
import { transports, userModules } from '../clients/index.ts';
import { proxySecrets } from '../clients/proxy.ts';
import { redact, requestsTo, secretsOf } from '../clients/request.ts';
import type {
  ClientPlugin,
  Engine,
  LoadLoop,
  PreparedRequests,
  SliceTimes,
  Transport,
  Window,
} from '../contracts.ts';
import { createClosedLoad } from '../load/closed.ts';
import { AttemptFold, Pauses } from '../load/folds.ts';
import { burstSchedule, createOpenLoad, rateSchedule, type Schedule } from '../load/open.ts';
import { Recorder } from '../load/recorder.ts';
import type { SliceLoopOptions } from '../load/slice-loop.ts';
import { isAbsorbed, monotonicMs } from '../machines/clock.ts';
import { HeldSampler } from '../probes/held.ts';
import type {
  GeneratorCommand,
  GeneratorReading,
  GeneratorReply,
  SliceClock,
  SliceOrder,
  SliceReading,
} from '../protocol.ts';
import { reachAsChecked } from './reach.ts';

interface LoopOptions extends SliceLoopOptions {
  load: Load;
  random: Random;
}

function createLoop({ load, random, ...shared }: LoopOptions): LoadLoop {
  if (load.model === 'closed') return createClosedLoad({ ...shared, ...load, random });
  const { maxInFlight } = load;
  return createOpenLoad({ ...shared, maxInFlight, scheduleOf: times => scheduleOf(load, times, random) });
}

function scheduleOf(
  load: Exclude<Load, { model: 'closed' }>,
  { ratePerSec, offsetMs }: SliceTimes,
  random: Random,
): Schedule {
  switch (load.model) {
    case 'open':
      return rateSchedule(load.arrivals, load.ratePerSec, random, offsetMs);
    case 'burst':
      return burstSchedule(load);
    case 'capacity':
      if (ratePerSec === undefined) throw new Error('a slice of a capacity search needs a rate');
      return rateSchedule(load.arrivals, ratePerSec, random, offsetMs);
    default:
      return load satisfies never;
  }
}

let generator: Generator | undefined;
/** Values that no message may contain. */
let secrets: readonly string[] = [];

/** The source of an arm's exchanges. */
interface Source {
  loop: LoadLoop;
  /** A client library, or */
  transport?: Transport;
  /** a load tool, which is the loop as well. */
  engine?: Engine;
  countsConnections: boolean;
  caveats: readonly string[];
  /** Absent where each exchange is one attempt. */
  attempts?: AttemptFold | undefined;
  /** Absent where its connections are not kept from slice to slice, or not known. */
  pauses?: Pauses;
}

/** Runs the slices of an arm, and reports what was recorded and what its source has counted itself. */
class Generator {
  readonly #source: Source;
  readonly #recorder: Recorder;
  readonly #requests: PreparedRequests;
  readonly #origins: NonNullable<Endpoint['origins']>;
  #isCut = false;

  constructor(source: Source, recorder: Recorder, requests: PreparedRequests, { origins = [] }: Endpoint) {
    this.#source = source;
    this.#recorder = recorder;
    this.#requests = requests;
    this.#origins = origins;
  }

  get dropsInFlight(): boolean {
    return this.#source.engine?.dropsInFlight ?? false;
  }

  /** Whether some of the users may rest in a slice; a load tool has its own. */
  get hasUsers(): boolean {
    return this.#source.engine === undefined;
  }

  async slice({ epochMs, clock, heldEveryMs, ...order }: SliceOrder): Promise<SliceReading> {
    const { loop, engine, countsConnections, pauses } = this.#source;
    const recorder = this.#recorder;
    this.#isCut = false;
    if (clock !== undefined) await waitUntil(clock.startAtMs);
    pauses?.end();
    const before = readProcess();
    const { ended, opened } = recorder;
    const givenUp = givenUpBy(loop);
    const originMs = clock === undefined ? epochMs - performance.timeOrigin : originOf(clock);
    const isSampled = heldEveryMs !== undefined && engine === undefined;
    const sampler = isSampled ? new HeldSampler(loop, { everyMs: heldEveryMs, originMs }) : undefined;
    const running = loop.runSlice({ ...order, originMs, ...beginning(order, clock) });
    if (this.#isCut) loop.cut(); // while it waited for its start
    const window = await running;
    const held = sampler?.finish();
    if (givenUpBy(loop) > givenUp) await settle(recorder);
    pauses?.begin();
    return {
      atMs: Math.max(0, window.openAtMs - originMs),
      windowMs: lengthMs(window),
      ...recorder.windowCounts(),
      exchanges: recorder.ended - ended,
      opened: countsConnections ? recorder.opened - opened : null,
      ...(loop.schedule === undefined ? {} : { schedule: loop.schedule.window() }),
      ...(held === undefined ? {} : { held }),
      before,
      after: readProcess(),
      ...engine?.lastSlice,
    };
  }

  cut(): void {
    this.#isCut = true;
    this.#source.loop.cut();
  }

  async finish(): Promise<GeneratorReading> {
    const { loop, transport, engine, countsConnections, attempts, pauses, caveats } = this.#source;
    const leftOpen = transport?.openConnections() ?? null;
    await (transport ?? engine)?.close();
    const fault = transport?.closing?.();
    const recorded = this.#recorder.finish();
    return {
      ...recorded,
      requests: recorded.requests.map((figures, index) => ({
        name: this.#requests[index]!.name,
        sent: loop.sentByRequest?.[index] ?? 0,
        ...figures,
      })),
      sent: loop.sent,
      unfinished: loop.unfinished,
      ...(attempts === undefined ? {} : { attempts: attempts.counts() }),
      opened: countsConnections ? this.#recorder.opened : null,
      openedElsewhere: transport?.openedElsewhere?.() ?? 0,
      origins: this.#countByOrigin(),
      ...(pauses === undefined ? {} : { pauses: pauses.counts() }),
      leftOpen,
      pool: engine === undefined ? null : { ...engine.pool },
      ...(loop.schedule?.finish() ?? { arrivals: null, lateness: null }),
      ...(fault === undefined ? {} : { closing: fault }),
      caveats: [...caveats, ...(transport?.remarks?.() ?? [])],
    };
  }

  /** What was sent to each of several origins, and opened. */
  #countByOrigin(): GeneratorReading['origins'] {
    const { sentByRequest = [] } = this.#source.loop;
    return this.#origins.map(({ origin }, index) => ({
      sent: sentByRequest
        .filter((_, request) => this.#requests[request]!.origin === origin)
        .reduce((sum, sent) => sum + sent, 0),
      opened: this.#recorder.openedTo(index),
    }));
  }
}

/** Timers have a granularity of 1 ms, so the last of it is waited for in turns of the event loop. */
const TIMER_MS = 2;

async function waitUntil(startAtMs: number): Promise<void> {
  const leftMs = startAtMs - monotonicMs();
  if (leftMs > TIMER_MS) await delay(leftMs - TIMER_MS);
  while (monotonicMs() < startAtMs) await nextTurn();
}

/** A slice with a start beside others begins then on the time axis of this process, even if it was woken up a little late. */
function beginning({ rampMs }: Pick<SliceOrder, 'rampMs'>, clock?: SliceClock): { startAtMs?: number } {
  const lateMs = clock === undefined ? Infinity : monotonicMs() - clock.startAtMs;
  return isAbsorbed(lateMs, rampMs) ? { startAtMs: performance.now() - lateMs } : {};
}

/** The epoch on the time axis of this process. */
function originOf({ epochMs }: SliceClock): number {
  return epochMs - (monotonicMs() - performance.now());
}

function givenUpBy({ unfinished, expired = 0 }: LoadLoop): number {
  return unfinished + expired;
}

const SETTLE = { pauseMs: 50, tries: 40 } as const;

/**
 * The client may still open a connection for an abandoned request that was waiting for one, only to close it again. That cost
 * belongs to this arm, so the slice ends only when no more connections are opened.
 */
async function settle(recorder: Recorder): Promise<void> {
  for (let i = 0; i < SETTLE.tries; i++) {
    const { opened } = recorder;
    await delay(SETTLE.pauseMs);
    if (recorder.opened === opened) return;
  }
}

/** Rounded to the nanosecond, so that windows of the same length compare equal; 0 for a window that was cut before it opened. */
function lengthMs({ openAtMs, closeAtMs }: Window): number {
  return Math.max(0, Number((closeAtMs - openAtMs).toFixed(6)));
}

async function loadPlugin({ transport: name, modulePath }: Client): Promise<ClientPlugin> {
  if (modulePath !== undefined) {
    const loading = await (await userModules()).loadUserModule(modulePath);
    if (!loading.isLoaded) throw new Error(`${name} ${loading.message}`);
    return loading.module;
  }
  if (!Object.hasOwn(transports, name)) throw new Error(`unknown transport "${name}"`);
  return (await transports[name as keyof typeof transports]()).default;
}

/** A client library sends when the load model says so; a load tool has its own loop. */
async function openSource(
  plugin: ClientPlugin,
  trial: Trial,
  endpoint: Endpoint,
  recorder: Recorder,
  requests: PreparedRequests,
): Promise<Source> {
  const { client, load, phases: hasPhases } = trial;
  const caveats = plugin.caveats ?? [];
  if (plugin.kind === 'engine') {
    if (load.model !== 'closed') throw new Error(`${client.transport} does not support ${load.model} load`);
    const engine = plugin.open({ client, load, endpoint, requests, sink: recorder });
    return { loop: engine, engine, countsConnections: plugin.countsConnections, caveats };
  }
  const attempts = createAttempts(trial);
  const library = plugin.open({
    client,
    endpoint,
    requests,
    hasPhases,
    onConnection: recorder.addConnection,
    ...(attempts === undefined ? {} : { attempts }),
  });
  await library.ready;
  const transport = await withPolicies(library, trial, attempts);
  const random = createRandom(trial.seed, 'load');
  const { totalMs } = client.timeouts;
  return {
    loop: createLoop({ load, totalMs, transport, recorder, random, draw: createDraw(requests) }),
    transport,
    countsConnections: true,
    caveats,
    attempts,
    ...(keepsConnections(trial) ? { pauses: new Pauses(() => transport.openConnections()) } : {}),
  };
}

/** Where a request may be sent several times, or not at all. */
function createAttempts({ client, target }: Trial): AttemptFold | undefined {
  const { interceptors, resilience } = client;
  const isOncePerRequest = interceptors === undefined && resilience === undefined;
  return isOncePerRequest ? undefined : new AttemptFold(target.expectStatus);
}

/** The policies' library is loaded only by the generators of clients that ask for one. */
async function withPolicies(
  transport: Transport,
  { client: { resilience, interceptors }, target: { expectStatus } }: Trial,
  attempts: AttemptFold | undefined,
): Promise<Transport> {
  if (resilience === undefined || attempts === undefined) return transport;
  const { createResilient } = await import('../clients/resilience.ts');
  // Interceptors stand below the policies, and count what is really sent.
  const judge = interceptors === undefined ? attempts : new AttemptFold(expectStatus);
  return createResilient(transport, resilience, judge);
}

/** Whether connections are meant to outlast a slice. */
function keepsConnections({ client, target }: Trial): boolean {
  return (
    client.requestsPerConnection === 'unlimited' &&
    !closesAfterResponse(target) &&
    !target.maxRequestsPerSocket
  );
}

async function prepare({ trial, endpoint }: Extract<GeneratorCommand, { type: 'prepare' }>): Promise<void> {
  reachAsChecked(endpoint);
  const requests = requestsTo(endpoint, trial, process.env);
  secrets = [...proxySecrets(endpoint.proxyUrl), ...secretsOf(requests)];
  const recorder = new Recorder({
    hasPhases: trial.phases,
    redact: text => redact(text, secrets),
    expectStatus: trial.target.expectStatus,
    requestCount: requests.length,
  });
  const plugin = await loadPlugin(trial.client);
  const source = await openSource(plugin, trial, endpoint, recorder, requests);
  generator = new Generator(source, recorder, requests, endpoint);
}

const MAX_STACK_CHARS = 4_000;

function reply(message: GeneratorReply): void {
  process.send?.(message);
}

async function runSlice(running: Generator, order: SliceOrder): Promise<SliceReading> {
  const { profilePath } = order;
  if (profilePath === undefined) return running.slice(order);
  const { startProfile } = await import('../../servers/profile.ts');
  const profile = await startProfile();
  const reading = await running.slice(order);
  await profile.save(profilePath);
  return reading;
}

async function obey(command: GeneratorCommand): Promise<void> {
  if (command.type === 'prepare') {
    await prepare(command);
    keepCompiledCode();
    const { dropsInFlight, hasUsers } = generator!;
    reply({ type: 'ready', protocol: PROTOCOL_VERSION, dropsInFlight, hasUsers });
    return;
  }
  if (generator === undefined) throw new Error(`"${command.type}" before "prepare"`);
  switch (command.type) {
    case 'slice':
      reply({ type: 'slice', reading: await runSlice(generator, command.order) });
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

obeyParentOnly(() => process.exit(0));
process.on('message', (command: GeneratorCommand) => {
  obey(command).catch((error: unknown) => {
    reply({
      type: 'failed',
      message: redact(
        error instanceof MeasureError ? error.message : foreignStack(error, MAX_STACK_CHARS),
        secrets,
      ),
    });
  });
});
