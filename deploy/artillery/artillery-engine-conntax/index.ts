// An engine of Artillery that sends by conntax's clients. They take turns by phase: `short #1`, `persistent #1`, `short #2` ...
import { type Embedded, type EmbeddedTurn, embed, type MetricSink, parsePhaseName } from 'conntax/embed';
import { runFlow } from './flow.ts';
import {
  dueIn,
  type EngineSettings,
  isPause,
  type Phase,
  readSettings,
  type ScenarioSpec,
  type Script,
} from './settings.ts';

/** The events of a worker's own runner. A phase starts before its first user arrives. */
interface Runner {
  on(event: 'phaseStarted' | 'phaseCompleted', listener: (phase: Phase) => void): unknown;
}

/** Where a worker's metrics go. */
interface ScenarioEvents {
  emit(event: 'started'): unknown;
  emit(event: 'error', code: string): unknown;
  emit(event: 'counter' | 'histogram', name: string, value: number): unknown;
}

/** Runs one user. */
type RunUser<Context> = (context: Context, callback: (error: Error | null, context: Context) => void) => void;

/** Artillery's own periods are 10 s; within a second it is known to which a count belongs. */
const REPORT_EVERY_MS = 1_000;

export default class ConntaxEngine {
  readonly #script: Script;
  #settings: EngineSettings | undefined;
  #embedded: Embedded | undefined;
  #turn: EmbeddedTurn | undefined;
  readonly #open = new Set<EmbeddedTurn>();
  #events: ScenarioEvents | undefined;
  /** What was reported before the first user arrived, when Artillery has no place for it yet. */
  readonly #early: ((events: ScenarioEvents) => void)[] = [];
  readonly #stated = new Set<string>();

  constructor(script: Script, runner: Runner) {
    this.#script = script;
    runner.on('phaseStarted', phase => this.#beginPhase(phase));
    runner.on('phaseCompleted', () => this.#turn?.close());
    setInterval(() => this.#report(), REPORT_EVERY_MS).unref();
  }

  /** Awaited before the first phase. */
  async init(): Promise<void> {
    try {
      this.#settings = readSettings(this.#script);
      const { scenario, allowedHosts } = this.#settings;
      this.#embedded = await embed(scenario, { file: 'config.engines.conntax', allowedHosts });
    } catch (error) {
      // Of what the constructor throws Artillery says that the engine could not be loaded, and goes on; for a worker that has rejected
      // this it waits 50 s, and then says nothing of it.
      setImmediate(() => {
        throw forReader(error);
      });
    }
  }

  createScenario<Context>(spec: ScenarioSpec, events: ScenarioEvents): RunUser<Context> {
    this.#events = events;
    for (const report of this.#early.splice(0)) report(events);
    const steps = this.#settings?.flows[(this.#script.scenarios ?? []).indexOf(spec)] ?? [];
    return (context, callback) => {
      events.emit('started');
      const turn = this.#turn;
      if (turn === undefined) {
        callback(new Error('a user arrived when it was no turn of a client'), context);
        return;
      }
      turn.enter();
      const send = async (request: number): Promise<void> => {
        const outcome = await turn.send(request);
        if (outcome !== 'ok') events.emit('error', outcome);
      };
      const leave = (error: Error | null): void => {
        turn.leave();
        callback(error, context);
      };
      turn.ready
        .then(() => runFlow(steps, { send, over: turn.over }))
        .then(
          () => leave(null),
          error => {
            events.emit('error', (error as Error).message);
            leave(error);
          },
        );
    };
  }

  #beginPhase(phase: Phase): void {
    const { name, worker = 1 } = phase;
    this.#turn?.close();
    this.#turn = undefined;
    const turn = parsePhaseName(name);
    const [settings, embedded] = [this.#settings, this.#embedded];
    if (turn === undefined || isPause(phase) || settings === undefined || embedded === undefined) return;
    for (const earlier of this.#open) earlier.overlap();
    const { warmUpMs, drainMs, requestsPerUser } = settings;
    // The first worker of a machine speaks for it.
    const isFirst = worker === 1;
    const { facts } = embedded;
    this.#state([...facts.ofWorker, ...(isFirst ? facts.ofMachine : [])]);
    const opened = embedded.openTurn({
      ...turn,
      warmUpMs,
      drainMs,
      due: dueIn(phase, requestsPerUser),
      readsKernel: isFirst,
      sink: this.#sink,
    });
    this.#turn = opened;
    this.#open.add(opened);
    const forget = (): void => {
      this.#open.delete(opened);
    };
    // Everything was reported before its connections were closed, well or not.
    opened.ended.then(forget, forget);
  }

  #state(facts: readonly string[]): void {
    for (const fact of facts.filter(name => !this.#stated.has(name))) {
      this.#stated.add(fact);
      this.#sink.counter(fact, 1);
    }
  }

  #report(): void {
    for (const turn of this.#open) turn.report();
  }

  readonly #sink: MetricSink = {
    counter: (name, value) => this.#emit(events => events.emit('counter', name, value)),
    histogram: (name, value) => this.#emit(events => events.emit('histogram', name, value)),
  };

  #emit(report: (events: ScenarioEvents) => void): void {
    if (this.#events === undefined) this.#early.push(report);
    else report(this.#events);
  }
}

/** What conntax and this engine raise on purpose. */
const EXPECTED_ERRORS = ['Error', 'UsageError', 'MeasureError'];

/** Artillery prints an error with its stack and members, in which the message gets lost. */
function forReader(error: unknown): unknown {
  if (!(error instanceof Error) || !EXPECTED_ERRORS.includes(error.name)) return error;
  // In a script, the option of conntax is a setting.
  const words = new Error(error.message.replaceAll(/--allow-host ([^\s,]+)/g, 'allowHosts: [$1]'));
  words.stack = words.message;
  return words;
}
