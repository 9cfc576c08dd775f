// A target that answers every request at once with a fixed number of bytes.
import { z } from 'zod';
import type { BehaviourModule, Responder } from '../behaviour.ts';

/** Maximum size of a body or a chunk, which is held in memory. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** Node joins header and body into one write if the body is a string; above this size, joining costs more than it saves. */
const MAX_JOINED_BYTES = 16 * 1024;

const EMPTY_OBJECT = '{"data":""}';

/** Letters only, `bytes` long. */
export function makeText(bytes: number): string {
  return 'abcdefghijklmnopqrstuvwxyz'.repeat(Math.ceil(bytes / 26)).slice(0, bytes);
}

/**
 * A JSON text of exactly `bytes` bytes: an object with one string; only a string if an object does not fit (2 to 10
 * bytes); the number 0 for 1 byte; for 0 bytes an empty body, which is not valid JSON.
 */
export function makeJson(bytes: number): string {
  if (bytes >= EMPTY_OBJECT.length) return `{"data":"${makeText(bytes - EMPTY_OBJECT.length)}"}`;
  if (bytes >= 2) return `"${makeText(bytes - 2)}"`;
  return bytes === 1 ? '0' : '';
}

function isJson(contentType: string): boolean {
  return contentType.split(';', 1)[0]!.trim().toLowerCase() === 'application/json';
}

/** Answers with status 200 and a body of exactly `bytes` bytes, delimited by Content-Length. */
export function createBodyResponder(bytes: number, contentType = 'application/json'): Responder {
  const text = isJson(contentType) ? makeJson(bytes) : makeText(bytes);
  const headers = { 'Content-Type': contentType, 'Content-Length': bytes };
  if (bytes <= MAX_JOINED_BYTES) {
    return response => {
      response.writeHead(200, headers).end(text, 'latin1');
    };
  }
  const buffer = Buffer.from(text, 'latin1');
  return response => {
    response.writeHead(200, headers).end(buffer);
  };
}

/** The option of behaviours that answer with a JSON body. */
export const jsonBytes = () =>
  z.int().min(0).max(MAX_BODY_BYTES).default(1024).describe('Exact length of the JSON body');

const options = z.strictObject({
  name: z.literal('fixed').describe('Every request is answered at once with the same body'),
  bytes: z
    .int()
    .min(0)
    .max(MAX_BODY_BYTES)
    .default(1024)
    .describe('Exact length of the body; JSON needs at least 1 byte, 0 is an empty body'),
  contentType: z
    .string()
    .regex(/^[\w.+-]+\/[\w.+-]+(; ?[\w-]+=[\w-]+)*$/, 'a media type such as text/plain; charset=utf-8')
    .default('application/json')
    .describe('Content-Type of the response; application/json has valid JSON, any other type letters'),
});

export default {
  options,
  createResponder: ({ bytes, contentType }) => createBodyResponder(bytes, contentType),
  meanServiceMs: () => 0,
} satisfies BehaviourModule<z.output<typeof options>>;
