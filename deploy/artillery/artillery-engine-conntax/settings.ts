// The settings of the engine in a script of Artillery: a conntax scenario without its load, and how turns are taken.
import { nameHint, parsePhaseName, type Turn } from 'conntax/embed';
import { countRequests, parseFlow, RequestList, type Step } from './flow.ts';

// What Artillery gives an engine, as far as it is used here (artillery 2.0, dist/lib/core/runner.js and phases.js).

/** A phase as Artillery gives it to one of its workers. */
export interface Phase {
  name?: string;
  pause?: number;
  /** Seconds. */
  duration?: number;
  arrivalRate?: number;
  arrivalCount?: number;
  rampTo?: number;
  /** Number of the worker on its machine, from 1; absent where the work is not divided. */
  worker?: number;
}

export interface ScenarioSpec {
  name?: string;
  engine?: string;
  weight?: number | string;
  flow?: unknown;
}

export interface Script {
  config: {
    target?: string;
    /** Of scenarios that name none. */
    engine?: string;
    phases?: readonly Phase[];
    engines?: Readonly<Record<string, unknown>>;
  };
  scenarios?: readonly ScenarioSpec[];
}

export interface EngineSettings {
  /** As in a scenario file of conntax. */
  scenario: Record<string, unknown>;
  /** Of each scenario of the script, in their order; undefined for those of other engines. */
  flows: readonly (readonly Step[] | undefined)[];
  /** Requests that a user sends, on average over the scenarios by their weights. */
  requestsPerUser: number;
  warmUpMs: number;
  drainMs: number;
  allowedHosts: readonly string[];
}

/** Of config.engines.conntax. */
const SETTINGS = [
  'clients',
  'baseline',
  'target',
  'name',
  'question',
  'phases',
  'warmUpSec',
  'drainSec',
  'allowHosts',
] as const;
/** Of a conntax scenario; a script of Artillery has them elsewhere. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  request: 'requests in the flow of scenarios',
  requests: 'requests in the flow of scenarios',
  load: 'the load in config.phases',
};

const DEFAULT_WARM_UP_SEC = 1;
const DEFAULT_DRAIN_SEC = 10;

/** @throws Error with everything that is wrong, line by line */
export function readSettings(script: Script): EngineSettings {
  const settings = script.config.engines?.['conntax'];
  const problems: string[] = [];
  const attempt = <Result>(read: () => Result): Result | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push((error as Error).message);
      return undefined;
    }
  };
  if (typeof settings !== 'object' || settings === null)
    throw new Error('config.engines.conntax: expected: clients, by name, and baseline');
  const {
    warmUpSec,
    drainSec,
    allowHosts = [],
    target = {},
    ...stated
  } = settings as Record<string, unknown>;
  const requests = new RequestList();
  const flows = (script.scenarios ?? []).map(({ engine = script.config.engine, flow }, index) =>
    engine === 'conntax' ? attempt(() => parseFlow(flow, `scenarios[${index}].flow`, requests)) : undefined,
  );
  const warmUpMs = attempt(() => readSeconds('warmUpSec', warmUpSec, DEFAULT_WARM_UP_SEC));
  const drainMs = attempt(() => readSeconds('drainSec', drainSec, DEFAULT_DRAIN_SEC));
  if (flows.every(flow => flow === undefined) && problems.length === 0)
    problems.push('scenarios: none is for this engine; expected: engine: conntax in at least one');
  const clients = stated['clients'];
  const arms = typeof clients === 'object' && clients !== null ? Object.keys(clients) : [];
  problems.push(...findPhaseProblems(script.config.phases ?? [], arms));
  if (!Array.isArray(allowHosts) || allowHosts.some(host => typeof host !== 'string'))
    problems.push('config.engines.conntax.allowHosts: expected: a list of hosts');
  for (const name of Object.keys(settings).filter(key => !(SETTINGS as readonly string[]).includes(key)))
    problems.push(
      `config.engines.conntax.${name}: unknown setting; ${Object.hasOwn(ELSEWHERE, name) ? `expected: ${ELSEWHERE[name]}` : nameHint(name, SETTINGS)}`,
    );
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const shares = shareRequests(script.scenarios ?? [], flows);
  return {
    scenario: {
      name: 'artillery',
      question: `How do ${arms.join(' and ')} compare under the load of Artillery?`,
      ...stated,
      ...requests.settings(shares),
      target: { url: script.config.target, ...(target as object) },
    },
    flows,
    requestsPerUser: shares.reduce((sum, share) => sum + share, 0),
    warmUpMs: warmUpMs!,
    drainMs: drainMs!,
    allowedHosts: allowHosts as string[],
  };
}

