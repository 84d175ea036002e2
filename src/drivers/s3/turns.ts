/** Has works on the same thing done one after the other. */
export function turns() {
	const last = new Map<string, Promise<unknown>>();
	return async <T>(name: string, work: () => Promise<T>): Promise<T> => {
		const before = last.get(name) ?? Promise.resolve();
		const mine = before.then(work, work);
		last.set(name, mine);
		try {
			return await mine;
		} finally {
			if (last.get(name) === mine) last.delete(name);
		}
	};
}
