const borders = ['::', '.', '/'] as const;

/**
 * Whether a pattern of the knowledge base means a function: its whole name, or the end of it from a border on;
 * a pattern that ends in a border and `*` means all that lies below what stands before.
 *
 * @param name normalised: without parameters, template arguments and return type
 */
export function isMeant(pattern: string, name: string): boolean {
	if (!isFamily(pattern)) return name === pattern || borders.some((border) => name.endsWith(border + pattern));
	const front = pattern.slice(0, -1);
	return name.startsWith(front) || borders.some((border) => name.includes(border + front));
}

const isFamily = (pattern: string) => borders.some((border) => pattern.endsWith(`${border}*`));
