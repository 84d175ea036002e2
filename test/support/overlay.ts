import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const names = ['a', 'b', 'c'];
const below = (folders: readonly string[]) => folders.flatMap((folder) => names.map((name) => `${folder}/${name}`));
const [first, second] = [below(['']), below(below(['']))];
const places = [...first, ...second, ...below(second)];
/** Most of what happens is deep down, as what is written above is no folder. */
const deep = [...places, ...below(second), ...below(second)];
const layers = 4;

/** The same numbers for the same seed, from 0 to below 1 (mulberry32). */
function random(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** What is done to the layers of a container, one after the other, and the paths that are looked for. */
export function randomSteps(seed: number, { removesFolders }: { readonly removesFolders: boolean }) {
	const next = random(seed);
	const oneOf = <T>(list: readonly T[]) => list[Math.floor(next() * list.length)] as T;
	const target = () => {
		const path = oneOf(places);
		return oneOf([path, path.slice(1), `../${path.slice(1)}`, `../../..${path}`, `${path}/../${oneOf(names)}`, '..', '.', '/', 'a']);
	};
	const step = (layer: number, index: number): string[][] => {
		const path = oneOf(deep);
		const chance = next();
		if (chance < 0.1) return [['mkdir', path]];
		if (chance < 0.7) return [['write', path, `${layer}.${index}`]];
		if (chance < 0.85) return [['link', path, target()]];
		if (chance < 0.87) return [['fifo', path]];
		if (!removesFolders || chance < 0.92) return [['remove', path]];
		const folder = oneOf(second);
		return [
			['removeAll', folder],
			['mkdir', folder],
		];
	};
	const steps = Array.from({ length: layers }, (_, layer) => [
		['layer'],
		...Array.from({ length: 80 }, (_, index) => step(layer, index)).flat(),
	]);
	const folders = [...first, ...second].filter(() => next() < 0.8).map((path) => ['mkdir', path]);
	return {
		steps: [['layer'], ...folders, ...steps.flat().slice(1)],
		paths: [...places, ...Array.from({ length: 40 }, () => `${oneOf(places)}/../${oneOf(places)}`)],
	};
}

/** Builds the layers as folders of a folder, and reads the paths through a real overlay mount of them. @returns what is in those that are regular files */
export async function readThroughKernel(
	folder: string,
	steps: readonly (readonly string[])[],
	paths: readonly string[],
): Promise<ReadonlyMap<string, string>> {
	const child = spawn('unshare', ['--mount', '--propagation', 'private', join(import.meta.dirname, 'overlay.pl'), folder], {
		stdio: ['pipe', 'pipe', 'inherit'],
	});
	child.stdin.end([...steps, ...paths.map((path) => ['read', path])].map((words) => `${words.join('\t')}\n`).join(''));
	const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
	if (code !== 0) throw new Error(`overlay.pl ended with ${code}`);
	return new Map(output.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t') as [string, string]])));
}
