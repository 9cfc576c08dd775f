// The page keeps the contract of formats. It draws with vega, which takes seconds.
import { testFormat } from '../testing/format-suite.ts';
import { formats } from '../testing/plugins.ts';

for (const format of formats) if (format.name === 'html') testFormat(format);
