/** What container runtimes and zap write in front of a line: a time with its zone. */
const time = /(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))? ?(Z|[+-]\d\d:?\d\d)/g;

/** The last time that a text tells, in milliseconds since 1970; times without a zone could be any. */
export function lastTimeIn(text: string): number | undefined {
	const last = [...text.matchAll(time)].at(-1);
	if (!last) return undefined;
	const [, year, month, day, clock, fraction = '', zone = 'Z'] = last;
	const parsed = Date.parse(
		`${year}-${month}-${day}T${clock}.${fraction.padEnd(3, '0').slice(0, 3)}${zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')}`,
	);
	return Number.isNaN(parsed) ? undefined : parsed;
}
