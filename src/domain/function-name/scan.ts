/** What a sticky pattern finds at a place; undefined where it finds nothing. */
export function match(pattern: RegExp, text: string, at: number): string | undefined {
	pattern.lastIndex = at;
	return pattern.exec(text)?.[0];
}
