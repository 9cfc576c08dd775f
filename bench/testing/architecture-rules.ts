// In: the source files. Out: where they break the house rules: which room may import which, one door per package, and more.
import { type Import, lineAt, type SourceFile } from './source-file.ts';

export interface Violation {
  file: string;
  line: number;
  /** What is wrong, and what would be right. */
  message: string;
}

const LOAD_CHILD = 'bench/run/generator-child.ts';
const TARGET_CHILD = 'servers/target-child.ts';
const LINK_CHILD = 'servers/link-child.ts';
const REGISTRY = 'bench/cli/plugins.ts';
const EXAMPLES = 'scenarios/examples/';
const SCENARIO_CHILD = 'bench/run/scenario-child.ts';
const ENTRIES = [LOAD_CHILD, TARGET_CHILD, LINK_CHILD, SCENARIO_CHILD];
const MOST_LINES = 600;

/**
 * What the files that a key covers may import, as starts of paths; the longest key that fits counts. Files of one room
 * may import each other. A file that no key covers stands outside the house.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  'bench/core/': [],
  'bench/plan/': ['bench/core/'],
  'bench/transports/': ['bench/core/', 'bench/clients/sockets.ts'],
  'bench/probes/': ['bench/core/'],
  'bench/load/': ['bench/core/', 'results/histogram.ts'],
  'bench/run/': ['bench/core/', 'bench/plan/', 'bench/probes/', 'results/'],
  [LOAD_CHILD]: ['bench/core/', 'bench/load/', 'bench/probes/', 'bench/run/', REGISTRY],
  [SCENARIO_CHILD]: ['bench/core/', 'bench/plan/', REGISTRY],
  'bench/commands/': ['bench/', 'servers/', 'results/', 'report/'],
  'bench/studies/': ['bench/', 'servers/', 'results/', 'report/'],
  'bench/campaign/': ['bench/', 'servers/', 'results/', 'report/'],
  'bench/cli/main.ts': ['bench/', 'servers/', 'results/', 'report/'],
  [REGISTRY]: [
    'bench/transports/',
    'servers/behaviours/',
    'report/charts/',
    'report/sweep-charts/',
    'report/formats/',
    'report/outputs/',
  ],
  'bench/index.ts': ['bench/core/'],
  'bench/index.ts': ['bench/core/', 'bench/index.ts', REGISTRY],
  'servers/': ['bench/core/'],
  [TARGET_CHILD]: ['bench/core/', 'bench/probes/', 'servers/', REGISTRY],
  [LINK_CHILD]: ['bench/core/', 'bench/probes/', 'servers/link/'],
  'scenarios/': ['bench/index.ts'],
  [EXAMPLES]: ['bench/index.ts', 'bench/index.ts'],
  'results/': ['bench/core/'],
  'report/': ['bench/core/', 'results/'],
};

/** Folders whose files never import each other: plug-ins of one kind. */
const PLUGIN_FOLDERS = ['servers/behaviours/', 'report/charts/', 'report/sweep-charts/', 'report/outputs/'];

