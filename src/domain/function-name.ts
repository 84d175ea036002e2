/** Placeholder until the real one is merged. */
export function normalName(name: string): string {
	const symbol = name.replace(/ \[clone .*$/, '').replace(/@.*$/, '');
	return withoutParameters(symbol).replace(/(?:\.(?:constprop|isra|part|cold|lto_priv|llvm)(?:\.\d+)*)+$/, '').replace(/^__GI_/, '').replace(/<[^<>]*>/g, (t) => t.startsWith('<signal') ? t : '');
}
export const shortName = (name: string) => name;
export const repositoryPath = (name: string) => name;
export const maskedMessage = (name: string) => name;
function withoutParameters(name: string): string {
	const text = name.replace(/ const$/, '');
	if (!text.endsWith(')')) return text;
	let depth = 0;
	for (let at = text.length - 1; at > 0; at--) {
		if (text[at] === ')') depth++;
		if (text[at] === '(' && --depth === 0) return text.slice(0, at).endsWith('operator') ? text : text.slice(0, at);
	}
	return text;
}
