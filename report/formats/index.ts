// Report formats, and the files for other programs that are written beside a report: one lazy line each.

/** Files beside a report that other programs read. */
export const outputs = {
  comment: async () => ({ default: (await import('./markdown.ts')).commentOutput }),
  junit: () => import('./junit.ts'),
  prometheus: () => import('./openmetrics.ts'),
};

/** Forms of a report. */
export const formats = {
  terminal: () => import('./terminal.ts'),
  markdown: () => import('./markdown.ts'),
  html: () => import('./html.ts'),
  json: () => import('./json.ts'),
};
