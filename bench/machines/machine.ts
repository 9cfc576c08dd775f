// Another machine: starts the command that reaches its agent, knows its clock, and starts processes on it; and that of the server, whose
// counters it reads.
import { type ChildProcess, spawn } from 'node:child_process';
import { addAbortListener } from 'node:events';
import { MeasureError, UsageError } from '../../results/errors.ts';
import type { RunMachine } from '../../results/model/run.ts';
import type { KernelCounts } from '../../results/model/trial.ts';
import type { TargetCommand, TargetReply } from '../../servers/protocol.ts';
import type { Kernel } from '../probes/kernel.ts';
import {
  type Child,
  childEnvironment,
  type ProcessEvents,
  patienceMs,
  type RunningProcess,
  type SpawnOptions,
  superviseProcess,
} from '../run/child.ts';
import { plainOutput } from '../run/command-group.ts';
import { watchOverGroup } from '../watchdog.ts';
import {
  type AgentCalls,
  type AgentEvent,
  type Channel,
  type Identity,
  openChannel,
  type RunCalls,
  type ServerCounts,
  type SpawnRequest,
} from './channel.ts';
import { bestOf, type ClockOffset, type ClockSample, monotonicMs, sampleOf } from './clock.ts';
import { placeOf, refuseOtherCode } from './identity.ts';

/** How a machine is reached. */
interface MachineCommand {
  name: string;
  /** Run by sh: it starts `conntax agent` there and passes its standard streams on. */
  command: string;
}

/** A login, and npx that installs conntax first. */
const HELLO_TIMEOUT_MS = 60_000;
const ANSWER_TIMEOUT_MS = 10_000;
const END_TIMEOUT_MS = 5_000;
const STDERR_TAIL_CHARS = 4_000;
/** Lines of its output that messages quote. */
const TAIL_LINES = 10;
/** Questions of its clock that are remembered. */
const MAX_SAMPLES = 64;
const FIRST_PINGS = 20;

type Question = Exclude<keyof AgentCalls, AgentEvent>;
type Answer<Name extends Question> = Awaited<ReturnType<AgentCalls[Name]>>;

type Listener = ProcessEvents<unknown>;

export class Machine {
  name: string;
  readonly #process: ChildProcess;
  readonly #channel: Channel<AgentCalls, RunCalls>;
  readonly #release: () => void;
  readonly #gone: Promise<void>;
  readonly #listeners = new Map<number, Listener>();
  readonly #samples: ClockSample[] = [];
  #lastRoundTripMs = 0;
  #lastId = 0;
  #output = '';
  #loss: string | undefined;
  #isClosing = false;
  #identity: Identity | undefined;

