// What every client of a scenario sends: one request, or several that are drawn by weight.
import { z } from 'zod';
import { MAX_REQUEST_BYTES, nameOfRequest } from './request-facts.ts';
import { positiveUpTo, text, VariableName, whole } from './values.ts';

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
export type Method = (typeof METHODS)[number];

/**
 * A value that only the environment of the run has. It is read in the process that sends it, and is never stored, printed
 * or given to a command line.
 */
const FromEnvironment = z.strictObject({
  env: VariableName.describe('Environment variable that holds the value; it is never stored or printed'),
  prefix: z.string().optional().describe("Text before it, such as 'Bearer '"),
});

/** Text, or what stands in an environment variable. */
export const Value = z.union([z.string(), FromEnvironment]);
export type Value = z.infer<typeof Value>;

/** Names of headers and query parameters whose values let others in. */
const CREDENTIAL =
  /^(?:authorization|proxy-authorization|cookie|x-amz-security-token|(?:x-)?csrf-?token|.*(?:api|access|auth|secret|private)[-_]?(?:key|token)|.*(?:password|passwd|secret|signature)|token|key|sig|jwt|session(?:[-_]?id)?|x-auth.*)$/i;

export function carriesCredentials(name: string): boolean {
  return CREDENTIAL.test(name);
}

/** For a URL that no parser accepts: it is shown to the user, and may stand in the logs of a CI system. */
export function hideCredentials(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/|)[^/?#]*@/i, '$1[redacted]@')
    .replaceAll(/([?&])([^=&#]+)=[^&#]*/g, (parameter, mark: string, name: string) =>
      carriesCredentials(name) ? `${mark}${name}=[redacted]` : parameter,
    );
}

/** The environment variable that is suggested for a secret of this name: `X_API_KEY`. */
export function variableFor(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, '_').toUpperCase();
}

/** Headers that belong to the connection or the framing, which the client decides. */
const CLIENT_HEADERS = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Visible characters, spaces and tabs: what no client library changes or refuses. */
const HEADER_VALUE = /^[\t\x20-\x7e]*$/;
const PATH = /^\/[\x21-\x7e]*$/;

const RequestFields = z.strictObject({
  method: z.enum(METHODS).default('GET').describe('Method'),
  path: z
    .string()
    .regex(PATH, "a path from the root, percent-encoded, such as '/orders?all=1'")
    .refine(path => !path.includes('#'), 'a path without a fragment (#): it is never sent')
    .optional()
    .describe(
      "Path, optionally with a query; default: that of target.url, or of each of target.urls, or '/'",
    ),
  query: z
    .record(text(), Value)
    .default({})
    .describe('Query parameters, encoded and appended to the path; values as in headers'),
  headers: z
    .record(z.string().regex(HEADER_NAME, 'a header name'), Value)
    .default({})
    .describe(
      "Headers, in addition to those that the client itself sends; a value is text, or { env: 'TOKEN', prefix: 'Bearer ' } for a secret",
    ),
  body: z.string().optional().describe('Body, sent as UTF-8; set its type in the header content-type'),
  bodyFile: text().optional().describe('File with the body, relative to the folder of the scenario file'),
  bodyBytes: whole(0, MAX_REQUEST_BYTES).optional().describe('Length of a generated body of letters'),
  framing: z
    .enum(['length', 'chunked'])
    .default('length')
    .describe('How the end of the body is marked: Content-Length, or Transfer-Encoding: chunked'),
});

function refuse(context: z.RefinementCtx, path: (string | number)[], message: string): void {
  context.addIssue({ code: 'custom', path, message });
}

/** Rules between the fields of one request. */
function checkRequest(
  { headers, query, framing, path, ...body }: z.infer<typeof RequestFields>,
  context: z.RefinementCtx,
): void {
  const bodies = (['body', 'bodyFile', 'bodyBytes'] as const).filter(name => body[name] !== undefined);
  for (const name of bodies.slice(1)) refuse(context, [name], `the body is already given by ${bodies[0]}`);
  if (framing === 'chunked' && bodies.length === 0)
    refuse(context, ['framing'], 'there is no body to send in chunks');
  for (const [name, value] of Object.entries(headers)) checkHeader(name, value, context);
  for (const [name, value] of [...Object.entries(query), ...queryOf(path)])
    checkSecret('query', name, value, context);
}

export const Request = RequestFields.superRefine(checkRequest);
export type Request = z.infer<typeof Request>;

/** As many as a table of them can show. */
const MAX_REQUESTS = 50;

const NamedRequest = RequestFields.extend({
  name: z
    .string()
    .regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,58}[\x21-\x7e])?$/, 'up to 60 visible ASCII characters')
    .optional()
    .describe('Name of its figures in reports; default: method and path'),
  weight: positiveUpTo(1_000_000)
    .default(1)
    .describe('Relative share of the load: with weights 3 and 1, three quarters are the first'),
}).superRefine(checkRequest);
export type NamedRequest = z.infer<typeof NamedRequest>;

/** Several requests, told apart by their names. */
export const Requests = z
  .array(NamedRequest)
  .min(1)
  .max(MAX_REQUESTS)
  .superRefine((requests, context) => {
    const names = requests.map(nameOfRequest);
    for (const [index, name] of names.entries()) {
      const first = names.indexOf(name);
      const message = `"${name}" is also the name of request ${first}; expected: a name of its own`;
      if (first !== index) refuse(context, [index, 'name'], message);
    }
  });

function queryOf(path: string | undefined): [string, string][] {
  return path === undefined ? [] : [...new URLSearchParams(path.split('?', 2)[1] ?? '')];
}

function checkHeader(name: string, value: Value, context: z.RefinementCtx): void {
  if (CLIENT_HEADERS.has(name.toLowerCase()))
    refuse(context, ['headers', name], 'this header belongs to the client, which sets it by itself');
  else if (typeof value === 'string' && !HEADER_VALUE.test(value))
    refuse(context, ['headers', name], 'a value may have visible ASCII characters, spaces and tabs only');
  else checkSecret('headers', name, value, context);
}

/** A secret in a file ends up in every report of it. */
function checkSecret(part: 'headers' | 'query', name: string, value: Value, context: z.RefinementCtx): void {
  if (typeof value !== 'string' || !carriesCredentials(name)) return;
  const message = `looks like a credential, which would be stored in every report; expected: { env: '${variableFor(name)}' }, the environment variable that holds it`;
  refuse(context, [part, name], message);
}

/** `POST /orders, 1,024 bytes`: for people; without any value that could be secret. */
export function describeRequest({
  method,
  path,
  query,
  headers,
  body,
  bodyBytes,
  bodyFile,
  framing,
}: Request): string {
  const parameters = Object.keys(query);
  const names = Object.keys(headers);
  return [
    `${method} ${path ?? ''}`.trim(),
    ...(parameters.length === 0 ? [] : [`query parameters ${parameters.join(', ')}`]),
    ...(names.length === 0 ? [] : [`headers ${names.join(', ')}`]),
    ...(bodyBytes === undefined ? [] : [`a body of ${bodyBytes.toLocaleString('en-US')} bytes`]),
    ...(body === undefined ? [] : [`a body of ${Buffer.byteLength(body).toLocaleString('en-US')} bytes`]),
    ...(bodyFile === undefined ? [] : [`the body in ${bodyFile}`]),
    ...(framing === 'chunked' ? ['sent in chunks'] : []),
  ].join(', ');
}
