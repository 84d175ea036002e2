export type Named = { readonly kind: string; readonly name: string };

const mostNamed = 3;

/**
 * What is to be said of several objects, with the names of the first few.
 *
 * @returns undefined where it is about nobody
 */
export function about(named: readonly Named[], words: (who: string) => string): string | undefined {
	if (named.length === 0) return undefined;
	const rest = named.length - mostNamed;
	return words([...named.slice(0, mostNamed).map(nameOf), ...(rest > 0 ? [`${rest} more`] : [])].join(', '));
}

export const nameOf = ({ kind, name }: Named): string => `${kind} ${name}`;
