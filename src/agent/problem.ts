/** Does something, and says what kept it from that, if it is of a kind that is expected. After the signal nothing is said of what was given up half-way. */
export async function problemOf(
	step: () => Promise<void>,
	isExpected: (error: unknown) => error is Error,
	signal: AbortSignal,
): Promise<string | undefined> {
	try {
		await step();
		return undefined;
	} catch (error) {
		if (isExpected(error)) return error.message;
		if (signal.aborted) return undefined;
		throw error;
	}
}
