// Puts another server in the place of a scenario's own, before the scenario is checked.
import type { ScenarioInput } from '../../scenarios/model/scenario.ts';
import { isPlainObject, memberOf } from './problems.ts';

/** A server in the place of each scenario's own. */
export interface ReplacedTarget {
  target: NonNullable<ScenarioInput['target']>;
  /** Path of the requests; default: that of the scenario. */
  path?: string;
}

/** The path of a URL; undefined where there is none. */
function pathOf(url: unknown): string | undefined {
  if (typeof url !== 'string' || !URL.canParse(url)) return undefined;
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}

/**
 * The content of a scenario with another target. What it says of its own server goes, except for what its requests are: their
 * path, and which statuses are good.
 */
export function withTarget(content: unknown, { target, path }: ReplacedTarget): unknown {
  if (!isPlainObject(content)) return content;
  const own = content['target'];
  const expectStatus = memberOf(own, 'expectStatus');
  const askedPath = path ?? memberOf(content['request'], 'path') ?? pathOf(memberOf(own, 'url'));
  const request = isPlainObject(content['request']) ? content['request'] : {};
  return {
    ...content,
    target: { ...target, ...(expectStatus === undefined ? {} : { expectStatus }) },
    ...(askedPath === undefined ? {} : { request: { ...request, path: askedPath } }),
  };
}
