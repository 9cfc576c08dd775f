// What the witnesses of `npm run bench:truth` are asked for, and what they write down.

/** How the server answers; times in ms. */
export interface ServerOrder {
  /** With TLS, HTTP/2 is offered as well as HTTP/1.1. */
  isTls: boolean;
  status: number;
  meanMs: number;
  /** Of a lognormal service time; 0: always the mean. */
  sigma: number;
  /** Requests per 1,000 that take `slowMs`. */
  slowPerMille: number;
  slowMs: number;
  /** Whether slow requests come at equal distances: their share is then the same in every run. */
  isRegular: boolean;
  /** Requests per 1,000 that are never answered. */
  silentPerMille: number;
  /** Requests per 1,000 that are answered with 503. */
  badPerMille: number;
  /** Whether only requests with `odd` in their query are ever slow, silent or bad: two clients of one server then differ. */
  isOddOnly: boolean;
  /** The whole server stands still for `stopMs` once in `everyMs`; 0: never. */
  stopMs: number;
  everyMs: number;
  /** Requests above this rate are answered with 429 once `limitBurst` of them have come; 0: no limit. */
  limitPerSec: number;
  limitBurst: number;
  /** What it does to every connection after the first, which asks whether the server is there. */
  breaks: 'never' | 'reset' | 'garbage';
}

export const PLAIN_SERVER: ServerOrder = {
  isTls: false,
  status: 200,
  meanMs: 50,
  sigma: 0,
  slowPerMille: 0,
  slowMs: 0,
  isRegular: false,
  silentPerMille: 0,
  badPerMille: 0,
  isOddOnly: false,
  stopMs: 0,
  everyMs: 0,
  limitPerSec: 0,
  limitBurst: 0,
  breaks: 'never',
};

/** One request as a witness saw it. */
export interface Seen {
  /** By the wall clock, ms with fractions. */
  startMs: number;
  tookMs: number;
  /** Number of its connection, by the server only. */
  connection: number;
  /** 0: no answer. */
  status: number;
  /** Query of the request, by the server only: which client sent it. */
  query: string;
}

export type ServerCommand =
  | { type: 'start'; order: ServerOrder }
  /** Answered by `log`. */
  | { type: 'read' };

export type ServerReply =
  | { type: 'listening'; protocol: number; port: number; certPem: string | undefined }
  | { type: 'log'; requests: Seen[]; accepted: number };
