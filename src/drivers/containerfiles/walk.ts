import { entryOf, type Part } from './merged.ts';

/** How much may still be looked up. */
export type Budget = { links: number; steps: number };

/** As for the kernel: path_resolution(7). */
export const mostLinks = 40;

/**
 * Where a path leads, from the root on, through all its links, as the container itself would go: a link that begins with `/` begins at the root
 * again, and nothing is above that.
 *
 * @returns a handle to a regular file, which the caller closes; undefined where the path leads to none
 */
export async function placeOf(root: readonly Part[], path: string, budget: Budget): Promise<Part | undefined> {
	for (let names: readonly string[] = namesIn(path); ; ) {
		const end = await walk(root, names, budget);
		if (end.is === 'end') return end.place;
		names = end.names;
	}
}

type Walk =
	| { readonly is: 'end'; readonly place?: Part }
	/** To be begun anew, as there was a link. What stands before it is known to be directories. */
	| { readonly is: 'detour'; readonly names: readonly string[] };

async function walk(root: readonly Part[], names: readonly string[], budget: Budget): Promise<Walk> {
	let at = root;
	try {
		for (const [index, name] of names.entries()) {
			const rest = names.slice(index + 1);
			if (name === '..') return { is: 'detour', names: [...names.slice(0, Math.max(0, index - 1)), ...rest] };
			if (budget.steps-- <= 0) return { is: 'end' };
			const entry = await entryOf(at, name);
			switch (entry.is) {
				case 'directory':
					if (at !== root) await close(at);
					at = entry.parts;
					break;
				case 'link':
					if (budget.links-- <= 0) return { is: 'end' };
					return {
						is: 'detour',
						names: [...(entry.target.startsWith('/') ? [] : names.slice(0, index)), ...namesIn(entry.target), ...rest],
					};
				case 'file':
					if (rest.length === 0) return { is: 'end', place: entry.place };
					await entry.place.handle.close();
					return { is: 'end' };
				case 'nothing':
					return { is: 'end' };
				default:
					entry satisfies never;
			}
		}
		return { is: 'end' };
	} finally {
		if (at !== root) await close(at);
	}
}

const namesIn = (path: string) => path.split('/').filter((name) => name !== '' && name !== '.');

const close = (parts: readonly Part[]) => Promise.all(parts.map(({ handle }) => handle.close()));
