import { type Hex, hex } from '../../src/base/hex.ts';
import { exec } from './crash.ts';

/** Stacks as the places that their frames are at, the innermost first, by thread. */
export type Places = ReadonlyMap<number | undefined, readonly string[]>;

type Threads = readonly { readonly id?: number; readonly frames: readonly { readonly pc?: string; readonly inlined?: true }[] }[];

export const placesOf = (threads: Threads): Places =>
	new Map(threads.map(({ id, frames }) => [id, frames.filter(({ inlined }) => !inlined).map(({ pc = '' }) => pc)]));

/** Up to the first place that is no code. It ends with an error where a stack could not be followed to its end. */
export async function placesByElfutils(core: string, isCode: (place: Hex) => boolean): Promise<Places> {
	const { stdout } = await exec('eu-stack', ['-n', '0', `--core=${core}`], { maxBuffer: 1 << 28 }).catch((error) => error);
	const threads = String(stdout)
		.split(/^TID (\d+):$/m)
		.slice(1);
	const places = new Map<number, string[]>();
	for (let index = 0; index < threads.length; index += 2) {
		const found = [...(threads[index + 1] ?? '').matchAll(/^#\d+ +(0x[0-9a-f]+)/gm)];
		const all = found.map(([, pc = '0']) => hex(BigInt(pc)));
		const junk = all.findIndex((place, position) => position > 0 && !isCode(place));
		places.set(Number(threads[index]), junk < 0 ? all : all.slice(0, junk));
	}
	return places;
}
