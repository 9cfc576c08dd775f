// What a generator takes from its surroundings: files by their path, and secrets by the name of a variable.
import type { Trial } from '../../results/model/trial.ts';
import type { Scenario } from '../../scenarios/model/scenario.ts';

type Asking = Pick<Scenario, 'request' | 'requests'>;

function requestsOf({ request, requests = [] }: Asking) {
  return request === undefined ? requests : [request, ...requests];
}

/** Certificates and keys are not among them: they are sent with the endpoint. */
export function filesOf(scenario: Pick<Scenario, 'clients'> & Asking): string[] {
  return [
    ...Object.values(scenario.clients).flatMap(({ modulePath }) => modulePath ?? []),
    ...requestsOf(scenario).flatMap(({ bodyFile }) => bodyFile ?? []),
  ];
}

/** Variables that hold secrets of its requests. */
export function secretNamesOf(trial: Pick<Trial, 'request' | 'requests'>): string[] {
  const values = requestsOf(trial).flatMap(({ headers, query }) => [
    ...Object.values(headers),
    ...Object.values(query),
  ]);
  return [...new Set(values.flatMap(value => (typeof value === 'string' ? [] : value.env)))];
}
