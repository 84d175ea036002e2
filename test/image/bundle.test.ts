import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle } from '../../scripts/bundle.ts';
import { cli } from '../support/cli.ts';
import { crash, crashTest, root, temporaryFolder } from '../support/crash.ts';
import { describeS3, s3Server } from '../support/s3/server.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let bundled: readonly string[];

beforeAll(async () => {
	folder = await temporaryFolder();
	bundled = [process.execPath, await bundle(join(folder.path, 'app'))];
});
afterAll(() => folder[Symbol.asyncDispose]());

test.each([
	'--version',
	'--help',
	'config check',
	'config show',
	'completion bash',
	'completion zsh',
	'completion fish',
	'complete -- an',
	'analyze /nonexistent',
	'agent --no-such-option',
])('the bundle answers `%s` as the source does', async (line) => {
	const args = line.split(' ');
	const [answer, expected] = await Promise.all([cli(args, { program: bundled }), cli(args)]);
	expect(answer).toEqual(expected);
	expect(answer.stdout + answer.stderr).not.toBe('');
});

crashTest(
	'the bundle says the same of a core as the source',
	async () => {
		await using core = await crash(join(root, 'build/milvus_crasher'), ['segv']);
		const analysed = async (program?: readonly string[]) => {
			const { foundAt: _, ...report } = JSON.parse((await cli(['analyze', '--json', core.core], program && { program })).stdout);
			return report;
		};
		const report = await analysed(bundled);
		expect(report).toEqual(await analysed());
		expect(report).toMatchObject({ culprit: { function: 'read_row_count', file: expect.stringContaining('milvus_crasher.c') } });
	},
	120_000,
);

test('the bundle works on an NFS mount by a process of its own, as the source does', async () => {
	const config = join(folder.path, 'nfs.yaml');
	writeFileSync(config, `storage: { backend: nfs, nfs: { path: ${folder.path} } }\n`);
	const { stdout } = await cli(['doctor', '--standalone', '--config', config], { program: bundled });
	expect(stdout).toContain(`storage.nfs.path: ${folder.path} is not an NFS mount: mount the share there (storage.nfs.path)\n`);
});

test('the bundle says where the crash program is had, which is not in it', async () => {
	const { code, stderr } = await cli(['crash-test', 'segv'], { program: bundled });
	expect(code).toBe(2);
	expect(stderr).toMatch(/^milvus-coredump-agent: the crash program is not there \(.*\): .*deploy\/test-crash-pod\.yaml\n$/);
});

describeS3('the S3 library, which is in the bundle on demand', () => {
	test('is there when it is called for', async () => {
		await using server = await s3Server();
		const config = join(folder.path, 's3.yaml');
		const checked = async (name: string) => {
			const s3 = { ...server.options, bucket: name };
			writeFileSync(config, JSON.stringify({ storage: { backend: 's3', s3 }, journal: { path: join(folder.path, 'journal.db') } }));
			return (await cli(['doctor', '--config', config], { program: bundled })).stdout;
		};
		expect(await checked(server.options.bucket)).toContain('s3://cores answers');
		expect(await checked('nothing')).toContain('s3://nothing: NoSuchBucket');
	});
});

test('an error of ours in the bundle names functions and lines', () => {
	const text = readFileSync(bundled[1] ?? '', 'utf8');
	expect(text).toContain('// src/journal/journal.ts');
	expect(text).toMatch(/function createProgram\(/);
});

test('the bundle needs no packages beside it, and names those that are in it with their licences', () => {
	const app = join(folder.path, 'app');
	const packages: { name: string; version: string; license: string }[] = JSON.parse(readFileSync(join(app, 'packages.json'), 'utf8'));
	const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
	const { node: _, ...libraries } = dependencies as Record<string, string>;
	expect(Object.fromEntries(packages.map(({ name, version }) => [name, version]))).toMatchObject(libraries);
	const licenses = readFileSync(join(app, 'licenses.txt'), 'utf8');
	for (const { name, version, license } of packages) expect(licenses).toContain(`${name} ${version}: ${license}\n`);
	expect(existsSync(join(app, 'node_modules'))).toBe(false);
});

test('the image starts Node as a checkout starts it, with the same options and the same environment but for the cache', () => {
	const textOf = (script: string) => readFileSync(join(root, script), 'utf8');
	const options = (script: string) => textOf(script).match(/^exec \S+ (.*) \S+ "\$@"$/m)?.[1];
	const environment = (script: string) => textOf(script).match(/^export .*=.*$/gm);
	for (const of of [options, environment]) expect(of('image/milvus-coredump-agent')).toEqual(of('bin/milvus-coredump-agent'));
	expect(options('image/milvus-coredump-agent')).toMatch(/^--/);
	expect(environment('image/milvus-coredump-agent')).toEqual([expect.stringContaining('MALLOC_ARENA_MAX=')]);
});
