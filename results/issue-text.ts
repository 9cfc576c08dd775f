// In: what zod found wrong with a stored file. Out: where and what, in words, on one line.
import type { z } from 'zod';
import { visibleLine } from './visible.ts';

/** The path and the message apart. */
export function issueText(issue: z.core.$ZodIssue): { path: string; message: string } {
  return { path: visibleLine(issue.path.map(String).join('.')), message: visibleLine(messageOf(issue)) };
}

function messageOf({ code, message }: z.core.$ZodIssue): string {
  if (code === 'invalid_type' && message.endsWith('received undefined')) return 'is missing';
  // A setting with a default may be left out: zod then counts this among the words.
  return message.replace("'undefined' | ", '').replace('received Infinity', 'received a number too large');
}
