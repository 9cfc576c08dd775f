// What a process used and held: as it is read, and as it is stored with a trial. Plain data.
import { z } from 'zod';

const count = () => z.int().min(0);
const amount = () => z.number().min(0);

/** How long the control group of a process, such as a container, had used up its CPU time. Cumulative, or of the slices. */
export const Throttling = z.strictObject({
  cpus: amount().describe('CPU time that the group may use per time, in cores'),
  periodMs: amount().describe('What is used up in a period is waited for until the next one'),
  periods: count().describe('Periods in which the group had something to run'),
  throttledPeriods: count().describe('Of them, those in which it was stopped because its time was used up'),
  throttledMs: amount().describe('Time for which it was stopped, added over the cores that it ran on'),
});
export type Throttling = z.infer<typeof Throttling>;

/** What a process used while its arm was measured (steady slices, ramp and drain included; no warm-up). */
export const Resources = z.strictObject({
  cpuUs: amount().describe('CPU time of all threads, user and system'),
  cpuUsPerRequest: amount().describe('CPU time divided by the requests that ended in the slices'),
  cpuRatio: amount().describe(
    'CPU time / wall time; above 0.9 the process is the bottleneck. Of several generators: of the time of the cores that they had',
  ),
  eventLoopRatio: amount()
    .nullable()
    .describe('Event-loop utilisation, 0 to 1; null for a process that is not of conntax'),
  runDelayRatio: amount().describe('Share of the time that its main thread was ready and waited for a core'),
  rssBytes: amount().describe('Largest resident memory seen'),
  stops: count()
    .default(0)
    .describe(
      'How often it was stopped and continued (SIGSTOP, SIGCONT) in the slices; 0 where that is not counted',
    ),
  throttling: Throttling.optional().describe(
    'Of the control group with a CPU limit that stopped it in most periods, other processes of the group included; absent without a limit, and in runs of older versions',
  ),
});
export type Resources = z.infer<typeof Resources>;

/** CPU and event loop of a process, cumulative. */
export interface ProcessReading {
  /** The process's own monotonic clock. */
  atMs: number;
  cpuUs: number;
  loopActiveMs: number;
  loopIdleMs: number;
  /** Time that the main thread was ready to run and waited for a core; 0 where the kernel does not say. */
  runDelayMs: number;
  rssBytes: number;
  /** Signals by which it was continued after a stop; absent of processes that do not count them. */
  continued?: number;
  /** The control groups with a CPU limit that it is in, the innermost first; absent without one. */
  throttling?: readonly Throttling[];
}

/** TCP sockets by the kernel's name of their state, such as CLOSE_WAIT. */
const SocketsByState = z.record(z.string(), count());

/** What the client's process held, sampled by itself. One value per sample in each list. */
export const HeldByClient = z.strictObject({
  atMs: z.array(z.number()).describe('Since the start of the replicate'),
  inFlight: z
    .array(count())
    .describe('Requests without an answer yet, those that wait for a connection included'),
  sent: z.array(count()).describe('Requests begun since the generator started'),
  descriptors: z.array(count()).describe("Open descriptors: sockets, and some twenty of the process's own"),
  rssBytes: z.array(amount().nullable()).describe('Resident memory; null: no descriptor was left to read it'),
  heapBytes: z.array(amount().nullable()).describe('JavaScript heap in use; null likewise'),
});
export type HeldByClient = z.infer<typeof HeldByClient>;

/** What the target's process held, as the kernel says. One value per sample in each list. */
export const HeldByServer = z.strictObject({
  atMs: z.array(z.number()).describe('Since the start of the replicate'),
  descriptors: z.array(count()).describe('Open descriptors, connections of other clients included'),
  rssBytes: z.array(amount()).describe('Resident memory'),
});
export type HeldByServer = z.infer<typeof HeldByServer>;

/** What generator and target held in the course of a slice that lasts for a whole replicate. */
export const Held = z.strictObject({
  everyMs: amount().describe('Time between two samples; a busy process takes fewer'),
  client: HeldByClient,
  server: HeldByServer.nullable().describe('null for a server that conntax did not start as its own'),
  sockets: z
    .array(z.strictObject({ atMs: z.number(), client: SocketsByState, server: SocketsByState }))
    .describe(
      "Connections of this client that were open when the slice began or opened in it, at both ends. Less often than the rest: as often as 0.4 % of a core permits. Empty without conntax's own target, or behind a link",
    ),
});
export type Held = z.infer<typeof Held>;
