import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'vitest';

/** Why something that tests need can't be had here, in a line; null where it can. */
export type Missing = string | null;

/** Tests that need something: where it can't be had they are skipped, and their name says why. In CI it must be there. */
export function describeUnless(name: string, missing: Missing, options: { readonly timeout?: number }, tests: () => void): void {
	describe.skipIf(isSkipped(missing))(nameOf(name, missing), options, tests);
}

/** The same of a single one. */
export function testUnless(name: string, missing: Missing, work: () => Promise<void>): void {
	test.skipIf(isSkipped(missing))(nameOf(name, missing), work);
}

const isSkipped = (missing: Missing) => missing !== null && process.env.CI !== 'true';
const nameOf = (name: string, missing: Missing) => (isSkipped(missing) ? `${name} (${missing})` : name);

/** @param ask runs a program that says on its standard error what is missing, and fails */
export async function missingAsSaidBy(ask: () => Promise<unknown>): Promise<Missing> {
	return ask().then(
		() => null,
		(error: { stderr?: string }) => String(error.stderr).trim(),
	);
}

/** Of programs, also such as only root has in its PATH. */
export function missingOf(programs: readonly string[]): Missing {
	const folders = ['/usr/sbin', '/sbin', ...(process.env.PATH ?? '').split(':')];
	const absent = programs.find((program) => !folders.some((folder) => existsSync(join(folder, program))));
	return absent === undefined ? null : `${absent} is missing`;
}