/** The only places that know a package. Studies compare conntax with the bare package, so they may know it too. */
const DOORS: readonly { packages: readonly string[]; places: RegExp; named: string }[] = [
  {
    packages: ['undici'],
    places: /^bench\/transports\/undici[^/]*\.ts$/,
    named: 'bench/transports/undici*.ts',
  },
  {
    packages: ['autocannon'],
    places: /^bench\/transports\/autocannon\.ts$/,
    named: 'bench/tools/autocannon.ts',
  },
  { packages: ['axios', 'got'], places: /^scenarios\/examples\//, named: 'the examples' },
  { packages: ['fastify'], places: /^servers\/app\.ts$/, named: 'servers/app.ts' },
  { packages: ['hdr-histogram-js'], places: /^results\/histogram\.ts$/, named: 'results/histogram.ts' },
  { packages: ['prom-client'], places: /^report\/run-metrics\.ts$/, named: 'report/formats/openmetrics.ts' },
  { packages: ['vega', 'vega-lite', 'vega-embed'], places: /^report\//, named: 'report/' },
];

const TIMELESS = ['bench/core/', 'bench/plan/', 'results/', 'report/'];
const CLOCK_OR_DICE =
  /\b(?:Date\.now|performance\.now|process\.hrtime|Math\.random|randomUUID|randomBytes|setTimeout|setInterval)\b|\bnew Date\s*\(\s*\)/g;

const PRINTERS = ['bench/cli/main.ts', 'bench/commands/', 'bench/studies/', 'bench/campaign/', ...ENTRIES];
const PRINT_OR_EXIT = /\bconsole\s*\.|\bprocess\.(?:stdout|stderr)\.write\b|\bprocess\.exit\s*\(/g;

function startsWithAny(path: string, starts: readonly string[]): boolean {
  return starts.some(start => path.startsWith(start));
}

function keyOf(path: string): string | undefined {
  const keys = Object.keys(ARROWS).filter(key => path === key || (key.endsWith('/') && path.startsWith(key)));
  return keys.sort((left, right) => right.length - left.length)[0];
}

function packageOf({ specifier, path }: Import): string | undefined {
  if (path !== undefined || specifier.startsWith('node:')) return undefined;
  const [first, second] = specifier.split('/');
  return first?.startsWith('@') ? `${first}/${second}` : first;
}

function importFault(file: SourceFile, imported: Import): string | undefined {
  const { path } = imported;
  const key = keyOf(file.path);
  const isStudy = file.path.startsWith('bench/studies/');
  const door = DOORS.find(({ packages }) => packages.includes(packageOf(imported) ?? ''));
  if (door !== undefined && !door.places.test(file.path) && !isStudy) {
    return `imports ${imported.specifier}, which only ${door.named} may know`;
  }
  if (path === undefined || key === undefined) return undefined;
  if (ENTRIES.includes(path)) return `imports ${path}: a child entry is started as a process, never imported`;
  if (
    path === REGISTRY &&
    !['bench/cli/main.ts', 'bench/studies/', 'bench/campaign/', ...ENTRIES].includes(key) &&
    !imported.isTypeOnly
  ) {
    return `imports the registry: only bench/cli/main.ts and the child entries open it, and pass on what is needed`;
  }
  const plugins = PLUGIN_FOLDERS.find(folder => file.path.startsWith(folder));
  if (plugins !== undefined && path.startsWith(plugins)) {
    return `imports ${path}: files of ${plugins} do not know each other; share from the folder above`;
  }
  if (/^report\/(?:sweep-)?charts\//.test(file.path) && path.startsWith('report/formats/')) {
    return `imports ${path}: a chart knows no format`;
  }
  const allowed = [
    ...(ARROWS[key] ?? []),
    ...(key.endsWith('/') && !key.startsWith('scenarios/') ? [key] : []),
  ];
  if (startsWithAny(path, allowed)) return undefined;
  return `imports ${path}; ${key} may import ${allowed.join(', ') || 'nothing'}`;
}

function matchFaults(file: SourceFile, pattern: RegExp, message: string): Violation[] {
  return [...file.code.matchAll(pattern)].map(match => ({
    file: file.path,
    line: lineAt(file.code, match.index),
    message: `${match[0].trim()}: ${message}`,
  }));
}

const RE_EXPORT = /\bexport\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s*from\s*'[^']*';?/g;

function shapeFaults(file: SourceFile): string[] {
  const lines = file.text.replace(/\n$/, '').split('\n');
  const first = lines[0]?.startsWith('#!') ? lines[1] : lines[0];
  const faults: string[] = [];
  if (keyOf(file.path) === undefined) {
    faults.push(`belongs to no room: move it into one, or give it its arrows in ARROWS`);
  }
  if (!/^(?:\/\/|\/\*)/.test(first ?? '')) {
    faults.push('must begin with a comment that says what goes in and what comes out');
  }
  if (lines.length > MOST_LINES) {
    faults.push(`has ${lines.length} lines, at most ${MOST_LINES}: it holds two concepts, give each a file`);
  }
  const isReExporting = RE_EXPORT.test(file.code);
  RE_EXPORT.lastIndex = 0;
  if (isReExporting && file.code.replaceAll(RE_EXPORT, '').trim() === '') {
    faults.push('only re-exports: let its users import from where things are');
  }
  const isScenario = file.path.startsWith('scenarios/') && !file.path.startsWith(EXAMPLES);
  if (isScenario && !/^\s*import [^;]*;\s*export default defineScenario\(\{[^;]*\}\);\s*$/.test(file.code)) {
    faults.push('must hold nothing but `export default defineScenario({...})`');
  }
  return faults;
}

/** Everything that the files do against the house rules, in order of file and line. Tests are exempt: pass none. */
export function findViolations(files: readonly SourceFile[]): Violation[] {
  return files.flatMap(file => {
    const at = (line: number, message: string): Violation => ({ file: file.path, line, message });
    const found = [
      ...shapeFaults(file).map(message => at(1, message)),
      ...file.imports.flatMap(imported => {
        const fault = importFault(file, imported);
        return fault === undefined ? [] : [at(imported.line, fault)];
      }),
    ];
    if (startsWithAny(file.path, TIMELESS)) {
      found.push(
        ...matchFaults(
          file,
          CLOCK_OR_DICE,
          'no clock and no dice here: take time or a Random as a parameter',
        ),
      );
    }
    if (!startsWithAny(file.path, PRINTERS)) {
      found.push(
        ...matchFaults(
          file,
          PRINT_OR_EXIT,
          'only the command line prints and exits: return or throw instead',
        ),
      );
    }
    return found.sort((left, right) => left.line - right.line);
  });
}
