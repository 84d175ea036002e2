import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { exec, root, temporaryFolder } from '../support/crash.ts';

const script = [join(root, 'scripts/build.sh')];

/** A PATH with what every system has, and these programs. */
async function pathWith(folder: string, programs: Readonly<Record<string, string>>): Promise<string> {
	mkdirSync(join(folder, 'bin'));
	for (const name of ['bash', 'dirname', 'env', 'sed', 'sh'])
		symlinkSync((await exec('which', [name])).stdout.trim(), join(folder, 'bin', name));
	for (const [name, text] of Object.entries(programs)) {
		writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`);
		chmodSync(join(folder, 'bin', name), 0o755);
	}
	return join(folder, 'bin');
}

test('without anything to build with, the script says what is needed', async () => {
	await using folder = await temporaryFolder();
	const answer = await cli([], { program: script, environment: { PATH: await pathWith(folder.path, {}) } });
	expect(answer).toEqual({
		code: 1,
		stdout: '',
		stderr: 'build: docker, podman or buildah is needed to build the images, and not installed\n',
	});
});

test('a docker client whose engine does not answer is told apart from one that is not installed', async () => {
	await using folder = await temporaryFolder();
	const PATH = await pathWith(folder.path, { docker: 'echo "Cannot connect to the Docker daemon" >&2; exit 1' });
	const answer = await cli([], { program: script, environment: { PATH } });
	expect(answer).toEqual({
		code: 1,
		stdout: '',
		stderr: 'build: docker is installed and does not work; "docker info" tells why (is its engine running?)\n',
	});
});

test('name, tag and platform are as the variables say, and the next command goes on with them', async () => {
	await using folder = await temporaryFolder();
	const log = join(folder.path, 'log');
	// Written from the documentation of `docker build`; what it does with the Dockerfiles, the tests of the image tell.
	const PATH = await pathWith(folder.path, { docker: `echo "$*" >>${log}`, rm: ':' });
	const environment = { PATH, IMAGE_NAME: 'registry.example.com/agent', IMAGE_TAG: '1.2.3', PLATFORM: 'linux/arm64' };
	const { code, stdout, stderr } = await cli([], { program: script, environment });
	expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
	expect(stdout.split('\n')).toEqual([
		'build: with docker',
		'built registry.example.com/agent:1.2.3',
		'built registry.example.com/agent-crasher:1.2.3, and out of it build/crash-test-program/milvus_crasher for the ConfigMap crash-test-program',
		'next: docker push registry.example.com/agent:1.2.3, then IMAGE_NAME=registry.example.com/agent IMAGE_TAG=1.2.3 scripts/deploy.sh',
		'',
	]);
	expect((await exec('cat', [log])).stdout.split('\n').slice(1, 3)).toEqual([
		'build --platform linux/arm64 --build-arg VERSION=1.2.3 -f Dockerfile -t registry.example.com/agent:1.2.3 .',
		'build --platform linux/arm64 --build-arg VERSION=1.2.3 -f Dockerfile.crasher -t registry.example.com/agent-crasher:1.2.3 .',
	]);
});
