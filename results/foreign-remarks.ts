// In: what a server was found to be, and what the scenario states of it. Out: what of it a reader has to know, a sentence each.
import { closingReason, type ForeignServer } from '../bench/core/foreign-server.ts';
import { isExpectedStatus } from '../bench/core/statuses.ts';
import type { Target } from '../scenarios/model/target.ts';

/** Where the answer before the run was no good one, or contradicts a statement. */
export function foreignRemarks(server: ForeignServer, target: Target): string[] {
  return [
    ...statusRemarks(server, target),
    ...interimRemarks(server),
    ...closeRemarks(server, target),
    ...hintRemarks(server, target),
  ].map(remark => `${server.url} ${remark}`);
}

function statusRemarks({ status }: ForeignServer, { expectStatus }: Target): string[] {
  return isExpectedStatus(expectStatus, status)
    ? []
    : [
        `answered ${status} before the run: each such answer counts as a failed request (bad status), unless target.expectStatus has it`,
      ];
}

function interimRemarks({ interimStatuses }: ForeignServer): string[] {
  return interimStatuses.length === 0
    ? []
    : [
        `sends an interim answer (${interimStatuses.join(', ')}) before its answer: no client counts it, and times go to the final one`,
      ];
}

function closeRemarks(server: ForeignServer, { connectionClose }: Target): string[] {
  const reason = closingReason(server);
  if (reason !== undefined && connectionClose !== true) {
    return [`${reason}, so every request needs a new connection: target.connectionClose: true states that`];
  }
  return reason === undefined && connectionClose === true
    ? ['answers without Connection: close, which target.connectionClose says of it']
    : [];
}

function hintRemarks(
  { keepAliveHeader }: ForeignServer,
  { keepAliveHint, keepAliveTimeoutMs }: Target,
): string[] {
  if (keepAliveHeader === null) {
    return keepAliveHint === true
      ? ['answers without a Keep-Alive header, which target.keepAliveHint says of it']
      : [];
  }
  if (keepAliveHint === false) {
    return [`answers with Keep-Alive: ${keepAliveHeader}, which target.keepAliveHint: false denies`];
  }
  const seconds = /(?:^|[,\s])timeout=(\d+)/i.exec(keepAliveHeader)?.[1];
  return seconds !== undefined && keepAliveTimeoutMs !== null && Number(seconds) * 1_000 > keepAliveTimeoutMs
    ? [`announces Keep-Alive: ${keepAliveHeader}, but target.keepAliveTimeoutMs says ${keepAliveTimeoutMs}`]
    : [];
}
