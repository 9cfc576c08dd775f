// Parses the URL of a server as a user types it.
import { UsageError } from '../../results/errors.ts';
import { hideCredentials } from '../../scenarios/model/request.ts';

const MOST_PORT = 65_535;

/** @throws UsageError for what is not a URL of http or https */
export function parseServerUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  const shown = hideCredentials(address);
  const port = /^(?:https?:\/\/)?[^/?#]*:(\d+)(?:[/?#]|$)/i.exec(address)?.[1];
  if (port !== undefined && Number(port) > MOST_PORT)
    throw new UsageError(
      `${shown} is not a URL of a server: its port is ${port}, and ports end at ${MOST_PORT}; expected: such as http://127.0.0.1:3000/health`,
    );
  const hint = /^[\w.-]+(?::\d+)?(?:\/|$)/.test(address) ? `http://${shown}` : 'http://127.0.0.1:3000/health';
  throw new UsageError(`${shown} is not a URL of a server; expected: such as ${hint}`);
}
