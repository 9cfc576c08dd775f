// Makes a share of a target's answers go wrong, as the scenario's faults say, and counts them.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Random } from '../results/random.ts';
import { type Fault, type FaultKind, isDue } from '../scenarios/model/target.ts';
import type { Responder } from './behaviour.ts';

/** Writes the header of the behaviour's answer; with another status if one is given. */
type Begin = (status?: number) => ServerResponse;

/** The raw socket below a request's socket, the same without TLS; undefined once it is closed. */
type RawSocketOf = (socket: Socket) => Socket | undefined;

interface Stroke<Kind extends FaultKind> {
  fault: Extract<Fault, { kind: Kind }>;
  response: ServerResponse;
  begin: Begin;
  rawSocketOf: RawSocketOf;
}

/** From now on nothing of the behaviour's answer is sent. */
function silence(response: ServerResponse): void {
  response.write = () => false;
  response.end = () => response;
}

function asBytes(chunk: unknown, encoding: unknown): Buffer {
  if (typeof chunk === 'string')
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : Buffer.alloc(0);
}

/** Sends half of the first piece of the body, then ends the connection once that is sent. */
function cutBody(response: ServerResponse): void {
  const send = response.write.bind(response);
  const cut = (chunk: unknown, encoding: unknown): void => {
    silence(response);
    const bytes = asBytes(chunk, encoding);
    const half = bytes.subarray(0, bytes.length >> 1);
    if (half.length > 0) send(half);
    else response.flushHeaders();
    response.req.socket.destroySoon();
  };
  response.write = (chunk: unknown, encoding?: unknown) => {
    cut(chunk, encoding);
    return false;
  };
  response.end = (chunk?: unknown, encoding?: unknown) => {
    cut(chunk, encoding);
    return response;
  };
}

/** Sends the body, once the behaviour has given all of it, over a time: each byte when it is due, as far as timers allow. */
function slowBody(response: ServerResponse, overMs: number): void {
  const send = response.write.bind(response);
  const end = response.end.bind(response);
  const pieces: Buffer[] = [];
  response.write = (chunk: unknown, encoding?: unknown) => {
    pieces.push(asBytes(chunk, encoding));
    return true;
  };
  response.end = (chunk?: unknown, encoding?: unknown) => {
    pieces.push(asBytes(chunk, encoding));
    dripBytes(Buffer.concat(pieces));
    return response;
  };

  function dripBytes(body: Buffer): void {
    const startedAtMs = performance.now();
    let sent = 0;
    let timer: NodeJS.Timeout | undefined;
    const sendDue = (): void => {
      const elapsedMs = performance.now() - startedAtMs;
      const due = Math.min(body.length, Math.floor((body.length * elapsedMs) / overMs));
      if (due > sent) send(body.subarray(sent, due));
      sent = due;
      if (sent === body.length) end();
      else timer = setTimeout(sendDue, Math.max(1, ((sent + 1) * overMs) / body.length - elapsedMs));
    };
    response.once('close', () => clearTimeout(timer));
    sendDue();
  }
}

/** What each kind does at the moment when the behaviour begins its answer. */
const STROKES: { [Kind in FaultKind]: (stroke: Stroke<Kind>) => void } = {
  status: ({ fault, begin }) => begin(fault.status),
  close({ response }) {
    silence(response);
    response.req.socket.destroySoon();
  },
  closeInBody({ response, begin }) {
    begin();
    cutBody(response);
  },
  reset({ response, rawSocketOf }) {
    silence(response);
    rawSocketOf(response.req.socket)?.resetAndDestroy();
  },
  noAnswer: ({ response }) => silence(response),
  slowBytes({ fault, response, begin }) {
    begin();
    response.flushHeaders();
    slowBody(response, fault.overMs);
  },
  connectionClose({ response, begin }) {
    response.setHeader('Connection', 'close');
    begin();
  },
};

interface FaultyResponder {
  respond: Responder;
  /** How often each fault was met, in their order. */
  read(): number[];
  /** Begins a slice, whose measured window begins after so long; null: it has none. */
  startSlice(windowAfterMs: number | null): void;
}

/**
 * A responder whose answers go wrong by chance. A fault strikes when its answer would begin, so that it takes as long as a
 * good one, and counts from then: not if the client has left before.
 *
 * @param random seeded, uniform in [0, 1); drawn once for each request
 */
export function createFaultyResponder(
  respond: Responder,
  faults: readonly Fault[],
  random: Random,
  rawSocketOf: RawSocketOf,
): FaultyResponder {
  if (faults.length === 0) return { respond, read: () => [], startSlice() {} };
  const counts = faults.map(() => 0);
  let windowAtMs = Number.NaN;

  function draw(): number {
    let left = random();
    const sinceStartMs = performance.now() - windowAtMs;
    return faults.findIndex(fault => {
      if (isDue(fault, sinceStartMs)) left -= fault.ratio;
      return left < 0;
    });
  }

  function strikeWhenDue(response: ServerResponse, index: number): void {
    const fault = faults[index]!;
    const strike = STROKES[fault.kind] as (stroke: Stroke<FaultKind>) => void;
    const write = response.writeHead.bind(response);
    response.writeHead = ((status: number, headers?: OutgoingHttpHeaders) => {
      counts[index]!++;
      strike({ fault, response, rawSocketOf, begin: (other = status) => write(other, headers) });
      return response;
    }) as ServerResponse['writeHead'];
  }

  return {
    respond(response) {
      const index = draw();
      if (index >= 0) strikeWhenDue(response, index);
      respond(response);
    },
    read: () => [...counts],
    startSlice(windowAfterMs) {
      windowAtMs = windowAfterMs === null ? Number.NaN : performance.now() + windowAfterMs;
    },
  };
}