/** How often a user sends each request on average. */
function shareRequests(
  scenarios: readonly ScenarioSpec[],
  flows: readonly (readonly Step[] | undefined)[],
): number[] {
  // As Artillery reads it: a fraction is cut off. A template has no value yet.
  const weightOf = ({ weight = 1 }: ScenarioSpec): number => {
    const whole = Number.parseInt(String(weight), 10);
    return Number.isNaN(whole) ? 1 : whole;
  };
  const total = scenarios.reduce((sum, scenario) => sum + weightOf(scenario), 0);
  const shares: number[] = [];
  for (const [index, scenario] of scenarios.entries())
    for (const [request, count = 0] of countRequests(flows[index] ?? []).entries())
      shares[request] = (shares[request] ?? 0) + (count * weightOf(scenario)) / total;
  return shares;
}

/** What a phase asks of this worker. */
export function dueIn(phase: Phase, requestsPerUser: number): { requests: number; ms: number } {
  const { duration = 1, arrivalCount, arrivalRate = 0, rampTo = arrivalRate } = phase;
  const users = arrivalCount ?? ((Number(arrivalRate) + Number(rampTo)) / 2) * Number(duration);
  return { requests: users * requestsPerUser, ms: Number(duration) * 1_000 };
}

function readSeconds(name: string, value: unknown, byDefault: number): number {
  if (value === undefined) return byDefault * 1_000;
  if (typeof value === 'number' && value >= 0) return value * 1_000;
  throw new Error(`config.engines.conntax.${name}: ${JSON.stringify(value)} is not a number of seconds`);
}

/** Every phase in which users arrive must say whose turn it is, and every block have a turn of each client. */
function findPhaseProblems(phases: readonly Phase[], arms: readonly string[]): string[] {
  const seen = new Set<string>();
  const wrong = phases.flatMap((phase, index) => {
    const place = `config.phases[${index}]`;
    const turn = parsePhaseName(phase.name);
    if (turn === undefined)
      return isPause(phase)
        ? []
        : [
            `${place}.name: ${phase.name === undefined ? 'is missing' : `${JSON.stringify(phase.name)} does not say whose turn it is`}; expected: a client and the number of its turn, such as '${arms[0] ?? 'short'} #1'`,
          ];
    if (!arms.includes(turn.arm))
      return [`${place}.name: no client ${JSON.stringify(turn.arm)}; expected: ${arms.join(' or ')}`];
    const key = keyOf(turn);
    // A worker without a share of a phase gets a pause of the same name, but only one.
    if (seen.has(key))
      return [`${place}.name: ${key} is also the name of an earlier phase; expected: each turn once`];
    seen.add(key);
    return [];
  });
  // They would follow from what is wrong already.
  return wrong.length > 0 ? wrong : findMissingTurns(phases, arms);
}

/** Turns are compared within their block. */
function findMissingTurns(phases: readonly Phase[], arms: readonly string[]): string[] {
  const turns = phases.flatMap(({ name }) => parsePhaseName(name) ?? []);
  const taken = new Set(turns.map(keyOf));
  const blocks = [...new Set(turns.map(({ block }) => block))];
  if (blocks.length === 0)
    return ["config.phases: no phase is a turn of a client; expected: such as 'short #1'"];
  return arms.flatMap(arm => {
    const missing = blocks.filter(block => !taken.has(keyOf({ arm, block })));
    if (missing.length === blocks.length)
      return [
        `config.engines.conntax.clients.${arm}: no phase is its turn; expected: a phase named '${arm} #${blocks[0]}', or no such client`,
      ];
    return missing.map(
      block =>
        `config.phases: block ${block} has no turn of ${arm}; expected: a phase named '${arm} #${block}'`,
    );
  });
}

/** Also of a worker that has no share of a phase, whose name the pause then has. */
export function isPause({ arrivalRate, arrivalCount, rampTo }: Phase): boolean {
  return !arrivalRate && !arrivalCount && !rampTo;
}

function keyOf({ arm, block }: Turn): string {
  return `${arm} #${block}`;
}
