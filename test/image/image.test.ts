import { chownSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatBytes } from '../../src/base/quantity.ts';
import { type Crash, crash, exec, root, temporaryFolder } from '../support/crash.ts';
import { type Unpacked, unpack } from '../support/image/container.ts';
import { agentImage, buildTimeoutMs, crasherImage, crasherProgram, describeImage } from '../support/image/image.ts';

/** As whom the controller runs. */
const nobody = 65532;
const { version, dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** A package that is in the bundle as one function without comments, and all that it may have brought along. */
function onDemand(name: string): ReadonlySet<string> {
	const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
	const found = new Set<string>();
	const names = [name];
	for (const one of names) {
		for (const [path, { version, dependencies = {} }] of Object.entries<{ version: string; dependencies?: object }>(packages)) {
			if (!path.endsWith(`node_modules/${one}`) || found.has(`pkg:npm/${one}@${version}`)) continue;
			found.add(`pkg:npm/${one}@${version}`);
			names.push(...Object.keys(dependencies));
		}
	}
	return found;
}

describeImage('the image', () => {
	let image: Unpacked;
	let core: Crash;
	beforeAll(async () => {
		image = await unpack(await agentImage());
		core = await crash(join(root, 'build/crash-test-program/milvus_crasher'), ['abort']);
	}, buildTimeoutMs);
	afterAll(async () => {
		await core[Symbol.asyncDispose]();
		await image[Symbol.asyncDispose]();
	});

	/** @returns paths from the image's root on, of what `find` finds with these words */
	const find = async (...words: readonly string[]) =>
		(await exec('find', ['.', '-xdev', ...words], { cwd: image.root })).stdout.split('\n').filter(Boolean);

	test.each([
		['milvus-coredump-agent --version', version],
		['node --version', `v${dependencies.node}`],
		['gdb --version', /^GNU gdb/],
		['gdb-multiarch --batch -ex "set architecture aarch64"', /aarch64/],
		['zstd --version', /Zstandard/],
		['lz4 --version', /LZ4/],
		['xz --version', /XZ Utils/],
		['getfattr --version', /getfattr/],
		['journalctl --version', /systemd/],
		['c++filt _ZN6milvus6searchEv', 'milvus::search()'],
		['timeout --version', /timeout/],
		['helm version --short', /^v4\./],
	])('has `%s`', async (line, answer) => {
		const { code, stdout, stderr } = await image.run(['sh', '-c', line], { uid: nobody });
		expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
		expect(stdout.split('\n')[0]).toEqual(typeof answer === 'string' ? answer : expect.stringMatching(answer));
	});

	test('says of a core what there is to say, source lines included', async () => {
		const command = ['milvus-coredump-agent', 'analyze', '--json', '--exe', '/program/milvus_crasher', '/cores/core'];
		const { code, stdout, stderr } = await image.run(command, {
			mounts: { '/cores': core.folder, '/program': join(root, 'build/crash-test-program') },
		});
		expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
		expect(JSON.parse(stdout)).toMatchObject({
			signal: { name: 'SIGABRT' },
			culprit: { function: 'release_segment', file: expect.stringMatching(/milvus_crasher\.c$/), line: expect.any(Number) },
		});
	});

	test('does its work as a user without rights, with a root that it may not write to, in 128 MiB', async () => {
		await using machine = await temporaryFolder();
		const place = (name: string) => join(machine.path, name);
		for (const name of ['config', 'cores', 'state', 'stored']) mkdirSync(place(name));
		writeFileSync(place('config/config.yaml'), 'collector: { coredumpPath: /cores }\nstorage: { localPath: /data/coredumps }\n');
		copyFileSync(core.core, place('cores/core.1'));
		for (const name of ['cores', 'cores/core.1', 'state', 'stored']) chownSync(place(name), nobody, nobody);
		const agent = image.start(['milvus-coredump-agent', 'agent', '--standalone'], {
			uid: nobody,
			environment: { MILVUS_COREDUMP_AGENT_CONFIG: '/etc/milvus-coredump-agent/config.yaml', XDG_STATE_HOME: '/var/lib' },
			mounts: {
				'/cores': place('cores'),
				'/data/coredumps': place('stored'),
				'/etc/milvus-coredump-agent': place('config'),
				'/var/lib/milvus-coredump-agent': place('state'),
			},
		});
		await expect.poll(() => filesBelow(place('stored')), { timeout: 50_000 }).toContainEqual(expect.stringMatching(/\.json$/));
		const status = readFileSync(`/proc/${agent.pid()}/status`, 'utf8');
		const kilobytes = (name: string) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm'))?.[1]);
		console.log(`the agent in the image: ${kilobytes('VmRSS')} kB, ${kilobytes('VmHWM')} kB at the most`);
		await agent.stop();
		expect(await agent.ended).toMatchObject({ code: 0, stderr: '' });
		expect(kilobytes('VmHWM')).toBeLessThan(128 * 1024);
	});

	test('holds nothing that only building takes, and no cache', async () => {
		const builders = 'as|c\\+\\+|cc|corepack|cpp|g\\+\\+|gcc|go|ld|make|npm|npx|python3|strip';
		expect(await find('-regextype', 'posix-extended', '-regex', `.*/s?bin/(.*-)?(${builders})`)).toEqual([]);
		const caches = ['node_modules', '.npm', '.cache', '.git', '__pycache__'].flatMap((name) => ['-o', '-name', name]);
		expect(await find('-type', 'd', '(', ...caches.slice(1), ')')).toEqual([]);
		const left = ['home', 'root', 'tmp', 'var/cache/apt', 'var/lib/apt/lists', 'var/log', 'var/tmp'].flatMap((folder) => [
			'-o',
			'-path',
			`./${folder}/*`,
		]);
		expect(await find('-type', 'f', '-size', '+0', '(', ...left.slice(1), ')')).toEqual(['./root/.bashrc', './root/.profile']);
	});

	test('holds no secret, and nothing of the machine that built it', async () => {
		const secrets = [
			'-----BEGIN ([A-Z]+ )?PRIVATE KEY-----[[:space:]]*[A-Za-z0-9+/]{40}',
			'(ghp|gho|github_pat|glpat|npm)_[A-Za-z0-9]{30}',
			'AKIA[0-9A-Z]{16}',
			'(_authToken|_password)=',
			`${root}/`,
		];
		const words = ['-raolzE', ...secrets.flatMap((secret) => ['-e', secret]), '.'];
		const { stdout } = await exec('grep', words, { cwd: image.root }).catch((error) => error);
		// The library tests itself with keys that all the world knows.
		expect(stdout.split('\0').filter((path: string) => !/^$|\/libgnutls\.so/.test(path))).toEqual([]);
		expect(
			await find('-name', '.npmrc', '-o', '-name', 'npmrc', '-o', '-name', '.netrc', '-o', '-name', '*.key', '-o', '-name', '.ssh'),
		).toEqual([]);
		expect(readFileSync(join(image.root, 'etc/machine-id'), 'utf8')).toBe('');
		expect(await find('-path', './etc/*', '(', '-name', 'resolv.conf', '-o', '-name', 'hostname', ')', '-size', '+0')).toEqual([]);
	});

	test('holds no program that runs with the rights of another user', async () => {
		expect(await find('-type', 'f', '-perm', '/6000')).toEqual([]);
		expect((await exec('getfattr', ['-Rhm', 'security.capability', '.'], { cwd: image.root })).stdout).toBe('');
	});

	test('keeps who is root without capabilities out of the folders that are for the roots of other containers', async () => {
		const script = 'for folder in containerd k3s; do ls /host/run/$folder || chmod 755 /host/run/$folder || echo closed; done';
		const { stdout } = await image.run(['sh', '-c', script], { uid: 0 });
		expect(stdout).toBe('closed\nclosed\n');
	});

	test('lists what it is made of, with the licences that ask for it', async () => {
		const papers = join(image.root, 'usr/share/doc/milvus-coredump-agent');
		expect(readdirSync(papers).sort()).toEqual(['LICENSE', 'licenses.txt', 'sbom.cdx.json']);
		const { components } = JSON.parse(readFileSync(join(papers, 'sbom.cdx.json'), 'utf8'));
		const listed = new Set(components.map(({ purl }: { purl: string }) => decodeURIComponent(purl.replace(/\?.*/, ''))));
		const installed = (await exec('dpkg-query', ['--admindir', join(image.root, 'var/lib/dpkg'), '-W'])).stdout;
		const packages = [...installed.matchAll(/^([^\s:]+)\S*\t(\S+)$/gm)].map(([, name, version]) => `pkg:deb/debian/${name}@${version}`);
		const program = readFileSync(join(image.root, 'opt/milvus-coredump-agent/milvus-coredump-agent.mjs'), 'utf8');
		const bundled = [...program.matchAll(/^\s*\/\/ (.*node_modules\/(?:@[^/]+\/)?[^/\n]+)\//gm)].map(([, folder = '']) => {
			const { name, version } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
			return `pkg:npm/${name}@${version}`;
		});
		const linked = (await exec('go', ['version', '-m', join(image.root, 'usr/local/bin/helm')])).stdout;
		const modules = [...linked.matchAll(/^\t(?:mod|dep)\t(\S+)\t(\S+)/gm)].map(([, name, version]) => `pkg:golang/${name}@${version}`);
		const all = new Set([...packages, ...bundled, ...modules, ...onDemand('@aws-sdk/client-s3')]);
		expect([packages.length > 100, bundled.length > 40, modules.length > 50]).toEqual([true, true, true]);
		expect([...packages, ...bundled, ...modules].filter((purl) => !listed.has(purl))).toEqual([]);
		expect([...all].some((purl) => purl.startsWith('pkg:npm/@aws-sdk/client-s3@') && listed.has(purl))).toBe(true);
		expect([...listed].filter((purl) => !all.has(String(purl)))).toEqual([
			`pkg:generic/node@${dependencies.node}`,
			expect.stringMatching(/^pkg:golang\/stdlib@v1\./),
		]);
	});

	test('takes no more than 450 MB of a disk', async () => {
		const sizeOf = async (...paths: readonly string[]) =>
			(await exec('du', ['-scxB1', ...paths], { cwd: image.root })).stdout.split('\n').map((line) => Number(line.split('\t')[0]));
		const parts = [
			'usr/local/bin/node',
			'usr/local/bin/helm',
			'opt/milvus-coredump-agent',
			'usr/bin/gdb-multiarch',
			'usr/lib',
			'usr/share',
			'var',
		];
		const [whole = 0] = await sizeOf('.');
		const sizes = await sizeOf(...parts);
		console.log(
			`the image: ${formatBytes(whole)}, of which ${parts.map((part, index) => `${part} ${formatBytes(sizes[index] ?? 0)}`).join(', ')}`,
		);
		expect(whole).toBeLessThan(450e6);
	});
});

describeImage('the image of the crash program', () => {
	test(
		'holds one program, small enough for a ConfigMap, which needs nothing beside it',
		async () => {
			await using image = await unpack(await crasherImage());
			const { code, stderr } = await image.run(['/milvus_crasher']);
			expect({ code, stderr }).toEqual({ code: 2, stderr: 'usage: milvus_crasher segv|abort|fpe\n' });
			const program = readFileSync(join(image.root, 'milvus_crasher'));
			expect(program.length).toBeLessThan(500_000);
			expect(program.equals(readFileSync(await crasherProgram()))).toBe(true);
		},
		buildTimeoutMs,
	);
});

const filesBelow = (folder: string) => readdirSync(folder, { recursive: true }).map(String);
