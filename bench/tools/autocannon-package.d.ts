// What is used of the package autocannon 9.0.0, which brings no types; those on the registry are of version 7.
declare module 'autocannon' {
  export interface Options {
    url: string;
    connections: number;
    pipelining: number;
    /** Seconds. */
    duration: number;
    /** Seconds from a request to its whole answer. */
    timeout: number;
    /** How often it adds up what it counts, and looks whether it is to stop, ms. */
    sampleInt: number;
    headers: Readonly<Record<string, string>>;
    /** Called with each client before it connects. */
    setupClient(client: unknown): void;
  }

  /** Starts at once; resolves when every client has stopped. */
  export default function autocannon(options: Options): PromiseLike<unknown>;
}
