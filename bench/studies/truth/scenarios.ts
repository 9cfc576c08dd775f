// The scenarios of `npm run bench:truth`, and how one is run against a witness's server.
import { fileURLToPath } from 'node:url';
import type { ScenarioInput } from '../../../scenarios/model/scenario.ts';
import { completedOf, type Measured, runConntax } from './conntax-run.ts';
import { countAccepted } from './kernel.ts';
import { ARM, connectionLines, USERS } from './lines.ts';
import type { Seen, ServerOrder } from './protocol.ts';
import type { Line } from './verdict.ts';
import { inWindows, type Server, startServer } from './witnesses.ts';

export interface Row {
  name: string;
  measure: () => Promise<Line[]>;
}

export type Clients = NonNullable<ScenarioInput['clients']>;
type Timing = NonNullable<ScenarioInput['timing']>;

export const POOL = { maxConnections: USERS, idleTimeoutMs: 60_000 };
const LOGGING = fileURLToPath(new URL('./logging-client.ts', import.meta.url));
const TIMING = { warmupMinMs: 500, warmupMaxMs: 1_000, measureMs: 8_000, budgetMs: 60_000 };
const ONCE = { minReplicates: 1, maxReplicates: 1 };

/** @param more settings over those of one replicate of 8 s */
export const timing = (more: Timing = {}): Timing => ({ ...TIMING, ...ONCE, ...more });

export const scenarioOf = (rest: Partial<ScenarioInput> & { clients: Clients }): ScenarioInput => ({
  name: 'truth',
  question: 'Is each figure what an independent witness says?',
  baseline: Object.keys(rest.clients)[0]!,
  load: { concurrency: USERS },
  timing: timing(),
  ...rest,
});

/** A client that logs; it supports no other setting of a pool than this one. */
export const loggingClient = (
  options: Record<string, string | number | boolean>,
  maxConnections = USERS,
): Clients[string] => ({
  transport: LOGGING,
  pool: { maxConnections },
  options,
});

export const targetOf = (
  { url, caPem }: Server,
  protocol: 'http1' | 'h2' = 'http1',
): ScenarioInput['target'] => ({
  url,
  protocol,
  ...(caPem === undefined ? {} : { caFile: './ca.pem' }),
});

export async function withServer<T>(
  order: Partial<ServerOrder>,
  use: (server: Server) => Promise<T>,
): Promise<T> {
  const server = await startServer(order);
  try {
    return await use(server);
  } finally {
    server.close();
  }
}

/** Runs conntax against the server, while server and kernel count connections. */
export async function measureAgainst(
  server: Server,
  scenario: (logDir: string) => ScenarioInput,
): Promise<{ measured: Measured; log: Seen[]; connections: Line[] }> {
  const { result: measured, accepted: kernel } = await countAccepted(() =>
    runConntax(scenario, server.caPem),
  );
  // Over TLS, one more connection asks for versions and protocols before the run.
  const asked = server.caPem === undefined ? 1 : 2;
  const connections = connectionLines(measured, { server: await server.accepted(), kernel }, asked);
  // The first asks whether the server is there.
  return { measured, log: (await server.read()).slice(1), connections };
}

/** The requests of the arm's windows, by the log of its client in a run of one replicate. */
export function loggedInWindows(measured: Measured, arm = ARM): { found: Seen[]; offBy: number } {
  const [trial] = completedOf(measured, arm);
  if (trial === undefined) throw new Error(`no trial of ${arm} was completed:\n${measured.text}`);
  return inWindows(measured.logs.get(arm)!.at(-1)!, trial.measurement.slices);
}
