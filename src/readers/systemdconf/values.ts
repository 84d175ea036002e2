const suffixes = ['', 'K', 'M', 'G', 'T', 'P', 'E'];
const largest = 2 ** 64;

/** A size in bytes, in powers of 1024: `2G`, `1.5T`. */
export function sizeOf(text: string): number | undefined {
	const [, number, suffix = ''] = /^(\d{1,20}(?:\.\d{1,20})?)\s*([BKMGTPE]?)$/.exec(text) ?? [];
	if (number === undefined) return undefined;
	const bytes = Math.floor(Number(number) * 1024 ** suffixes.indexOf(suffix.replace('B', '')));
	return bytes < largest ? bytes : undefined;
}

/** The same, or without a limit: `infinity`. */
export const sizeOrUnlimited = (text: string) => (text === 'infinity' ? Number.POSITIVE_INFINITY : sizeOf(text));

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
/** systemd.time(7). */
const spans: Readonly<Record<string, number>> = {
	...{ us: 0.001, usec: 0.001, µs: 0.001, ms: 1, msec: 1, '': second, s: second, sec: second, second, seconds: second },
	...{ m: minute, min: minute, minute, minutes: minute, h: hour, hr: hour, hour, hours: hour, d: day, day, days: day },
	...{ w: 7 * day, week: 7 * day, weeks: 7 * day },
};

/** A time span in milliseconds: `5min`, `1h 30min`, `300`, `infinity`. */
export function spanOf(text: string): number | undefined {
	if (text === 'infinity') return Number.POSITIVE_INFINITY;
	if (text.length > 100 || !/^(?:\s*\d+(?:\.\d+)?\s*[a-zµ]*)+$/.test(text)) return undefined;
	let sum = 0;
	for (const [, number, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)\s*([a-zµ]*)/g)) {
		const length = spans[unit];
		if (length === undefined) return undefined;
		sum += Number(number) * length;
	}
	return sum;
}

export function countOf(text: string): number | undefined {
	return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
