/** What happens when, in a time of its own. */
export function agenda() {
	/** The next is the last. */
	const items: { readonly at: number; readonly act: () => void }[] = [];
	let now = 0;
	return {
		get now(): number {
			return now;
		},
		/** What is put down for the same time happens in the order in which it was put down. */
		at(time: number, act: () => void): void {
			const at = Math.max(now, time);
			let [least, most] = [0, items.length];
			while (least < most) {
				const middle = (least + most) >> 1;
				if ((items[middle]?.at ?? 0) > at) least = middle + 1;
				else most = middle;
			}
			items.splice(least, 0, { at, act });
		},
		run(until: number): void {
			for (let next = items.pop(); next && next.at < until; next = items.pop()) {
				now = next.at;
				next.act();
			}
		},
	};
}

export type Agenda = ReturnType<typeof agenda>;
