// How far a server came with its first answer, so that one that never ends is described by what it did.
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** `1,234 bytes`. */
function countBytes(count: number): string {
  return count === 1 ? '1 byte' : `${count.toLocaleString('en-US')} bytes`;
}

/** Watches the connections of one question; the last one counts. */
export class AnswerProgress {
  readonly #isTls: boolean;
  #isConnected = false;
  #isSecure = false;
  #isRequestSent = false;
  #receivedBytes = 0;
  /** Interim statuses with their numbers. */
  readonly #interim = new Map<number, number>();
  #response: IncomingMessage | undefined;
  #bodyBytes = 0;

  constructor(isTls: boolean) {
    this.#isTls = isTls;
  }

  /** Whether anything of an answer came. */
  get hasBegun(): boolean {
    return this.#receivedBytes > 0;
  }

  get interimStatuses(): number[] {
    return [...this.#interim.keys()];
  }

  watchSocket(socket: Socket): void {
    this.#isConnected = !socket.connecting;
    this.#isSecure = false;
    socket.once('connect', () => {
      this.#isConnected = true;
    });
    socket.once('secureConnect', () => {
      this.#isSecure = true;
    });
  }

  watchRequest(request: ClientRequest): void {
    request
      .once('socket', socket => {
        this.watchSocket(socket);
        socket.on('data', (chunk: Buffer) => {
          this.#receivedBytes += chunk.length;
        });
      })
      .once('finish', () => {
        this.#isRequestSent = true;
      })
      .on('information', ({ statusCode }) =>
        this.#interim.set(statusCode, (this.#interim.get(statusCode) ?? 0) + 1),
      )
      .once('response', response => {
        this.#response = response;
        response.on('data', (chunk: Buffer) => {
          this.#bodyBytes += chunk.length;
        });
      });
  }

  /** What the server did, and what it did not do. @param within ends the sentence: ` within 10 s` */
  describe(within = ''): string {
    if (this.#response !== undefined) return this.#describeBody(this.#response, within);
    if (!this.#isConnected) return `it did not accept a connection${within}`;
    if (this.#isTls && !this.#isSecure)
      return `it accepted the connection, but did not finish the TLS handshake${within}`;
    if (this.#interim.size > 0)
      return `it answered with the interim status ${this.#listInterim()}, but with no final status${within}`;
    if (this.hasBegun)
      return `it began its answer, but did not end the header${within} (${countBytes(this.#receivedBytes)} so far)`;
    return this.#isRequestSent
      ? `it accepted the connection${this.#isTls ? ' and finished the TLS handshake' : ''}, but sent nothing${within}`
      : `it accepted the connection, but did not take the whole request${within}`;
  }

  #describeBody({ statusCode, headers }: IncomingMessage, within: string): string {
    const length = Number(headers['content-length'] ?? Number.NaN);
    const start = `it answered with status ${statusCode}, but`;
    return Number.isFinite(length)
      ? `${start} sent only ${this.#bodyBytes.toLocaleString('en-US')} of the ${countBytes(length)} of its body${within}`
      : `${start} its body did not end${within} (${countBytes(this.#bodyBytes)} so far)`;
  }

  /** `103`, `102 and 103 (3 times)`. */
  #listInterim(): string {
    return [...this.#interim]
      .map(([status, count]) => (count === 1 ? String(status) : `${status} (${count} times)`))
      .join(' and ');
  }
}
