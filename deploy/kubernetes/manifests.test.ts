// The files of Kubernetes: each object fits the schema of its kind, has no unknown field, and they name each other rightly.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: the schema of its kind says what is in it
  [field: string]: any;
}

const manifests = globSync('*.yaml', { cwd: here })
  .sort()
  .flatMap(file =>
    parseAllDocuments(readFileSync(join(here, file), 'utf8')).map(document => {
      assert.deepEqual(document.errors, []);
      return { file, object: document.toJS() as Manifest };
    }),
  );

/** `apps/v1`, and `v1` of the core. */
function moduleOf({ apiVersion, kind }: Manifest): string {
  return `kubernetes-models/${apiVersion}/${kind}`;
}

async function validate(object: Manifest): Promise<void> {
  const models = (await import(moduleOf(object))) as Record<
    string,
    new (
      data: Manifest,
    ) => { validate(): void }
  >;
  new models[object.kind]!(object).validate();
}

/** The validator lets unknown fields pass, as Kubernetes itself does; the compiler does not. */
function compile(t: TestContext, objects: readonly Manifest[]): string {
  const dir = mkdtempSync(join(here, 'node_modules/.typed-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const lines = objects.flatMap((object, index) => [
    `import type { I${object.kind} as Kind${index} } from '${moduleOf(object)}';`,
    `export const object${index}: Kind${index} = ${JSON.stringify(object)};`,
  ]);
  writeFileSync(join(dir, 'objects.ts'), lines.join('\n'));
  const options =
    '--ignoreConfig --noEmit --strict --skipLibCheck --module nodenext --target es2024 --types node'.split(
      ' ',
    );
  try {
    execFileSync(join(root, 'node_modules/.bin/tsc'), [...options, join(dir, 'objects.ts')], {
      encoding: 'utf8',
    });
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

suite('Kubernetes', () => {
  test('every object fits the schema of its kind', async () => {
    assert.equal(manifests.length, 13);
    for (const { file, object } of manifests)
      await assert.doesNotReject(validate(object), `${file}: ${object.kind} ${object.metadata.name}`);
  });

  test('and has no unknown field', t => {
    assert.equal(
      compile(
        t,
        manifests.map(({ object }) => object),
      ),
      '',
    );
  });

  test('a wrong value and an unknown field are found', async t => {
    const { object } = manifests.find(one => one.object.kind === 'StatefulSet')!;
    const wrong = structuredClone(object);
    wrong['spec'].replicas = 'three';
    await assert.rejects(validate(wrong), /replicas/);
    const unknown = structuredClone(object);
    unknown['spec'].template.spec.topologySpreadConstraint = [];
    assert.match(compile(t, [unknown]), /topologySpreadConstraint/);
  });

  const found = (kind: string): Manifest[] =>
    manifests.flatMap(({ object }) => (object.kind === kind ? [object] : []));
  const [agents] = found('StatefulSet');
  const [job] = found('Job');
  const pods = [agents!['spec'].template, job!['spec'].template, ...found('Pod')];

  test('every pod is one that the policies are about, without rights, with as much CPU as it asks for', () => {
    for (const pod of pods) {
      assert.equal(pod.metadata.labels['app.kubernetes.io/part-of'], 'conntax');
      assert.equal(pod.spec.securityContext.runAsNonRoot, true);
      for (const { resources, securityContext } of pod.spec.containers) {
        assert.deepEqual(resources.requests, resources.limits);
        assert.deepEqual(securityContext.capabilities, { drop: ['ALL'] });
        assert.equal(securityContext.readOnlyRootFilesystem, true);
      }
    }
  });

  test('the job uses each agent, and may do so in no other pod', () => {
    const names = Array.from({ length: agents!['spec'].replicas }, (_, index) => `gen-${index}`);
    const args: string[] = job!['spec'].template.spec.containers[0].args;
    const machines = args.filter((_, index) => args[index - 1] === '--machine');
    assert.deepEqual(
      machines,
      names.map(name => `kubectl exec -i ${name} -- conntax agent`),
    );
    assert.deepEqual(
      found('Role')[0]!['rules'].map((rule: Record<string, string[]>) => [
        rule['resources'],
        rule['verbs'],
        rule['resourceNames'],
      ]),
      [
        [['pods'], ['get'], names],
        [['pods/exec'], ['create'], names],
      ],
    );
  });

  test('the scenario is one that conntax accepts, and its host is the one that load is allowed to go to', () => {
    const dir = mkdtempSync(join(here, 'node_modules/.scenario-'));
    try {
      const file = join(dir, 'scenario.json');
      const text: string = found('ConfigMap')[0]!['data']['scenario.json'];
      writeFileSync(file, text);
      const url = new URL((JSON.parse(text) as { target: { url: string } }).target.url);
      const args: string[] = job!['spec'].template.spec.containers[0].args;
      assert.equal(args[args.indexOf('--allow-host') + 1], url.hostname);
      const shown = execFileSync(
        process.execPath,
        [join(root, 'bench/cli/main.ts'), 'settings', file, '--client', 'persistent', '--for', 'undici'],
        { encoding: 'utf8' },
      );
      assert.match(shown, /60/);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  test('the image is built of what npm pack makes, and every file that it names exists', () => {
    const dockerfile = readFileSync(join(here, 'Dockerfile'), 'utf8');
    const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
      string,
      string
    >;
    assert.match(dockerfile, /COPY conntax-\*\.tgz/);
    assert.match(dockerfile, /^USER 1000:1000$/m);
    for (const pod of pods)
      for (const { image } of pod.spec.containers) assert.equal(image, `${name}:${version}`);
    assert.ok(existsSync(join(here, 'Dockerfile.dockerignore')));
  });
});
