import { parsed, Unreadable } from './errors.ts';

/** More than any object may be long: etcd takes no more than 1.5 MiB in one request. */
export const mostObjectBytes = 32 << 20;

/**
 * Cuts the JSON of a list into its items as it comes in, so that never the whole of it is held: a list out of the API server's cache
 * comes in one piece, however long. The keys may stand in any order: those of custom resources are sorted, with `metadata` last.
 */
export function listScanner() {
	let depth = 0;
	let isInText = false;
	let isEscaped = false;
	/** The text that ended last in the outermost object: before a `[` there it is the key. */
	let key = '';
	let keyStart: { readonly pieces: Buffer[]; from: number } | undefined;
	let isInItems = false;
	/** Of the item under way, or else of what is around the items. */
	let item: Buffer[] | undefined;
	let itemBytes = 0;
	const around: Buffer[] = [];
	let aroundBytes = 0;

	function keep(piece: Buffer): void {
		if (item) {
			itemBytes += piece.length;
			item.push(piece);
		} else {
			aroundBytes += piece.length;
			around.push(Buffer.from(piece)); // a copy, so that it does not keep the whole chunk
		}
		if (itemBytes > mostObjectBytes || aroundBytes > mostObjectBytes) throw new Unreadable('an object without an end');
	}

	return {
		/** @returns the items that are complete now, each as JSON */
		feed(chunk: Buffer): readonly string[] {
			const items: string[] = [];
			let from = 0;
			if (keyStart) keyStart.from = 0;
			for (let at = 0; at < chunk.length; at++) {
				const byte = chunk[at] as number;
				if (isInText) {
					if (isEscaped) isEscaped = false;
					else if (byte === backslash) isEscaped = true;
					else if (byte === quote) {
						isInText = false;
						if (keyStart) {
							key = Buffer.concat([...keyStart.pieces, chunk.subarray(keyStart.from, at)]).toString();
							keyStart = undefined;
						}
					}
					continue;
				}
				switch (byte) {
					case quote:
						isInText = true;
						if (depth === 1) keyStart = { pieces: [], from: at + 1 };
						break;
					case openBrace:
					case openBracket:
						depth++;
						if (byte === openBracket && depth === 2 && key === 'items') isInItems = true;
						if (isInItems && depth === 3 && byte === openBrace) {
							keep(chunk.subarray(from, at));
							item = [];
							itemBytes = 0;
							from = at;
						}
						break;
					case closeBrace:
					case closeBracket:
						depth--;
						if (depth === 1) isInItems = false;
						if (item && depth === 2) {
							keep(chunk.subarray(from, at + 1));
							items.push(Buffer.concat(item).toString());
							item = undefined;
							from = at + 1;
						}
						break;
					case comma:
						// Those between the items go with them.
						if (isInItems && depth === 2) {
							keep(chunk.subarray(from, at));
							from = at + 1;
						}
						break;
				}
			}
			keep(chunk.subarray(from));
			if (keyStart) keyStart.pieces.push(Buffer.from(chunk.subarray(keyStart.from)));
			return items;
		},
		/** The list without its items. @throws {Unreadable} it is no JSON, or not whole */
		end(): unknown {
			if (item) throw new Unreadable('the list ends in the middle of an item');
			return parsed(Buffer.concat(around).toString());
		},
	};
}

const code = (character: string) => character.charCodeAt(0);
const [quote, backslash, comma] = [code('"'), code('\\'), code(',')];
const [openBrace, closeBrace, openBracket, closeBracket] = [code('{'), code('}'), code('['), code(']')];
