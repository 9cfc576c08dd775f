// The flow of a scenario: what one user does, in order. Parsed once, with every mistake named by its place.
import { setTimeout as delay } from 'node:timers/promises';

export type Step =
  | { type: 'request'; request: number }
  | { type: 'think'; ms: number }
  | { type: 'loop'; count: number; steps: readonly Step[] };

const EXPECTED =
  'request (as the setting request of a conntax scenario), think (seconds), or loop (steps) with count';

/** Gives each different request of all flows its number. */
export class RequestList {
  readonly #numbers = new Map<string, number>();

  numberOf(request: object): number {
    const key = JSON.stringify(request);
    const known = this.#numbers.get(key) ?? this.#numbers.size;
    this.#numbers.set(key, known);
    return known;
  }

  /**
   * As settings of a conntax scenario.
   *
   * @param shares how often each is sent, by its number
   */
  settings(shares: readonly number[]): { request: object } | { requests: object[] } {
    const all = [...this.#numbers.keys()].map(key => JSON.parse(key) as object);
    return all.length > 1
      ? { requests: all.map((request, index) => ({ ...request, weight: shares[index] })) }
      : { request: all[0] ?? {} };
  }
}

/** How often a user sends each request, by its number, if nothing ends its flow early. */
export function countRequests(steps: readonly Step[], times = 1, counts: number[] = []): number[] {
  for (const step of steps) {
    if (step.type === 'request') counts[step.request] = (counts[step.request] ?? 0) + times;
    if (step.type === 'loop') countRequests(step.steps, times * step.count, counts);
  }
  return counts;
}

/** @throws Error that names the step which is wrong, and what was expected */
export function parseFlow(flow: unknown, place: string, requests: RequestList): Step[] {
  if (!Array.isArray(flow) || flow.length === 0)
    throw new Error(`${place}: there is nothing to do; expected: steps, each ${EXPECTED}`);
  return flow.map((step, index) => parseStep(step, `${place}[${index}]`, requests));
}

function parseStep(step: unknown, place: string, requests: RequestList): Step {
  if (typeof step !== 'object' || step === null)
    throw new Error(`${place}: ${JSON.stringify(step)} is not a step; expected: ${EXPECTED}`);
  const { request, think, loop, count, ...others } = step as Record<string, unknown>;
  const given = Object.entries({ request, think, loop }).filter(([, value]) => value !== undefined);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new Error(`${place}: unknown step ${JSON.stringify(unknown)}; expected: ${EXPECTED}`);
  if (given.length !== 1) throw new Error(`${place}: expected one of ${EXPECTED}`);
  if (think !== undefined) {
    if (typeof think !== 'number' || !(think >= 0))
      throw new Error(`${place}.think: ${JSON.stringify(think)} is not a number of seconds`);
    return { type: 'think', ms: think * 1_000 };
  }
  if (loop !== undefined) {
    if (typeof count !== 'number' || !Number.isInteger(count) || count < 1)
      throw new Error(`${place}.count: ${JSON.stringify(count)} is not a whole number from 1 on`);
    return { type: 'loop', count, steps: parseFlow(loop, `${place}.loop`, requests) };
  }
  if (typeof request !== 'object' || request === null)
    throw new Error(
      `${place}.request: ${JSON.stringify(request)} is not a request; expected: such as { path: / }`,
    );
  const [variable] = /\{\{.*?\}\}/.exec(JSON.stringify(request)) ?? [];
  if (variable !== undefined)
    throw new Error(
      `${place}.request: ${variable} is a variable, and a request has the same bytes each time; expected: a fixed value`,
    );
  return { type: 'request', request: requests.numberOf(request) };
}

/** Does the steps until the turn of the user's client is over. */
export async function runFlow(
  steps: readonly Step[],
  { send, over }: { send: (request: number) => Promise<void>; over: AbortSignal },
): Promise<void> {
  for (const step of steps) {
    if (over.aborted) return;
    switch (step.type) {
      case 'request':
        await send(step.request);
        break;
      case 'think':
        await delay(step.ms, undefined, { signal: over }).catch(() => {}); // only its signal can end it early
        break;
      case 'loop':
        for (let time = 0; time < step.count && !over.aborted; time++)
          await runFlow(step.steps, { send, over });
        break;
      default:
        step satisfies never;
    }
  }
}
