// Puts another server in the place of a scenario's own, before the scenario is checked.
import { UsageError } from '../../results/errors.ts';
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

/** The path that all external servers of a target have. @throws UsageError where they differ */
function pathOfAll(target: unknown): string | undefined {
  const urls = memberOf(target, 'urls');
  const all = Array.isArray(urls)
    ? urls.map(each => memberOf(each, 'url') ?? each)
    : [memberOf(target, 'url')];
  const paths = [...new Set(all.map(pathOf))];
  if (paths.length === 1) return paths[0];
  throw new UsageError(
    `target.urls: one server takes the place of several, whose paths differ (${paths.join(', ')}); expected: --path, or request.path in the scenario`,
  );
}

/**
 * The content of a scenario with another target. What it says of its own server goes, except for what its requests are: their
 * path, and which statuses are good.
 * @throws UsageError where they are not the same for each of several servers
 */
export function withTarget(content: unknown, { target, path }: ReplacedTarget): unknown {
  if (!isPlainObject(content)) return content;
  const own = content['target'];
  const expectStatus = memberOf(own, 'expectStatus');
  const askedPath = path ?? memberOf(content['request'], 'path') ?? pathOfAll(own);
  const request = isPlainObject(content['request']) ? content['request'] : {};
  return {
    ...content,
    target: { ...target, ...(expectStatus === undefined ? {} : { expectStatus }) },
    ...(askedPath === undefined ? {} : { request: { ...request, path: askedPath } }),
  };
}
