// In: what our template lets hey print. Out: each of its answers with its times, and its failures.

/** Times in ms since hey was started. */
export interface HeyAnswer {
  status: number;
  startMs: number;
  writtenMs: number;
  headersMs: number;
  endMs: number;
}

export interface HeyOutput {
  answers: readonly HeyAnswer[];
  failures: readonly { message: string; count: number }[];
  /** Body bytes of all answers together, as their headers say. */
  bodyBytes: number;
}

/** hey keeps no more answers than this. */
const MOST_ANSWERS = 1_000_000;

/**
 * hey's `-o csv` gives each answer, rounded to 0.1 ms, but no failure. Its other way of printing is a template of Go's:
 * this one gives both, unrounded.
 */
export const HEY_TEMPLATE = `{{range $message, $count := .ErrorDist}}failure {{$count}} {{printf "%q" $message}}
{{end}}total {{.NumRes}} {{.SizeTotal}}
{{range $i, $seconds := .Lats}}{{index $.StatusCodes $i}} {{index $.Offsets $i}} {{$seconds}} {{index $.DelayLats $i}} {{index $.ResLats $i}}
{{end}}end
`;

/** @throws Error when the output is not that of our template, or not whole. */
export function readHeyOutput(output: string): HeyOutput {
  const [, allCount, bodyBytes] = /^total (\d+) (\d+)$/m.exec(output) ?? [];
  if (allCount === undefined || !output.trimEnd().endsWith('end')) {
    throw new Error(`hey did not print what its template says: ${output.slice(-500)}`);
  }
  const failures = [...output.matchAll(/^failure (\d+) (".*")$/gm)].map(([, count, message]) => ({
    message: unquoted(message!),
    count: Number(count),
  }));
  const answers = [...output.matchAll(/^(\d+) (\S+) (\S+) (\S+) (\S+)$/gm)].map(([, ...texts]) => {
    const [status, offset, total, delay, reading] = texts.map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const endMs = (offset + total) * 1_000;
    const headersMs = endMs - reading * 1_000;
    return { status, startMs: offset * 1_000, writtenMs: headersMs - delay * 1_000, headersMs, endMs };
  });
  const told = answers.length + failures.reduce((sum, { count }) => sum + count, 0);
  if (told !== Number(allCount)) {
    const why =
      answers.length >= MOST_ANSWERS ? ', because it keeps no more: shorter slices would be right' : '';
    throw new Error(`hey made ${allCount} requests and tells of ${told}${why}`);
  }
  return { answers, failures, bodyBytes: Number(bodyBytes) };
}

/** A string as Go's %q writes it: that of JSON but for a few escapes, which stay as they are. */
function unquoted(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    return text.slice(1, -1);
  }
}
