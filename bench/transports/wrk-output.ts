// In: what our script lets wrk print. Out: its counts, and the latencies that it really measured.

export interface WrkCounts {
  durationUs: number;
  /** Answers, those with a bad status included. */
  requests: number;
  /** Received, response headers included. */
  bytes: number;
  connectErrors: number;
  readErrors: number;
  writeErrors: number;
  statusErrors: number;
  /** Answers that took longer than wrk keeps latencies for. */
  timeouts: number;
  /** CPU time of the process until it had stopped sending. */
  cpuUs: number;
}

export interface WrkOutput {
  counts: WrkCounts;
  /** Latencies in µs, each with its number, ascending. */
  latencies: readonly (readonly [us: number, count: number])[];
}

/** Printed by `done`, which wrk calls at its end: our line of counts, then each latency with how often it occurred. */
export const WRK_SCRIPT = `
done = function(summary, latency)
  local cpu, errors = os.clock(), summary.errors
  io.write(string.format("counts %d %d %d %d %d %d %d %d %.6f\\n", summary.duration, summary.requests, summary.bytes,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout, cpu))
  for i = 1, #latency do
    local us, count = latency(i)
    io.write(string.format("latency %d %d\\n", us, count))
  end
  io.write("end\\n")
end
`;

/** @throws Error when the output is not that of our script, or contradicts itself. */
export function readWrkOutput(output: string, connections: number): WrkOutput {
  const [, line] = /^counts ([\d. ]+)$/m.exec(output) ?? [];
  if (line === undefined || !output.endsWith('end\n')) {
    throw new Error(`wrk did not print what its script says: ${output.slice(-500)}`);
  }
  const [
    durationUs,
    requests,
    bytes,
    connectErrors,
    readErrors,
    writeErrors,
    statusErrors,
    timeouts,
    cpuSec,
  ] = line.split(' ').map(Number) as [number, number, number, number, number, number, number, number, number];
  const printed = [...output.matchAll(/^latency (\d+) (\d+)$/gm)].map(
    ([, us, count]) => [Number(us), Number(count)] as const,
  );
  const latencies = uncorrected(printed, expectedIntervalUs(durationUs, requests, connections));
  const kept = latencies.reduce((sum, [, count]) => sum + count, 0);
  if (kept !== requests - timeouts) {
    throw new Error(
      `wrk counted ${requests} answers, ${timeouts} of them too late to keep, but its latencies are of ${kept}`,
    );
  }
  const cpuUs = cpuSec * 1e6;
  return {
    counts: {
      durationUs,
      requests,
      bytes,
      connectErrors,
      readErrors,
      writeErrors,
      statusErrors,
      timeouts,
      cpuUs,
    },
    latencies,
  };
}

/** What wrk takes for the time between two requests of a connection, µs; 0: it corrects nothing. */
function expectedIntervalUs(durationUs: number, requests: number, connections: number): number {
  const perConnection = Math.floor(requests / connections);
  return perConnection === 0 ? 0 : Math.floor(durationUs / perConnection);
}

/**
 * wrk "corrects" its latencies for coordinated omission before anybody sees them: for each of n µs, in which an interval
 * fits at least twice, it adds one of n - interval, one of n - 2 x interval and so on, as long as that is more than the
 * interval. In a closed loop, whose users do wait, these are samples that never were. The interval is known, so they can be
 * taken out again exactly, from the longest latency down: what was added to a latency came from longer ones only.
 */
export function uncorrected(
  corrected: readonly (readonly [us: number, count: number])[],
  intervalUs: number,
): [us: number, count: number][] {
  const longestUs = corrected.at(-1)?.[0] ?? 0;
  const measured = new Map<number, number>();
  for (const [us, count] of corrected.toReversed()) {
    let added = 0;
    if (intervalUs > 0 && us > intervalUs) {
      for (let longer = us + intervalUs; longer <= longestUs; longer += intervalUs) {
        added += measured.get(longer) ?? 0;
      }
    }
    if (count > added) measured.set(us, count - added);
  }
  return [...measured].reverse();
}
