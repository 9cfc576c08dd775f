// Builds a trial from the times of its requests and connections, as a generator would have recorded it.
import { Link } from '../../scenarios/model/target.ts';
import { createLatencyRecorder } from '../histogram.ts';
import type { CompletedTrial, Histogram, Trial } from '../model/trial.ts';
import { sampleRun } from './sample-run.ts';

/** All in µs; a time that is left out is not reported by the client. */
export interface PhasedRequest {
  lateUs?: number;
  waitUs?: number;
  firstByteUs?: number;
  bodyUs?: number;
  /** Service time beyond the phases given. */
  restUs?: number;
}

export interface PhasedTrial {
  requests: readonly PhasedRequest[];
  /** Opened in the windows. */
  connections?: readonly { connectUs: number; tlsUs?: number }[];
  failed?: number;
  link?: Partial<Link>;
  trial?: Partial<Trial>;
}

const { trials } = sampleRun({ replicates: 1, blocks: 1 });
const [base] = trials;

export function phasedTrial({
  requests,
  connections = [],
  failed = 0,
  link,
  trial,
}: PhasedTrial): CompletedTrial {
  if (base?.state !== 'completed') throw new Error('the first trial of a sample run has no figures');
  const serviceUs = ({ waitUs = 0, firstByteUs = 0, bodyUs = 0, restUs = 0 }: PhasedRequest) =>
    waitUs + firstByteUs + bodyUs + restUs;
  return {
    ...base,
    trial: { ...base.trial, ...(link === undefined ? {} : { link: Link.parse(link) }), ...trial },
    measurement: {
      ...base.measurement,
      completed: requests.length,
      failed,
      response: histogramOf(requests.map(request => serviceUs(request) + (request.lateUs ?? 0))),
      service: histogramOf(requests.map(serviceUs)),
      wait: histogramOf(requests.map(({ waitUs }) => waitUs)),
      firstByte: histogramOf(requests.map(({ firstByteUs }) => firstByteUs)),
      body: histogramOf(requests.map(({ bodyUs }) => bodyUs)),
      connect: histogramOf(connections.map(({ connectUs }) => connectUs)),
      tls: histogramOf(connections.map(({ tlsUs }) => tlsUs)),
      ledger: {
        ...base.measurement.ledger,
        opened: connections.length,
        accepted: connections.length,
        requestsSent: requests.length + failed,
      },
    },
  };
}

function histogramOf(timesUs: readonly (number | undefined)[]): Histogram {
  const recorder = createLatencyRecorder();
  for (const us of timesUs) if (us !== undefined) recorder.recordUs(us);
  const histogram = recorder.summary();
  recorder.close();
  return histogram;
}
