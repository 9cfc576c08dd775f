// In: the environment of this process. Out: that of our children, without what would send their load through a proxy.

/**
 * Such as HTTP_PROXY, https_proxy, ALL_PROXY, NO_PROXY, npm_config_https_proxy, npm_config_noproxy, GLOBAL_AGENT_HTTP_PROXY
 * and NODE_USE_ENV_PROXY: of Node, of client libraries, of load tools and of npm, which writes its own settings there.
 */
const PROXY_NAME =
  /^(?:(?:npm_(?:package_)?config|global_agent|npm|yarn)_)?(?:(?:https?|all|ftp|wss?|socks[45]?|no)_?)?proxy$/i;
const NODE_SWITCH = /(^|\s)--(?:no-)?use-env-proxy(?=\s|$)/g;

/** Requests go to the target and nowhere else: a proxy that the shell names is not part of what is measured. */
export function childEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !PROXY_NAME.test(name) && name.toUpperCase() !== 'NODE_USE_ENV_PROXY',
  );
  const cleaned = Object.fromEntries(kept);
  const { NODE_OPTIONS: nodeOptions } = cleaned;
  return nodeOptions === undefined
    ? cleaned
    : { ...cleaned, NODE_OPTIONS: nodeOptions.replaceAll(NODE_SWITCH, '$1').trim() };
}
