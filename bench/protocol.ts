// Messages between the parent and a generator process. They never go over the measured port.
import type {
  Censored,
  Histogram,
  Measurement,
  ProcessReading,
  Timeline,
  Trial,
} from '../results/model/trial.ts';
import type { Endpoint } from '../servers/protocol.ts';
import type { EnginePool, ScheduleCounts, WindowSchedule } from './contracts.ts';

/** One turn of load: ramp, then the steady window, then drain. */
export interface SliceOrder {
  rampMs: number;
  windowMs: number;
  /** How long in-flight exchanges may take to end after the window; what is left then is abandoned. */
  drainMs: number;
  /** Whether the window goes into the trial's histograms and timeline (not while warming up). */
  isRecorded: boolean;
  /** When the replicate began, ms since the Unix epoch: gives the arms one time axis. */
  epochMs: number;
  /** Of a closed load: the users' first requests are spread over so long. */
  spreadMs?: number;
  /** Of a capacity search: the rate of this turn. */
  ratePerSec?: number;
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
  /** Given up at the end of the drain. */
  censored: number;
  /** Exchanges that ended within the window, whenever they began; null where that is not known. */
  ended: number | null;
  /** Of closed loads: what users spent on the requests of the window, pauses before them included; null where not known. */
  userMs: number | null;
  /** Mean response time over completed and censored ones of the window, 0 when there are none. */
  meanUs: number;
  /** The longest request of the window that came to an end, good or not. */
  longestMs: number;
  /** All exchanges ended during the slice. */
  exchanges: number;
  /** Connections opened during the slice; null where the client does not count them. */
  opened: number | null;
  /** 50th and 99th percentile of the window's response times; null where they were not asked for. */
  p50Us: number | null;
  p99Us: number | null;
  /** Of open loads. */
  schedule?: WindowSchedule;
  before: ProcessReading;
  after: ProcessReading;
}

/** Everything a generator knows at its end. */
export interface GeneratorReading {
  sent: number;
  answered: number;
  failed: number;
  unfinished: number;
  /** null where the client does not count its connections. */
  opened: number | null;
  /** To anything else than the endpoint. */
  openedElsewhere: number;
  /** Of a load tool; null: the client's settings say how many connections it keeps. */
  pool: EnginePool | null;
  handshakesFull: number;
  handshakesResumed: number;
  completedRecorded: number;
  failedRecorded: number;
  /** Exchanges that ended within the recorded windows, whenever they began. */
  endedRecorded: number;
  bytesRecorded: number;
  outcomes: Measurement['outcomes'];
  statuses: Measurement['statuses'];
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
  caveats: string[];
  timeline: Timeline;
}

export type GeneratorReply =
  /** dropsInFlight: whether its client drops what is in flight at the end of a window. */
  | { type: 'ready'; protocol: number; dropsInFlight: boolean }
  | { type: 'slice'; reading: SliceReading }
  | { type: 'finished'; reading: GeneratorReading }
  | { type: 'failed'; message: string };
