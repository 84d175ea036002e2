/** The place of one entry: sd_journal_get_cursor(3), whose parts are those of sd-journal.c. */
export type Cursor = {
	/** When the entry was made. */
	readonly timeMs: number;
	/** The boot in which it was made, 32 hex digits. */
	readonly bootId: string;
	/** Names the entry itself, wherever it is kept: journald copies it when it moves from /run to /var, and numbers it anew. */
	readonly identity: string;
};

/** `s=` sequence, `i=` number in it, `b=` boot, `m=` µs since boot, `t=` µs since 1970, `x=` hash of the contents. */
const shape = /^s=[0-9a-f]{32};i=[0-9a-f]{1,16};(b=([0-9a-f]{32});m=[0-9a-f]{1,16};t=([0-9a-f]{1,14});x=[0-9a-f]{1,16})$/;

/** @returns undefined for what is no cursor */
export function parseCursor(text: string): Cursor | undefined {
	const [, identity, bootId, time] = shape.exec(text) ?? [];
	if (identity === undefined || bootId === undefined || time === undefined) return undefined;
	return { timeMs: Math.floor(Number.parseInt(time, 16) / 1000), bootId, identity };
}
