import { withoutAddresses } from './addresses.ts';
import { marked, unmarked } from './escapes.ts';
import { withoutSecrets } from './secrets.ts';

export type Redaction = {
	/** Names of nodes and hosts, which are not the pod's. */
	readonly hosts: readonly string[];
	/** What a user lets out all the same. */
	readonly allows: ReadonlySet<'addresses' | 'nodeNames'>;
};

/**
 * The same text without what must not be told. Whoever reads it can see where something stood. The text may have escapes in words (`\n`), but its end must
 * not be cut: a secret is also known by what follows it.
 */
export function redacted(text: string, { hosts, allows }: Redaction): string {
	const clean = withoutSecrets(marked(text));
	const further = allows.has('addresses') ? clean : withoutAddresses(clean);
	return unmarked(allows.has('nodeNames') ? further : withoutNames(further, hosts));
}

function withoutNames(text: string, hosts: readonly string[]): string {
	const names = hosts.flatMap((host) => [host, ...firstLabel(host)]).filter((name) => name.length > 1);
	const longestFirst = names.toSorted((one, other) => other.length - one.length);
	return longestFirst.reduce(
		(rest, name) => rest.replace(new RegExp(`(?<![A-Za-z\\d-])${RegExp.escape(name)}(?![\\w-])`, 'gi'), '<node>'),
		text,
	);
}

/** `worker-3` of `worker-3.prod.example`; a plain word, as `milvus` of `milvus.example`, or a number says no node. */
const firstLabel = (host: string): string[] => /^(?=[^.]*[a-z])(?=[^.]*[\d-])[^.]+(?=\.)/i.exec(host)?.slice(0, 1) ?? [];
