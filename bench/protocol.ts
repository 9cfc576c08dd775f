// Messages between the parent and a generator process. They never go over the measured port.
import type { HeldByClient, ProcessReading } from '../results/model/process.ts';
import type {
  Attempts,
  Censored,
  Histogram,
  Ledger,
  MachineShare,
  Measurement,
  Outcome,
  Timeline,
  Trial,
} from '../results/model/trial.ts';
import type { Endpoint } from '../servers/protocol.ts';
import type { EnginePool, ScheduleCounts, SliceTimes, WindowSchedule } from './contracts.ts';
import type { PauseCounts } from './load/folds.ts';

/** One slice: ramp, then the steady window, then drain. */
export interface SliceOrder extends Omit<SliceTimes, 'originMs' | 'startAtMs'> {
  /** When the replicate began, ms since the Unix epoch: a common time axis for all arms. */
  epochMs: number;
  /** Time between two samples of what the process holds; absent: none are taken. */
  heldEveryMs?: number;
  /** Files of a profile of this slice, without their extensions. */
  profilePath?: string;
  /** Where generators on several machines begin together; absent: it begins at once. */
  clock?: SliceClock;
}

/** By the clock of the generator's machine that nobody sets (`monotonicMs`). */
export interface SliceClock {
  /** What epochMs is by that clock. */
  epochMs: number;
  startAtMs: number;
}

export type GeneratorCommand =
  | { type: 'prepare'; trial: Trial; endpoint: Endpoint }
  /** Answered by `slice`. */
  | { type: 'slice'; order: SliceOrder }
  /** Ends the running slice's window now; its `slice` answer follows. */
  | { type: 'cut' }
  /** Closes every connection; answered by `finished`. */
  | { type: 'finish' };

export interface SliceReading {
  /** Window start since epochMs. */
  atMs: number;
  windowMs: number;
  completed: number;
  failed: number;
  /** Abandoned at the end of the drain. */
  censored: number;
  /** Exchanges that ended within the window, regardless of their start; null if unknown. */
  ended: number | null;
  /** Closed loads: time that users spent on the window's requests, including the pauses before them; null if unknown. */
  userMs: number | null;
  /** Mean response time of completed and censored requests of the window; 0 without any. */
  meanUs: number;
  /** The longest request of the window that ended, successfully or not. */
  longestMs: number;
  /** All exchanges ended during the slice. */
  exchanges: number;
  /** Connections opened during the slice; null if the client does not count them. */
  opened: number | null;
  /** 50th and 99th percentile of the window's response times; null if not requested. */
  p50Us: number | null;
  p99Us: number | null;
  /** The distribution that they are quantiles of; absent if not requested. */
  probe?: Histogram;
  /** Medians over the connections opened in the window; null if not requested, or there is none. */
  connectUs: number | null;
  tlsUs: number | null;
  /** Open loads only. */
  schedule?: WindowSchedule;
  /** Absent if not requested, and of load tools. */
  held?: HeldByClient;
  before: ProcessReading;
  after: ProcessReading;
}

/** Everything a generator reports at its end. */
export interface GeneratorReading {
  sent: number;
  answered: number;
  failed: number;
  /** Those that failed, by kind. */
  failures: Partial<Record<Outcome, number>>;
  unfinished: number;
  /** What was sent for them; absent: each was one attempt. */
  attempts?: Attempts;
  /** null if the client does not count its connections. */
  opened: number | null;
  /** Connections to anything but the endpoint. */
  openedElsewhere: number;
  /** Of each of several origins, in their order; empty where there is one. */
  origins: { sent: number; opened: number }[];
  /** What became of its connections between slices; absent where that is not known. */
  pauses?: PauseCounts;
  /** Connections still open before the client was closed; null if the client does not count them. */
  leftOpen: number | null;
  /** For a load tool; null: the client's settings determine the number of connections. */
  pool: EnginePool | null;
  /** Connections needed, if several processes share the load; absent: the trial's settings determine it. */
  needed?: Ledger['needed'];
  handshakesFull: number;
  handshakesResumed: number;
  completedRecorded: number;
  failedRecorded: number;
  /** Exchanges that ended within the recorded windows, regardless of their start. */
  endedRecorded: number;
  bytesRecorded: number;
  outcomes: Measurement['outcomes'];
  statuses: Measurement['statuses'];
  responseByClass: Measurement['responseByClass'];
  requests: Measurement['requests'];
  censored: Censored | null;
  response: Histogram;
  service: Histogram;
  wait: Histogram;
  firstByte: Histogram;
  body: Histogram;
  connect: Histogram;
  tls: Histogram;
  /** Open loads only. */
  lateness: Histogram | null;
  arrivals: ScheduleCounts | null;
  /** What went wrong when the client was closed; absent: nothing. */
  closing?: string;
  caveats: string[];
  timeline: Timeline;
  /** Of each machine that sent a part; absent: all was sent from this one. */
  machines?: MachineShare[];
}

export type GeneratorReply =
  /** dropsInFlight: whether its client drops requests in flight at the end of a window; hasUsers: whether some may rest. */
  | { type: 'ready'; protocol: number; dropsInFlight: boolean; hasUsers: boolean }
  | { type: 'slice'; reading: SliceReading }
  | { type: 'finished'; reading: GeneratorReading }
  | { type: 'failed'; message: string };
