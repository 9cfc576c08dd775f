// In: a client of the user's own and the record of an exchange. Out: the exchange done by it, its outcome in our words.
import type { ClientAnswer, OwnClient, RequestToSend } from '../core/client-definition.ts';
import type { Exchange } from '../contracts.ts';
import { beginExchange } from '../core/exchange.ts';
import { causesOf, memberOfForeign } from '../core/thrown.ts';
import { OUTCOMES, type Outcome } from '../../results/model/trial.ts';
import { classifyError, codedOutcome, describeError, type Evidence, rootCause } from '../clients/errors.ts';

export interface SlotContext {
  /** Undefined while it is being opened. */
  client: OwnClient | undefined;
  opening: Promise<OwnClient>;
  brokenConnection(causes: readonly unknown[]): Evidence;
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
    // A promise of ours, whatever the module's is: it settles once, and never from within.
    return new Promise(resolve =>
      resolve(client === undefined ? opening.then(it => it.send(request)) : client.send(request)),
    );
  }

  readonly #onAnswer = (answer: ClientAnswer): void => {
    const exchange = this.#exchange;
    const read = readAnswer(answer);
    if (read === undefined) {
      exchange.outcome = 'other';
      exchange.error =
        'send() of the module did not answer { status, bytes }: an HTTP status and a whole number of bytes';
    } else {
      exchange.bodyBytes = read.bytes;
      exchange.status = read.status;
    }
    this.#end();
  };

  readonly #onError = (error: unknown): void => {
    this.#exchange.outcome = outcomeOf(error, this.#context.brokenConnection(causesOf(error)));
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

/** More in one answer is none that has been read within a trial. */
const MOST_BYTES = 2 ** 40;

/** Each member is read once: a module is not ours, may answer anything, and something else the next time. */
function readAnswer(answer: unknown): ClientAnswer | undefined {
  const status = memberOfForeign(answer, 'status');
  const bytes = memberOfForeign(answer, 'bytes');
  return isWithin(status, 100, 999) && isWithin(bytes, 0, MOST_BYTES) ? { status, bytes } : undefined;
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

/** Libraries that throw on a bad status keep it on the error or on its response; 0: this is no such error. */
function badStatusOf(error: unknown): number {
  const statuses = [error, memberOfForeign(error, 'response')].flatMap(part => [
    memberOfForeign(part, 'status'),
    memberOfForeign(part, 'statusCode'),
  ]);
  return statuses.find((status): status is number => isWithin(status, 400, 999)) ?? 0;
}

/** Codes that libraries give to timeouts of their own. Only the kernel's own ETIMEDOUT names a system call. */
const TIMEOUT_CODES: readonly unknown[] = ['ETIMEDOUT', 'ECONNABORTED'];

function isOwnTimeout(error: unknown): boolean {
  return (
    TIMEOUT_CODES.includes(memberOfForeign(error, 'code')) && memberOfForeign(error, 'syscall') === undefined
  );
}

/** axios has a name of its own for an answer that ended before its time. */
function isBrokenOff(error: unknown): boolean {
  return (
    memberOfForeign(error, 'code') === 'ERR_BAD_RESPONSE' &&
    memberOfForeign(error, 'message') === 'stream has been aborted'
  );
}

/** What the error says of itself, what its causes' codes say, and only then what it is called: in this order. */
function outcomeOf(error: unknown, connection: Evidence): Outcome {
  const stated = memberOfForeign(error, 'outcome');
  const known = OUTCOMES.find(outcome => outcome === stated && outcome !== 'ok');
  if (known !== undefined) return known;
  if (badStatusOf(error) !== 0) return 'badStatus';
  // Which phase of it was too long, only the module could know.
  if (isOwnTimeout(rootCause(error))) return 'timeoutTotal';
  if (codedOutcome(error) !== undefined) return classifyError(error, connection);
  if (causesOf(error).some(isBrokenOff)) return 'reset';
  return causesOf(error).some(cause => memberOfForeign(cause, 'name') === 'TimeoutError')
    ? 'timeoutTotal'
    : 'other';
}
