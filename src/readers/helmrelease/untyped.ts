/** What stands at a path in something of which nothing is known. */
export function fieldOf(from: unknown, ...path: readonly string[]): unknown {
	let value = from;
	for (const name of path) {
		if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
		value = (value as Readonly<Record<string, unknown>>)[name];
	}
	return value;
}

export function textOf(from: unknown, ...path: readonly string[]): string | undefined {
	const value = fieldOf(from, ...path);
	return typeof value === 'string' ? value : undefined;
}

/** Empty where there is no list. */
export function listOf(from: unknown, ...path: readonly string[]): readonly unknown[] {
	const value = fieldOf(from, ...path);
	return Array.isArray(value) ? value : [];
}
