import { firstFew } from '../../base/first-few.ts';

export type Named = { readonly kind: string; readonly name: string };

/**
 * What is to be said of several objects, with the names of the first few.
 *
 * @returns undefined where it is about nobody
 */
export function about(named: readonly Named[], words: (who: string) => string): string | undefined {
	return named.length === 0 ? undefined : words(firstFew(named.map(nameOf)));
}

export const nameOf = ({ kind, name }: Named): string => `${kind} ${name}`;
