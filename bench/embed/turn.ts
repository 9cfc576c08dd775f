// One client's turn under another load generator: sends its requests, and reports what became of them as metrics.
import { setMaxListeners } from 'node:events';
import type { Outcome } from '../../results/model/trial.ts';
import { type ExpectedStatus, expectedTable } from '../../scenarios/model/request-facts.ts';
import {
  beginExchange,
  type Exchange,
  newExchange,
  type OpenedConnection,
  type Transport,
} from '../contracts.ts';
import { readKernelCounts, readRunDelayMs } from '../probes/kernel.ts';
import { blockMetric, type Turn } from './names.ts';

/** Takes what a turn reports: counts, which are added up, and single times. */
export interface MetricSink {
  counter(name: string, value: number): void;
  histogram(name: string, value: number): void;
}

export interface TurnOptions extends Turn {
  open(onConnection: (connection: OpenedConnection) => void): Transport;
  sink: MetricSink;
  expectStatus: readonly ExpectedStatus[];
  /** Time at its beginning that is in no figure, only in the ledger. */
  warmUpMs: number;
  /** How long requests in flight may take once the turn is over; the rest are abandoned. */
  drainMs: number;
  /** conntax's own deadline of a request; undefined: none. */
  totalMs: number | undefined;
  hasPhases: boolean;
  /** What the load generator was asked for, of this worker: what comes of it may be less. */
  due: { requests: number; ms: number };
  /** Whether this one of several workers of a machine reads what the kernel counts for all of them. */
  readsKernel: boolean;
}

/** A turn goes through: open, over (nothing begins, answers are awaited), ended (everything is reported, connections are closed). */
export class EmbeddedTurn {
  readonly #options: TurnOptions;
  readonly #transport: Transport;
  readonly #isExpected: ReturnType<typeof expectedTable>;
  readonly #startedAtMs = performance.now();
  readonly #startedAtEpochMs = Date.now();
  readonly #runDelayBeforeMs = readRunDelayMs();
  readonly #kernelBefore = readKernelCounts();
  /** Counted since the last report. */
  readonly #counts = new Map<string, number>();
  readonly #free: Exchange[] = [];
  readonly #inFlight = new Map<Exchange, () => void>();
  readonly #over = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  #openUntilMs = Infinity;
  #users = 0;
  #sent = 0;
  #ending: Promise<void> | undefined;
  #drainTimer: NodeJS.Timeout | undefined;

