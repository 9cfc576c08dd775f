// In: nothing. Out: what the witnesses of `npm run bench:truth` are told and what they write down.

/** How the server answers; times in ms. */
export interface ServerOrder {
  status: number;
  meanMs: number;
  /** Of a lognormal service time; 0: always the mean. */
  sigma: number;
  /** So many of 1,000 requests take `slowMs`. */
  slowPerMille: number;
  slowMs: number;
  /** So many of 1,000 requests are never answered. */
  silentPerMille: number;
  /** The whole server stands still for `stopMs` once in `everyMs`; 0: never. */
  stopMs: number;
  everyMs: number;
}

export const PLAIN_SERVER: ServerOrder = {
  status: 200,
  meanMs: 50,
  sigma: 0,
  slowPerMille: 0,
  slowMs: 0,
  silentPerMille: 0,
  stopMs: 0,
  everyMs: 0,
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
}

export type ServerMessage =
  | { type: 'listening'; port: number }
  | { type: 'log'; requests: Seen[]; accepted: number };
