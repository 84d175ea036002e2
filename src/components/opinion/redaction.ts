import { isIPv6 } from 'node:net';

/** What must not leave the cluster, and what stands there instead. */
export type Rule = { readonly id: string; readonly pattern: RegExp; readonly by: string | ((found: string) => string) };

const key = `(?:pass(?:word|wd|phrase)?|pwd|secret(?:[-_]?key)?|token|api[-_]?key|access[-_]?key(?:[-_]?id)?|credentials?|auth(?:orization)?|session[-_]?id|cookie)`;

/** In this order: a rule sees what those before it have left. */
export const rules: readonly Rule[] = [
	{ id: 'private key', pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, by: '<private key>' },
	{ id: 'user in an address', pattern: /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@'"]+@/gi, by: '$1<user>@' },
	{ id: 'bearer token', pattern: /\b(bearer|basic)\s+[\w+/.~=-]{8,}/gi, by: '$1 <secret>' },
	{ id: 'web token', pattern: /\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/g, by: '<secret>' },
	{ id: 'key of a cloud', pattern: /\b(?:AKIA|ASIA|LTAI|ghp_|gho_|github_pat_|glpat-|xox[abprs]-|sk-)[\w-]{10,}/g, by: '<secret>' },
	{
		id: 'value of a secret key',
		pattern: new RegExp(String.raw`((?:^|[^a-z])[\w.-]*${key}["']?\s*(?:=>|[:=]|\s(?==))\s*)("[^"]*"|'[^']*'|[^\s,;&}\])]+)`, 'gi'),
		by: '$1<secret>',
	},
	{ id: 'secret option', pattern: new RegExp(String.raw`(--?[\w-]*${key}\s+)(?!-)\S+`, 'gi'), by: '$1<secret>' },
	{ id: 'mail address', pattern: /\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b/g, by: '<mail>' },
	{ id: 'user folder', pattern: /(\/(?:home|Users)\/)[^/\s]+/g, by: '$1<user>' },
	{ id: 'long code', pattern: /\b(?=[A-Za-z0-9+/]*\d)(?=[A-Za-z0-9+/]*[A-Za-z])[A-Za-z0-9+/]{64,}={0,2}/g, by: '<code>' },
];

/** Of addresses in the cluster's network; a version of four numbers is taken for one too. */
const addresses: readonly Rule[] = [
	{ id: 'IPv4 address', pattern: /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d\.\d)(?!\.\d)/g, by: '<address>' },
	// A name in C++ may look like one, but has no digits.
	{
		id: 'IPv6 address',
		pattern: /(?<![\w:])[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*(?![\w:])/gi,
		by: (found) => (isIPv6(found) && /\d/.test(found) ? '<address>' : found),
	},
];

export type Redaction = {
	/** Names of nodes and hosts, which are not the pod's. */
	readonly hosts: readonly string[];
	/** What a user lets out all the same. */
	readonly allows: ReadonlySet<'addresses' | 'nodeNames'>;
};

/** The same text without what must not be told. Whoever reads it can see where something stood. */
export function redacted(text: string, { hosts, allows }: Redaction): string {
	const all = [...rules, ...(allows.has('addresses') ? [] : addresses)];
	const clean = all.reduce(
		(rest, { pattern, by }) => (typeof by === 'string' ? rest.replace(pattern, by) : rest.replace(pattern, by)),
		text,
	);
	if (allows.has('nodeNames')) return clean;
	const names = hosts.filter((name) => name.length > 1).toSorted((one, other) => other.length - one.length);
	return names.reduce((rest, name) => rest.replace(new RegExp(`(?<![\\w-])${RegExp.escape(name)}(?![\\w-])`, 'gi'), '<node>'), clean);
}
