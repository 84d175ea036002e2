import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Layers } from '../../src/domain/layers.ts';
import { openRoot } from '../../src/drivers/containerfiles/containerfiles.ts';
import { exec, mountTest, root, runWithoutRights, temporaryFolder } from '../support/crash.ts';
import { randomSteps, readThroughKernel } from '../support/overlay.ts';

const openFiles = () => readdirSync('/proc/self/fd').length;

/** Layers as they come from random steps, and what the kernel finds in them. */
async function built(folder: string, seed: number, options: { readonly removesFolders: boolean }) {
	const { steps, paths } = randomSteps(seed, options);
	const seen = await readThroughKernel(folder, steps, paths);
	const [upper, ...lowers] = ['4', '3', '2', '1', '0'].map((name) => join(folder, name));
	return { paths, seen, layers: { upper, lowers } as Layers };
}

async function contents(layers: Layers, paths: readonly string[]): Promise<Map<string, string>> {
	await using opened = await openRoot(layers);
	const before = openFiles();
	const found = new Map<string, string>();
	for (const path of paths) {
		await using file = await opened.open(path);
		if (file) found.set(path, readFileSync(file.path, 'utf8'));
	}
	expect(openFiles()).toBe(before);
	return found;
}

describe('the layers of a container', () => {
	mountTest('are one tree, as the kernel makes it of them', async () => {
		let [asked, there] = [0, 0];
		for (let seed = 1; seed <= 12; seed++) {
			await using folder = await temporaryFolder();
			const { paths, seen, layers } = await built(folder.path, seed, { removesFolders: false });
			expect(await contents(layers, paths), `seed ${seed}`).toEqual(seen);
			asked += paths.length;
			there += seen.size;
		}
		expect(there / asked).toBeGreaterThan(0.1);
		expect(there / asked).toBeLessThan(0.9);
	});

	mountTest('may also show what was in a folder that was made anew, but nothing else than the kernel where that finds a file', async () => {
		let hidden = 0;
		for (let seed = 1; seed <= 12; seed++) {
			await using folder = await temporaryFolder();
			const { paths, seen, layers } = await built(folder.path, seed, { removesFolders: true });
			const found = await contents(layers, paths);
			for (const [path, text] of seen) expect(found.get(path), `seed ${seed}: ${path}`).toBe(text);
			hidden += found.size - seen.size;
		}
		expect(hidden).toBeGreaterThan(0);
	});

	mountTest('hide what is below something that is no folder, also below a folder that is above that', async () => {
		await using folder = await temporaryFolder();
		const [top, middle, bottom] = ['top', 'middle', 'bottom'].map((name) => join(folder.path, name)) as [string, string, string];
		for (const name of ['file', 'whiteout', 'both']) {
			for (const layer of name === 'both' ? [top, middle, bottom] : [top, bottom]) mkdirSync(join(layer, name), { recursive: true });
			writeFileSync(join(bottom, name, 'deep'), name);
		}
		writeFileSync(join(middle, 'file'), '');
		await exec('mknod', [join(middle, 'whiteout'), 'c', '0', '0']);
		expect(Object.fromEntries(await contents({ lowers: [top, middle, bottom] }, ['/file/deep', '/whiteout/deep', '/both/deep']))).toEqual({
			'/both/deep': 'both',
		});
	});

	test('lead nowhere else: not by links, nor by what is no file', async () => {
		await using folder = await temporaryFolder();
		const [outside, lower] = [join(folder.path, 'outside'), join(folder.path, 'lower')];
		writeFileSync(outside, 'outside');
		mkdirSync(join(lower, 'd'), { recursive: true });
		writeFileSync(join(lower, 'd/file'), 'inside');
		const links = {
			...{ up: '../../../../../../../../..', absolute: outside, 'd/relative': '../../outside', 'd/home': '/d/file', 'd/sibling': './file' },
			...{ loop: 'loop', ping: 'pong', pong: 'ping', long: 'd/'.repeat(1_500), proc: '/proc/self/root', name: 'x'.repeat(300) },
		};
		for (const [name, target] of Object.entries(links)) symlinkSync(target, join(lower, name));
		// As many as the kernel follows, and one more.
		for (let index = 0; index <= 41; index++) symlinkSync(index === 0 ? 'd/file' : `chain${index - 1}`, join(lower, `chain${index}`));
		await exec('mkfifo', [join(lower, 'fifo')]);
		const layers = { lowers: [lower] };
		const expected = {
			...{ '/d/file': 'inside', 'd/file': 'inside', '/../../d/file': 'inside', '/up/d/file': 'inside', '/d/home': 'inside' },
			...{ '/d/sibling': 'inside', '/chain39': 'inside' },
		};
		const others = [
			outside,
			...Object.keys(links).map((name) => `/${name}`),
			'/chain40',
			'/chain41',
			'/fifo',
			'/d',
			'/',
			'',
			'/d/file/x',
			'/d/file/..',
		];
		const refused = [...others, `/up${outside}`, `/proc${outside}`, `/${'../'.repeat(60)}${outside}`, `/${'x'.repeat(5_000)}`, '/d\udc80'];
		const paths = [...Object.keys(expected), ...refused.filter((path) => !(path in expected))];
		expect(Object.fromEntries(await contents(layers, paths))).toEqual(expected);
	});

	test('lead nowhere else while a process of the container exchanges folders and files for links', async () => {
		await using folder = await temporaryFolder();
		const [outside, upper] = [join(folder.path, 'outside'), join(folder.path, 'upper')];
		for (const path of [outside, join(upper, 'lib')]) {
			mkdirSync(path, { recursive: true });
			writeFileSync(join(path, 'file'), path === outside ? 'outside' : 'inside');
		}
		symlinkSync(outside, join(upper, 'link'));
		writeFileSync(join(upper, 'file'), 'inside');
		symlinkSync(join(outside, 'file'), join(upper, 'file-link'));
		const names = ['lib', 'link', 'file', 'file-link'].map((name) => join(upper, name));
		const swapping = spawn(join(import.meta.dirname, '../support/swap.pl'), names, { stdio: ['pipe', 'pipe', 'inherit'] });
		await once(swapping.stdout, 'data');
		await using opened = await openRoot({ upper, lowers: [] });
		const found = { naive: new Set<string>(), ours: new Set<string | undefined>() };
		for (let tries = 0; tries < 1_000; tries++) {
			for (const path of ['/lib/file', '/file']) {
				found.naive.add(await readFile(join(upper, path), 'utf8').catch(() => ''));
				await using file = await opened.open(path);
				found.ours.add(await file?.handle.readFile('utf8'));
			}
		}
		swapping.stdin.end();
		expect(await once(swapping, 'exit')).toEqual([0, null]);
		expect(found.naive).toContain('outside');
		expect(found.ours).toEqual(new Set(['inside', undefined]));
	});

	test('are read from copies where the container can change them, and in place where it can not', async () => {
		await using folder = await temporaryFolder();
		const [upper, lower, copies] = ['upper', 'lower', 'copies'].map((name) => join(folder.path, name)) as [string, string, string];
		for (const path of [upper, lower, copies]) mkdirSync(path);
		writeFileSync(join(lower, 'of-image'), 'image');
		writeFileSync(join(upper, 'own'), 'before');
		writeFileSync(join(upper, 'empty'), '');
		await using opened = await openRoot({ upper, lowers: [lower] }, copies);
		const [own, image] = [await opened.open('/own'), await opened.open('/of-image')];
		expect(await opened.open('/empty')).toBeUndefined();
		writeFileSync(join(upper, 'own'), 'after!');
		expect(await own?.handle.readFile('utf8')).toBe('before');
		expect([realpathSync(own?.path ?? ''), realpathSync(image?.path ?? '')]).toEqual([join(copies, '0'), join(lower, 'of-image')]);
		// Other programs find the same file, even when its name is gone.
		rmSync(join(lower, 'of-image'));
		expect((await exec('cat', [image?.path ?? ''])).stdout).toBe('image');
	});

	test('that are gone are told, and the others are read', async () => {
		await using folder = await temporaryFolder();
		const [there, gone] = [join(folder.path, 'there'), join(folder.path, 'gone')];
		mkdirSync(there);
		writeFileSync(join(there, 'file'), 'there');
		symlinkSync(there, join(folder.path, 'link'));
		await using opened = await openRoot({ upper: gone, lowers: [gone, there, join(folder.path, 'link')] });
		expect(opened.missing).toEqual([gone, join(folder.path, 'link')]);
		expect(await (await opened.open('/file'))?.handle.readFile('utf8')).toBe('there');
	});

	test('that the agent may not read hold nothing', async () => {
		await using folder = await temporaryFolder();
		mkdirSync(join(folder.path, 'layer/secret'), { recursive: true });
		for (const name of ['secret/file', 'unreadable', 'readable']) writeFileSync(join(folder.path, 'layer', name), name);
		for (const name of ['secret', 'unreadable']) chmodSync(join(folder.path, 'layer', name), 0);
		const script = `
			import { openRoot } from '${root}/src/drivers/containerfiles/containerfiles.ts';
			const opened = await openRoot({ lowers: [process.argv[1]] });
			for (const path of ['/secret/file', '/unreadable', '/readable']) console.log(path, await (await opened.open(path))?.handle.readFile('utf8'));`;
		expect(await runWithoutRights(script, join(folder.path, 'layer'))).toBe(
			'/secret/file undefined\n/unreadable undefined\n/readable readable',
		);
	});
});
