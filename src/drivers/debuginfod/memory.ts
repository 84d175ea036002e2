/** What is known for a time. */
export type Memory<T> = {
	recall(name: string): T | undefined;
	/** @returns what is kept */
	keep(name: string, value: T): T;
};

/** The oldest goes for what is more. */
const most = 10_000;

export function memory<T>(ms: number, now: () => number): Memory<T> {
	const known = new Map<string, { readonly value: T; readonly until: number }>();
	return {
		recall(name) {
			const found = known.get(name);
			return found && now() < found.until ? found.value : undefined;
		},
		keep(name, value) {
			known.delete(name);
			known.set(name, { value, until: now() + ms });
			for (const oldest of known.keys().take(Math.max(0, known.size - most))) known.delete(oldest);
			return value;
		},
	};
}
