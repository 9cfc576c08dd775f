// What a client and its server held in a slice of some seconds, for tests.
import type { Held } from '../model/trial.ts';

interface SampleHeldOptions {
  /** Connections that each request leaves open. */
  leftPerRequest: number;
  samples?: number;
  /** Requests begun at a sample; default: 20 more at each. */
  sentAt?: (place: number) => number;
}

const EVERY_MS = 50;
const OWN_DESCRIPTORS = 22;
const RSS_BYTES = 90_000_000;
const BYTES_PER_CONNECTION = 30_000;

export function sampleHeld({
  leftPerRequest,
  samples = 60,
  sentAt = place => place * 20,
}: SampleHeldOptions): Held {
  const places = Array.from({ length: samples }, (_, place) => place);
  const atMs = places.map(place => 4_000 + place * EVERY_MS);
  // Connections come and go with requests in flight, above those that are left.
  const inFlight = places.map(place => (place * 7) % 5);
  const left = places.map(place => Math.floor(sentAt(place) * leftPerRequest));
  const descriptors = left.map((count, place) => OWN_DESCRIPTORS + count + inFlight[place]!);
  const rssBytes = left.map(count => RSS_BYTES + count * BYTES_PER_CONNECTION);
  return {
    everyMs: EVERY_MS,
    client: {
      atMs,
      inFlight,
      sent: places.map(sentAt),
      descriptors,
      rssBytes,
      heapBytes: rssBytes.map(bytes => bytes / 4),
    },
    server: { atMs, descriptors, rssBytes },
    sockets: [0, 20, 40]
      .filter(place => place < samples)
      .map(place => ({
        atMs: atMs[place]!,
        client: { ESTABLISHED: left[place]!, ...(place === 20 ? { SYN_SENT: 2 } : {}) },
        server: { ESTABLISHED: left[place]! },
      })),
  };
}
