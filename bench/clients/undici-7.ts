// Adapts the handler callbacks of undici 7, and notifies a watcher of each request and response.

/** The handler interface of undici 7; undici 8 uses `Dispatcher.DispatchHandler` instead. */
export interface LegacyHandler {
  onConnect?(abort: (reason: Error) => void, context: unknown): void;
  onResponseStarted?(): void;
  onHeaders?(status: number, rawHeaders: Buffer[], resume: () => void, message: string): boolean | undefined;
  onData?(chunk: Buffer): boolean | undefined;
  onComplete?(rawTrailers: Buffer[]): void;
  onError?(error: Error): void;
}

export interface Abortable {
  abort(reason: Error): void;
}

export interface RequestWatcher {
  /** A request is about to be written. False: it was abandoned meanwhile, and is aborted. */
  begun(request: Abortable): boolean;
  answered(status: number): void;
  received(bytes: number): void;
}

export function isLegacy(handler: object): handler is LegacyHandler {
  return !('onRequestStart' in handler);
}

/** One per exchange record, so that a request with undici 7 needs no more allocations than one with undici 8. */
export class LegacyRelay implements LegacyHandler, Abortable {
  inner: LegacyHandler = {};
  readonly #watcher: RequestWatcher;
  #abort: ((reason: Error) => void) | undefined;

  constructor(watcher: RequestWatcher) {
    this.#watcher = watcher;
  }

  abort(reason: Error): void {
    this.#abort?.(reason);
  }

  onConnect(abort: (reason: Error) => void, context: unknown): void {
    this.#abort = abort;
    if (this.#watcher.begun(this)) this.inner.onConnect?.(abort, context);
  }

  onResponseStarted(): void {
    this.inner.onResponseStarted?.();
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void, message: string): boolean | undefined {
    this.#watcher.answered(status);
    return this.inner.onHeaders?.(status, rawHeaders, resume, message);
  }

  onData(chunk: Buffer): boolean | undefined {
    this.#watcher.received(chunk.length);
    return this.inner.onData?.(chunk);
  }

  onComplete(rawTrailers: Buffer[]): void {
    this.inner.onComplete?.(rawTrailers);
  }

  onError(error: Error): void {
    this.inner.onError?.(error);
  }
}
