// In: nothing. Out: the noun of a server that conntax did not start: what it was found to be before any load.
import { z } from 'zod';

/** What one request before the run, and nothing of the load, has told. */
export const ForeignServer = z.strictObject({
  url: z.string(),
  address: z.string().describe('The address that all load goes to, one of those that the host stands for'),
  isLoopback: z.boolean().describe('Whether that is on this machine, whose kernel then counts both ends'),
  status: z.int().describe('Of the answer to the request before the run'),
  httpVersion: z.string().describe('Of that answer, such as 1.1'),
  location: z.string().nullable().describe('Where a redirect leads; null without'),
  software: z.string().nullable().describe('Its Server header; null without'),
  connectionHeader: z.string().nullable().describe('Its Connection header; null without'),
  keepAliveHeader: z.string().nullable().describe('Its Keep-Alive header; null without'),
  framing: z
    .enum(['length', 'chunked', 'close', 'none'])
    .nullable()
    .default(null)
    .describe(
      'How the end of its body is known: Content-Length, chunks, the end of the connection, or no body; null in older runs',
    ),
  interimStatuses: z
    .array(z.int())
    .default([])
    .describe('Of answers before the final one, such as 103; each once'),
  tlsVersion: z.string().nullable().describe('Such as TLSv1.3; null on plain TCP'),
  alpn: z
    .string()
    .nullable()
    .describe('What the server chose of h2 and http/1.1; null where it did not choose, or on plain TCP'),
});
export type ForeignServer = z.infer<typeof ForeignServer>;

/** What makes every request need a new connection, by the answer before the run; undefined: nothing seen. */
export function closingReason(server: ForeignServer): string | undefined {
  const { httpVersion, connectionHeader, framing } = server;
  const has = (word: string): boolean =>
    new RegExp(`(?:^|,)\\s*${word}\\s*(?:,|$)`, 'i').test(connectionHeader ?? '');
  if (has('close')) return 'answers with Connection: close';
  if (httpVersion === '1.0' && !has('keep-alive')) {
    return 'answers over HTTP/1.0 without Connection: keep-alive';
  }
  return framing === 'close'
    ? 'names no length of its answer, which the end of the connection ends'
    : undefined;
}
