/**
 * The first few of several, for a message: `a, b, c, 2 more`.
 *
 * @param others what is said of those that are left out, by how many they are
 */
export function firstFew(names: readonly string[], others = (count: number) => `${count} more`): string {
	const count = names.length - few;
	return [...names.slice(0, few), ...(count > 0 ? [others(count)] : [])].join(', ');
}

const few = 3;
