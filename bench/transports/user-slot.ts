// In: a client of the user's own and the record of an exchange. Out: the exchange done by it, its outcome in our words.
import type { ClientAnswer, OwnClient, RequestToSend } from '../core/client-definition.ts';
import type { Exchange } from '../core/contracts.ts';
import { beginExchange } from '../core/exchange.ts';
import { OUTCOMES, type Outcome } from '../core/types.ts';
import { classifyError, describeError, rootCause } from './classify-error.ts';

export interface SlotContext {
  /** Undefined while it is being opened. */
  client: OwnClient | undefined;
  opening: Promise<OwnClient>;
  isOfUsedConnection(error: unknown): boolean;
  isClosed: boolean;
}

/** A signal costs some libraries a tenth of a request: only a module that asks for it gets one. */
class Request implements RequestToSend {
  #controller: AbortController | undefined;
  #isAborted = false;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isAborted) this.#controller.abort();
    return this.#controller.signal;
  }

  abort(): void {
    this.#isAborted = true;
    this.#controller?.abort();
  }
}

type OnEnd = (exchange: Exchange) => void;

/** A record's own state. A record that was abandoned gets no second request, so a late answer can only reach its own. */
export class UserSlot {
  readonly #context: SlotContext;
  readonly #exchange: Exchange;
  #onEnd: OnEnd = () => {};
  #request = new Request();
  #isAbandoned = false;

  constructor(context: SlotContext, exchange: Exchange) {
    this.#context = context;
    this.#exchange = exchange;
  }

  send(onEnd: OnEnd): void {
    const exchange = this.#exchange;
    this.#onEnd = onEnd;
    this.#request = new Request();
    beginExchange(exchange);
    exchange.abandon = this.#abandon;
    this.#start().then(this.#onAnswer, this.#onError);
  }

  /** Always a promise, whatever the module does. */
  #start(): Promise<ClientAnswer> {
    const { client, opening, isClosed } = this.#context;
    const request = this.#request;
    if (isClosed) return Promise.reject(new Error('the transport is closed'));
    try {
      return Promise.resolve(
        client === undefined ? opening.then(it => it.send(request)) : client.send(request),
      );
    } catch (error) {
      return Promise.reject(error);
    }
  }

  readonly #onAnswer = (answer: ClientAnswer): void => {
    const exchange = this.#exchange;
    if (!isAnswer(answer)) {
      exchange.outcome = 'other';
      exchange.error = 'send() of the module did not answer { status, bytes }, two numbers';
    } else {
      exchange.bodyBytes = answer.bytes;
      exchange.status = answer.status;
    }
    this.#end();
  };

  readonly #onError = (error: unknown): void => {
    this.#exchange.outcome = outcomeOf(error, this.#context.isOfUsedConnection(rootCause(error)));
    this.#exchange.error = describeError(error);
    if (this.#exchange.outcome === 'badStatus') this.#exchange.status = badStatusOf(error);
    this.#end();
  };

  #end(): void {
    this.#exchange.endedAtMs = performance.now();
    if (this.#isAbandoned) return;
    this.#exchange.abandon = undefined;
    this.#onEnd(this.#exchange);
  }

  readonly #abandon = (): void => {
    this.#isAbandoned = true;
    this.#request.abort();
  };
}

/** Only of numbers: a module is not ours, and may answer anything. */
function isAnswer(answer: ClientAnswer | undefined): boolean {
  return typeof answer?.status === 'number' && typeof answer.bytes === 'number' && answer.bytes >= 0;
}

interface Evidence {
  outcome?: unknown;
  status?: unknown;
  statusCode?: unknown;
  name?: unknown;
  code?: unknown;
  syscall?: unknown;
  response?: Pick<Evidence, 'status' | 'statusCode'>;
}

/** Libraries that throw on a bad status keep it on the error or on its response; 0: this is no such error. */
function badStatusOf(error: unknown): number {
  const { status, statusCode, response } = error as Evidence;
  const statuses = [status, statusCode, response?.status, response?.statusCode];
  return (statuses.find(value => typeof value === 'number' && value >= 400) as number | undefined) ?? 0;
}

/** Codes that libraries give to timeouts of their own. Only the kernel's own ETIMEDOUT names a system call. */
const TIMEOUT_CODES: readonly unknown[] = ['ETIMEDOUT', 'ECONNABORTED'];

function outcomeOf(error: unknown, isReusedConnection: boolean): Outcome {
  if (typeof error !== 'object' || error === null) return 'other';
  const evidence: Evidence = error;
  const stated = OUTCOMES.find(outcome => outcome === evidence.outcome && outcome !== 'ok');
  if (stated !== undefined) return stated;
  if (badStatusOf(error) !== 0) return 'badStatus';
  // Which phase of it was too long, only the module could know.
  const isTimeout = evidence.name === 'TimeoutError' || TIMEOUT_CODES.includes(evidence.code);
  if (isTimeout && evidence.syscall === undefined) return 'timeoutTotal';
  return classifyError(error, { isReusedConnection, hasResponse: false });
}