  /**
   * Starts the command, and waits until the agent has said what its machine is.
   * @throws MeasureError when it does not answer as an agent
   */
  static async start(command: MachineCommand, signal: AbortSignal): Promise<Machine> {
    const machine = new Machine(command);
    using _ = addAbortListener(signal, () => machine.#lose('was interrupted'));
    try {
      machine.#identity = await machine.ask('hello');
      await machine.sync(FIRST_PINGS);
      return machine;
    } catch (error) {
      await machine.close();
      signal.throwIfAborted();
      throw error;
    }
  }

  private constructor({ name, command }: MachineCommand) {
    this.name = name;
    const child = spawn('sh', ['-c', command], {
      // A session of its own, so that Ctrl-C in the terminal reaches only this process, which then decides.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: childEnvironment(process.env),
    });
    this.#process = child;
    this.#release = child.pid === undefined ? () => {} : watchOverGroup(child.pid);
    child.stdin.on('error', () => {}); // it shows as the end of the command
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gone = promise;
    child.once('error', error => {
      this.#lose(`cannot be reached: ${error.message}`);
      if (child.pid === undefined) resolve();
    });
    child.once('close', (code, exitSignal) => {
      this.#lose(`was lost: its command ended (${exitSignal ?? `exit status ${code}`})`);
      resolve();
    });
    const find = (id: number): Listener | undefined => this.#listeners.get(id);
    this.#channel = openChannel<AgentCalls, RunCalls>({
      input: child.stdout,
      output: child.stdin,
      calls: {
        said: (id, reply) => find(id)?.said(reply),
        wrote: (id, text) => find(id)?.wrote(text),
        died: (id, message) => find(id)?.died(message),
        gone: id => {
          const listener = find(id);
          this.#listeners.delete(id);
          listener?.gone();
        },
      },
      onNoise: line => this.#keep(`${line}\n`),
    });
  }

  get identity(): Identity {
    return this.#identity!;
  }

  /** Why it was lost; undefined: it answers. */
  get loss(): string | undefined {
    return this.#loss;
  }

  /** Its clock less this one. */
  get clock(): ClockOffset {
    const [first, ...others] = this.#samples;
    return bestOf([first!, ...others], monotonicMs());
  }

  /** Round trip of the last question. */
  get roundTripMs(): number {
    return this.#lastRoundTripMs;
  }

  /** Asks for its clock some times. @throws MeasureError when it is lost */
  async sync(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const sentAtMs = monotonicMs();
      const theirsMs = await this.ask('clockMs');
      const receivedAtMs = monotonicMs();
      this.#lastRoundTripMs = receivedAtMs - sentAtMs;
      this.#samples.push(sampleOf(sentAtMs, theirsMs, receivedAtMs));
      if (this.#samples.length > MAX_SAMPLES) this.#samples.shift();
    }
  }

  /** @throws MeasureError when it is lost */
  async ask<Name extends Question>(name: Name, ...args: Parameters<AgentCalls[Name]>): Promise<Answer<Name>> {
    if (this.#loss !== undefined) throw this.lossError();
    const timeoutMs = patienceMs(name === 'hello' ? HELLO_TIMEOUT_MS : ANSWER_TIMEOUT_MS);
    const giveUp = setTimeout(() => this.#lose(`was lost: no answer within ${timeoutMs} ms`), timeoutMs);
    try {
      return (await this.#channel.$call(name, ...(args as never))) as Answer<Name>;
    } catch (error) {
      if (this.#loss !== undefined) throw this.lossError();
      throw new MeasureError('internal', `machine ${this.name}, ${name}: ${String(error)}`);
    } finally {
      clearTimeout(giveUp);
    }
  }

  /** Starts a process of conntax there, which is supervised like one of this machine. */
  spawn<Command extends { type: string }, Reply extends { type: string }>({
    limit,
    ...request
  }: Omit<SpawnRequest, 'id'> & Pick<SpawnOptions, 'limit'>): Child<Command, Reply> {
    return superviseProcess<Command, Reply>({ title: request.title, limit }, events =>
      this.#start(request, events as Listener),
    );
  }

  #start(request: Omit<SpawnRequest, 'id'>, events: Listener): RunningProcess<unknown> {
    const id = ++this.#lastId;
    if (this.#loss === undefined) {
      this.#listeners.set(id, events);
      this.#tell('spawn', { id, ...request });
    } else this.#bury(events);
    return {
      pid: 0,
      send: command => this.#tell('tell', id, command),
      kill: () => this.#killProcess(id),
    };
  }

  /** One that cannot be ended takes its machine with it, because it may still send. */
  #killProcess(id: number): void {
    if (!this.#listeners.has(id)) return;
    this.#tell('kill', id);
    const giveUp = setTimeout(() => {
      if (this.#listeners.has(id)) this.#lose('was lost: it did not end a process in time');
    }, patienceMs(END_TIMEOUT_MS));
    giveUp.unref();
  }

  /** Ends the agent, and with it all that it started. Resolves when the command here has ended. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#process.stdin?.end();
    const kill = setTimeout(() => this.#kill(), this.#loss === undefined ? END_TIMEOUT_MS : 0);
    await this.#gone;
    clearTimeout(kill);
    this.#kill(); // what the command has left behind
    this.#release();
  }

  #tell<Name extends AgentEvent>(name: Name, ...args: Parameters<AgentCalls[Name]>): void {
    if (this.#loss !== undefined) return;
    this.#channel.$callEvent(name, ...(args as never)).catch(() => {}); // closed: it was lost
  }

  /** The error of a machine that was lost. */
  lossError(): MeasureError {
    const tail = this.#tail();
    const hint = this.#identity === undefined ? '; expected: a command that starts conntax agent there' : '';
    return new MeasureError(
      'machine-lost',
      `machine ${this.name} ${this.#loss}${tail === '' ? '' : `: ${tail}`}${hint}`,
    );
  }

  /** Every process on it is lost, too. */
  #lose(loss: string): void {
    if (this.#isClosing || this.#loss !== undefined) return;
    this.#loss = loss;
    this.#channel.$close();
    this.#kill();
    for (const events of this.#listeners.values()) this.#bury(events);
    this.#listeners.clear();
  }

  #bury(events: Listener): void {
    events.wrote(this.#tail());
    events.died(`machine ${this.name} ${this.#loss}`);
    events.gone();
  }

  #kill(): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // nothing of it is left
    }
    // What has left its group may keep them open.
    this.#process.stdout?.destroy();
    this.#process.stderr?.destroy();
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-STDERR_TAIL_CHARS);
  }

  /** What its command printed last. */
  #tail(): string {
    return plainOutput(this.#output).trim().split('\n').slice(-TAIL_LINES).join('\n');
  }
}

/** What is stored of a machine. */
export function describeMachine(
  machine: Machine,
  stated: Pick<RunMachine, 'isHere' | 'cores' | 'weight'>,
): RunMachine {
  const { host, conntax, git } = machine.identity;
  const loss = machine.loss === undefined ? null : machine.lossError().message;
  return { name: machine.name, conntax, git, host, ...stated, loss };
}

interface ServerOptions {
  /** Run by sh: it starts `conntax agent` on the machine of the server. */
  command: string;
  /** Port of the server there, if it is another than that of its URL: behind a proxy or a container. */
  watchPort: number | undefined;
  /** IPv4 address there for conntax's own target; undefined: it is started here. */
  address: string | undefined;
  /** Identity of this process. */
  own: Identity;
  signal: AbortSignal;
}

export class ServerMachine implements Kernel {
  /** IPv4 address for conntax's own target; undefined: it is started here. */
  readonly address: string | undefined;
  /** Whether it is the machine of the run, with the same network. */
  readonly isHere: boolean;
  readonly #machine: Machine;
  readonly #watchPort: number | undefined;

  /** @throws MeasureError when it does not answer; UsageError when it has other code, or not the address */
  static async open({ command, watchPort, address, own, signal }: ServerOptions): Promise<ServerMachine> {
    const machine = await Machine.start({ name: 'of the server', command }, signal);
    try {
      const refusals = refuseOtherCode(own, [machine]);
      if (refusals.length > 0) throw new UsageError(refusals.join('\n'));
      if (address !== undefined) await requireAddress(machine, address);
      return new ServerMachine(machine, { own, watchPort, address });
    } catch (error) {
      await machine.close();
      throw error;
    }
  }

  private constructor(
    machine: Machine,
    { own, watchPort, address }: Pick<ServerOptions, 'own' | 'watchPort' | 'address'>,
  ) {
    this.#machine = machine;
    this.isHere = placeOf(machine.identity) === placeOf(own);
    this.#watchPort = watchPort;
    this.address = address;
  }

  get identity(): Identity {
    return this.#machine.identity;
  }

  /** Two with the same one have the same kernel counters. */
  get place(): string {
    return placeOf(this.#machine.identity);
  }

  describe(): RunMachine {
    return describeMachine(this.#machine, { isHere: this.isHere, cores: null, weight: null });
  }

  /** @throws MeasureError when it is lost */
  kernelCounts(): Promise<KernelCounts> {
    return this.#machine.ask('kernelCounts');
  }

  /**
   * What its kernel has counted, and what the processes have used that listen on a port.
   * @param port of the server's URL
   * @throws MeasureError when it is lost
   */
  read(port: number): Promise<ServerCounts> {
    return this.#machine.ask('readServer', this.#watchPort ?? port);
  }

  /**
   * Starts a process for conntax's own target there.
   * @throws UsageError where it would have to run other code than that of this conntax
   */
  spawnTarget({
    title,
    code,
    niceness = 0,
    limit,
  }: Pick<SpawnOptions, 'title' | 'code' | 'niceness' | 'limit'>): Child<TargetCommand, TargetReply> {
    if (code !== undefined) {
      throw new UsageError(
        `${title} runs ${code.label}, which is on this machine only; expected: a run without --server-address`,
      );
    }
    const { pinning } = this.#machine.identity.host;
    return this.#machine.spawn<TargetCommand, TargetReply>({
      entry: 'target',
      title,
      cpu: pinning?.targetCpu ?? null,
      niceness,
      env: {},
      limit,
    });
  }

  async close(): Promise<void> {
    await this.#machine.close();
  }
}

/** @throws UsageError when nothing can listen on the address there; MeasureError when the machine is lost */
async function requireAddress(machine: Machine, address: string): Promise<void> {
  const others = await machine.ask('addressesInstead', address);
  if (others === null) return;
  throw new UsageError(
    `--server-address ${address}: the machine of the server (${machine.identity.host.hostname}) does not have this address; expected: one of ${others.join(', ')}`,
  );
}
