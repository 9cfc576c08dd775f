// The parts of the package autocannon 9.0.0 that conntax uses; it has no types, and those on the registry are for version 7.
declare module 'autocannon' {
  export interface Options {
    url: string;
    connections: number;
    pipelining: number;
    /** Seconds. */
    duration: number;
    /** Seconds from a request to its complete response. */
    timeout: number;
    /** Interval of its statistics and of its check whether to stop, ms. */
    sampleInt: number;
    requests: readonly {
      method: string;
      path: string;
      headers: Readonly<Record<string, string>>;
      body?: Buffer;
    }[];
    /** Called with each client before it connects. */
    setupClient(client: unknown): void;
  }

  /** Starts at once; resolves when every client has stopped. */
  export default function autocannon(options: Options): PromiseLike<unknown>;
}
