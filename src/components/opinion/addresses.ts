import { isIPv6 } from 'node:net';

/** A version of four numbers is taken for one too, but not that in the name of a library. */
const four = /(?<![A-Za-z\d]|\d\.|\bso\.)(?:\d{1,3}\.){3}\d{1,3}(?!\d)/g;
/** As in names of nodes of AWS, and of pods. */
const dashed = /(?<![A-Za-z\d])(?:ip-\d{1,3}(?:-\d{1,3}){3}(?!\d)|\d{1,3}(?:-\d{1,3}){3}(?=\.[A-Za-z]))/gi;
const mayBeSix = /[\da-f:.]+/gi;
const hardware = /^(?:[\da-f]{2}:){5}[\da-f]{2}$/i;

/** No address with a port is longer. */
const longest = 60;

/** The same text without addresses of the network. */
export function withoutAddresses(text: string): string {
	const rest = text.replace(four, '<address>').replace(dashed, '<address>');
	return rest.replace(mayBeSix, (found, index: number) => withoutSix(found, rest[index - 1] ?? '', rest[index + found.length] ?? ''));
}

/** Which part is the address: a word may be glued to its front, a port or another word to its end. */
function withoutSix(found: string, before: string, after: string): string {
	if (found.indexOf(':') === found.lastIndexOf(':')) return found;
	const isCutBefore = /\w/.test(before) && before !== '_';
	const isCutAfter = /[a-z]/i.test(after) && !found.endsWith('.');
	const firstColon = found.indexOf(':');
	const lastColon = found.lastIndexOf(':');
	// A name in C++ goes on there.
	if (isCutBefore && found[firstColon + 1] === ':') return found;
	if (isCutAfter && found[lastColon - 1] === ':') return found;
	let start = isCutBefore ? firstColon : 0;
	let end = isCutAfter ? lastColon : found.length;
	while ('.:'.includes(found[start] ?? ' ') && !isPair(found, start)) start++;
	while ('.:'.includes(found[end - 1] ?? ' ') && !isPair(found, end - 2)) end--;
	if (end - start > longest) return found;
	const starts = [start, found.indexOf(':', start) + 1];
	const ends = [end, found.lastIndexOf(':', end - 1)];
	for (const from of starts) {
		for (const to of ends) if (isAddress(found.slice(from, to))) return `${found.slice(0, from)}<address>${found.slice(to)}`;
	}
	return found;
}

/** Two colons and no third, as an address may begin or end. */
const isPair = (text: string, at: number) => text.slice(at, at + 2) === '::' && text[at - 1] !== ':' && text[at + 2] !== ':';

/** A name in C++ may look like one (`a::b`), but has neither a colon alone nor numbers of an address. */
function isAddress(text: string): boolean {
	if (hardware.test(text)) return true;
	if (!isIPv6(text)) return false;
	return /(?<!:):(?!:)/.test(text) || /^(?:f[cd][\da-f]{2}|fe[89ab][\da-f])::/i.test(text) || /^(?=.*\d)(?:[\da-f]{4})?::/i.test(text);
}
