const longestRead = 4096;
const longest = 255;

/**
 * What differs from crash to crash in a message, the most telling first; each begins where no word goes on before it, so that a text
 * is read once. The name of the group is the placeholder.
 */
const varying = new RegExp(
	[
		/(?<text>"(?:[^"\\]|\\.)*(?:"|$)|`[^`\n]*`|(?<![\w)\]}])'[^'\n]*'(?!\w))/,
		/(?<![\w-])(?<channel>[\w-]+-dml_\d[\w-]*)/,
		/(?<![\w-])(?<uuid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?!\w)/,
		/(?<!\w)(?<time>\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?|\d\d:\d\d:\d\d(?:[.,]\d+)?)(?!\w)/,
		/(?<![\w.])(?<address>\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d{1,5})?(?!\w)|\[[0-9a-f]*:[0-9a-f:.]*\]:\d{1,5})/,
		/(?<![\w.:])(?<address6>(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}|[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,5}::[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,5})(?![\w:])/,
		/(?<![\w./}])(?<path>(?:[a-z][a-z0-9+]*:\/\/|[A-Z]:\\|\.{0,2}\/)[^\s"'`,;()[\]{}<>|]+)/,
	]
		.map(({ source }) => source)
		.join('|'),
	'g',
);

/** Numbers in any base, their units kept; those within a word only where they are long, as ids are: `int64` and `L2` are names. */
const number =
	/(?<![A-Za-z\d])[-+]?(?:0x[0-9a-f]+|(?=[a-f]*\d)[0-9a-f]{8,}(?!\w)|(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|h|m|s))+(?!\w)|\d+(?:[.,]\d+)*(?:e[-+]?\d+)?)\??|(?<=[A-Za-z])\d{5,}/gi;
const list = /(?<=[[(])\{n\}(?:(?:, ?| )\{n\})+(?=[\])])/g;

/**
 * A message without what differs each time the same bug speaks: numbers, addresses, quoted text, paths, ids, channels become
 * placeholders such as `{n}` and `{path}`; a list of numbers is one. For comparing messages, and for grouping by them.
 *
 * @returns one line of at most 255 characters
 */
export function maskedMessage(text: string): string {
	return text
		.slice(0, longestRead)
		.replace(varying, (...match) => placeholder(match.at(-1) as Record<string, string | undefined>))
		.replace(number, '{n}')
		.replace(/\s+/g, ' ')
		.replace(list, '{n}')
		.trim()
		.slice(0, longest)
		.trimEnd();
}

function placeholder(groups: Record<string, string | undefined>): string {
	const [name] = Object.entries(groups).find(([, value]) => value !== undefined) ?? ['text'];
	return name === 'address6' ? '{address}' : `{${name}}`;
}
