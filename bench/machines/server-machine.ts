// The machine of the server, by the agent there: its kernel's counters, what the server uses, and conntax's own target started on it.
import { UsageError } from '../../results/errors.ts';
import type { RunMachine } from '../../results/model/run.ts';
import type { KernelCounts } from '../../results/model/trial.ts';
import type { Code } from '../../scenarios/model/sweep.ts';
import type { TargetCommand, TargetReply } from '../../servers/protocol.ts';
import type { Kernel } from '../probes/kernel.ts';
import type { Child, TimeLimit } from '../run/child.ts';
import type { Identity, ServerCounts } from './channel.ts';
import { placeOf, refuseOtherCode } from './identity.ts';
import { describeMachine, Machine } from './machine.ts';

export interface ServerOptions {
  /** Run by sh: it starts `conntax agent` on the machine of the server. */
  command: string;
  /** Port of the server there, if it is another than that of its URL: behind a proxy or a container. */
  watchPort: number | undefined;
  /** IPv4 address there for conntax's own target; undefined: it is started here. */
  address: string | undefined;
  /** Of this process. */
  own: Identity;
  signal: AbortSignal;
}

export class ServerMachine implements Kernel {
  /** IPv4 address for conntax's own target; undefined: it is started here. */
  readonly address: string | undefined;
  readonly #machine: Machine;
  readonly #isHere: boolean;
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
    this.#isHere = placeOf(machine.identity) === placeOf(own);
    this.#watchPort = watchPort;
    this.address = address;
  }

  get identity(): Identity {
    return this.#machine.identity;
  }

  /** Whether it is the machine of the run, with the same network. */
  get isHere(): boolean {
    return this.#isHere;
  }

  /** Two with the same one have the same kernel counters. */
  get place(): string {
    return placeOf(this.#machine.identity);
  }

  describe(): RunMachine {
    return describeMachine(this.#machine, { isHere: this.#isHere, cores: null, weight: null });
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
  spawnTarget(options: {
    title: string;
    code: Code | undefined;
    niceness: number;
    limit: TimeLimit | undefined;
  }): Child<TargetCommand, TargetReply> {
    const { title, code, niceness, limit } = options;
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
