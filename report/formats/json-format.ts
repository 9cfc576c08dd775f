// In: a report. Out: JSON for machines.
import type { Format } from './format.ts';
import { toJson } from './json.ts';

const format: Format = {
  name: 'json',
  render: report => JSON.stringify(toJson(report), null, 2),
};
export default format;
