import { z } from 'zod';

type Units = Readonly<Record<string, number>>;

const durationUnits: Units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizeUnits: Units = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** What Node's timers can wait for: longer ones fire at once. */
const longestTimer = 2 ** 31 - 1;

/** A time span such as `30s`, `5m` or `24h`, as milliseconds. */
export const duration = quantity('a duration such as 30s, 5m or 24h', (value) =>
	typeof value === 'string' ? measured(value, durationUnits) : undefined,
);

/** A time span that is waited for, as milliseconds. */
export const timeout = quantity('a duration such as 30s, 5m or 24h, from 1ms to 24d', (value) => {
	const milliseconds = typeof value === 'string' ? measured(value, durationUnits) : undefined;
	return milliseconds !== undefined && milliseconds >= 1 && milliseconds <= longestTimer ? milliseconds : undefined;
});

/** A size such as `2GB` (powers of 1000) or `512MiB` (of 1024), or a number of bytes, as bytes; `unlimited` as infinity. */
export const size = quantity('a size such as 2GB, 512MiB or unlimited', (value) =>
	value === 'unlimited' ? Number.POSITIVE_INFINITY : bytesOf(value),
);

export type FreeSpace = { readonly is: 'share'; readonly share: number } | { readonly is: 'bytes'; readonly bytes: number };

/** What must stay free on a disk. */
export const freeSpace = quantity('a share such as 10%, or a size such as 20GB', (value): FreeSpace | undefined => {
	const [, percent] = /^(\d+(?:\.\d+)?)\s*%$/.exec(String(value).trim()) ?? [];
	if (percent !== undefined) return Number(percent) <= 100 ? { is: 'share', share: Number(percent) / 100 } : undefined;
	const bytes = bytesOf(value);
	return bytes === undefined ? undefined : { is: 'bytes', bytes };
});

/** How quantities are written, for who can't run the functions above: JSON Schema knows no flags of patterns. */
export const quantityPatterns = {
	duration: { type: 'string', pattern: patternOf(durationUnits) },
	size: { type: ['string', 'integer'], pattern: `${patternOf(sizeUnits)}|^unlimited$`, minimum: 0 },
	'share or size': { type: ['string', 'integer'], pattern: `${patternOf({ '%': 1, ...sizeUnits })}|^ *[0-9]+ *$`, minimum: 0 },
} as const;

function patternOf(units: Units): string {
	const inAnyCase = (unit: string) => unit.replace(/[a-z]/gi, (letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`);
	return `^ *[0-9]+([.][0-9]+)? *(${Object.keys(units).map(inAnyCase).join('|')}) *$`;
}

function quantity<T>(expected: string, read: (value: unknown) => T | undefined) {
	return z.unknown().transform((value, context) => {
		const result = read(value);
		if (result !== undefined) return result;
		context.addIssue({ code: 'custom', message: expected });
		return z.NEVER;
	});
}

function bytesOf(value: unknown): number | undefined {
	if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
	return typeof value === 'string' ? measured(value, sizeUnits) : undefined;
}

function measured(text: string, units: Units): number | undefined {
	const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-zA-Z]+)$/.exec(text.trim()) ?? [];
	const factor = units[unit] ?? Object.entries(units).find(([name]) => name.toLowerCase() === unit.toLowerCase())?.[1];
	const amount = Math.round(Number(number) * (factor ?? Number.NaN));
	return Number.isSafeInteger(amount) ? amount : undefined;
}

export const durationText = (milliseconds: number) => inLargestUnit(milliseconds, durationUnits);
export const sizeText = (bytes: number) => (bytes === Number.POSITIVE_INFINITY ? 'unlimited' : inLargestUnit(bytes, sizeUnits));
export const freeSpaceText = (space: FreeSpace) => (space.is === 'share' ? `${percentOf(space.share)}%` : sizeText(space.bytes));

/** 0.07 * 100 is 7.000000000000001. */
const percentOf = (share: number) => Number((share * 100).toPrecision(15));

/** The number in the largest unit in which it is whole. */
function inLargestUnit(value: number, units: Units): string {
	const whole = Object.entries(units).filter(([, factor]) => value % factor === 0 && (value >= factor || factor === 1));
	const [unit, factor] = whole.reduce((largest, entry) => (entry[1] > largest[1] ? entry : largest));
	return `${value / factor}${unit}`;
}
