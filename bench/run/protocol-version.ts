// In: the version of the messages that a child speaks. Out: nothing, or the refusal of code that measures by other rules.
import { UsageError } from '../../results/errors.ts';
import { PROTOCOL_VERSION } from '../../servers/protocol.ts';

/**
 * @param version as the child says it; code from before there were versions says none
 * @throws UsageError when it is not ours
 */
export function requireProtocol(version: number | undefined, title: string): void {
  if (version === PROTOCOL_VERSION) return;
  throw new UsageError(
    `${title} runs another version of conntax: it speaks version ${version ?? 1} of the messages between processes, and this one speaks version ${PROTOCOL_VERSION}. Expected: checkouts that speak the same version, compared by one of them`,
  );
}