  constructor(options: TurnOptions) {
    this.#options = options;
    this.#isExpected = expectedTable(options.expectStatus);
    this.#count('due.workers');
    this.#count('due.requests', options.due.requests);
    this.#count('due.ms', options.due.ms);
    // Each user that pauses listens.
    setMaxListeners(0, this.#over.signal);
    this.#transport = options.open(connection => this.#addConnection(connection));
  }

  /** Rejects if its client can never send. */
  get ready(): Promise<void> {
    return this.#transport.ready ?? Promise.resolve();
  }

  /** Aborts when the turn is over: users begin nothing more. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Resolves when everything is reported and every connection is closed. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Another client's turn begins: what is still in flight disturbs it. */
  overlap(): void {
    if (this.#inFlight.size > 0) this.#count('overlapping', this.#inFlight.size);
  }

  /** A user of the load begins: the turn does not end before it has left. */
  enter(): void {
    this.#users++;
  }

  leave(): void {
    this.#users--;
    this.#endIfDone();
  }

  /** Sends one request and waits for its end. */
  async send(request: number): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const { totalMs } = this.#options;
    const exchange = this.#free.pop() ?? newExchange();
    exchange.request = request;
    beginExchange(exchange);
    this.#sent++;
    this.#count('sent');
    const timer =
      totalMs === undefined ? undefined : setTimeout(() => this.#abandon(exchange, 'timeoutTotal'), totalMs);
    this.#inFlight.set(exchange, () => {
      clearTimeout(timer);
      resolve(exchange.outcome);
    });
    exchange.startedAtMs = exchange.intendedAtMs = performance.now();
    this.#transport.send(exchange, ended => {
      this.#addEnded(ended);
      this.#settle(ended);
      this.#free.push(ended);
    });
    return promise;
  }

  /** Ends the turn: requests in flight have until the end of the drain. */
  close(): void {
    if (this.#over.signal.aborted) return;
    this.#openUntilMs = performance.now();
    this.#over.abort();
    const abandonAll = () => {
      for (const exchange of [...this.#inFlight.keys()]) this.#abandon(exchange, 'noAnswer');
    };
    this.#drainTimer = setTimeout(abandonAll, this.#options.drainMs);
    this.#endIfDone();
  }

  /** Reports what was counted since the last report. */
  report(): void {
    const { arm, block, sink } = this.#options;
    for (const [figure, value] of this.#counts) sink.counter(blockMetric(arm, block, figure), value);
    this.#counts.clear();
  }

  #count(figure: string, value = 1): void {
    this.#counts.set(figure, (this.#counts.get(figure) ?? 0) + value);
  }

  #time(figure: string, ms: number): void {
    const { arm, block, sink } = this.#options;
    if (!Number.isNaN(ms)) sink.histogram(blockMetric(arm, block, figure), ms * 1_000);
  }

  #addConnection({ connectMs, tlsMs, isResumed }: OpenedConnection): void {
    this.#count('opened');
    if (!Number.isNaN(tlsMs)) this.#count(isResumed ? 'handshakesResumed' : 'handshakesFull');
    if (!this.#isRecorded(performance.now())) return;
    this.#time('connectUs', connectMs);
    this.#time('tlsUs', tlsMs);
  }

  /** The figures are of the requests that began when the turn was warm and not yet over. */
  #isRecorded(atMs: number): boolean {
    return atMs >= this.#startedAtMs + this.#options.warmUpMs && atMs < this.#openUntilMs;
  }

  #addEnded(exchange: Exchange): void {
    const { status, startedAtMs, endedAtMs } = exchange;
    if (status !== 0 && (exchange.outcome === 'ok' || exchange.outcome === 'badStatus'))
      exchange.outcome = this.#isExpected[status] === 1 ? 'ok' : 'badStatus';
    const { outcome } = exchange;
    this.#count(outcome === 'ok' ? 'answered' : `failed.${outcome}`);
    if (!this.#isRecorded(startedAtMs)) return;
    if (status !== 0) this.#count(`recorded.status.${status}`);
    if (outcome !== 'ok') {
      this.#count(`recorded.failed.${outcome}`);
      return;
    }
    this.#count('recorded.answered');
    this.#count('recorded.bytes', exchange.bodyBytes);
    this.#time('responseUs', endedAtMs - startedAtMs);
    if (!this.#options.hasPhases) return;
    this.#time('waitUs', exchange.writtenAtMs - startedAtMs);
    this.#time('firstByteUs', exchange.headersAtMs - exchange.writtenAtMs);
    this.#time('bodyUs', endedAtMs - exchange.headersAtMs);
  }

  /** The record is never used again: a client may still write to it. */
  #abandon(exchange: Exchange, outcome: 'timeoutTotal' | 'noAnswer'): void {
    const { startedAtMs } = exchange;
    exchange.abandon?.();
    exchange.outcome = outcome;
    // As conntax's own load: what is given up at the end of a drain has not ended, and its time is a lower bound.
    this.#count(outcome === 'noAnswer' ? 'unfinished' : `failed.${outcome}`);
    if (this.#isRecorded(startedAtMs)) {
      this.#count(`recorded.failed.${outcome}`);
      if (outcome === 'noAnswer') this.#time('unansweredUs', performance.now() - startedAtMs);
    }
    this.#settle(exchange);
  }

  #settle(exchange: Exchange): void {
    this.#inFlight.get(exchange)?.();
    this.#inFlight.delete(exchange);
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (!this.#over.signal.aborted || this.#users > 0 || this.#inFlight.size > 0) return;
    if (this.#ending !== undefined) return;
    clearTimeout(this.#drainTimer);
    // Synchronous: the load generator may add up its metrics at once when the last user has left.
    if (this.#sent > 0) this.#countResources();
    this.report();
    this.#ending = this.#transport.close().then(
      () => {
        // Closing can still complete the connection of an abandoned request.
        this.report();
        this.#ended.resolve();
      },
      error => this.#ended.reject(error),
    );
  }

  #countResources(): void {
    const { arm, block, sink, warmUpMs, readsKernel } = this.#options;
    this.#count('workers');
    this.#count('windowMs', Math.max(0, this.#openUntilMs - this.#startedAtMs - warmUpMs));
    // Not its CPU time: timers of a load generator may poll, as Artillery's do, and use a whole core with nothing to send.
    this.#count('wholeMs', performance.now() - this.#startedAtMs);
    this.#count('runDelayMs', readRunDelayMs() - this.#runDelayBeforeMs);
    this.#count('leftOpen', this.#transport.openConnections());
    this.#count('openedElsewhere', this.#transport.openedElsewhere?.() ?? 0);
    this.#count('warmUpMs', warmUpMs);
    sink.histogram(blockMetric(arm, block, 'startedAtEpochMs'), this.#startedAtEpochMs);
    sink.histogram(blockMetric(arm, block, 'rssBytes'), process.memoryUsage.rss());
    if (!readsKernel) return;
    const kernel = readKernelCounts();
    this.#count('machines');
    for (const name of Object.keys(kernel) as (keyof typeof kernel)[])
      this.#count(`kernel.${name}`, kernel[name] - this.#kernelBefore[name]);
  }
}
