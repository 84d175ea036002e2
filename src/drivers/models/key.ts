import { readFile } from 'node:fs/promises';
import { messageOf } from '../../base/errors.ts';
import { printable } from '../../base/printable.ts';

/** The key itself, or a file that holds it and is read for each question, so that another key in it counts at once. */
export type KeySource = { readonly apiKey?: string; readonly apiKeyFile?: string };

/** @returns `key` undefined: none is configured */
export async function readKey({
	apiKey,
	apiKeyFile,
}: KeySource): Promise<{ readonly key: string | undefined } | { readonly problem: string }> {
	let key = apiKey?.trim() || undefined;
	let from = 'aiAnalysis.apiKey';
	if (key === undefined && apiKeyFile !== undefined) {
		from = 'aiAnalysis.apiKeyFile';
		try {
			key = (await readFile(apiKeyFile, 'utf8')).trim();
		} catch (error) {
			return { problem: `${printable(messageOf(error))} (${from})` };
		}
	}
	if (key === undefined) return { key };
	if (key === '') return { problem: `there is nothing in it (${from})` };
	// What is no header would be quoted by whoever refuses it.
	return /^[\x21-\x7e]+$/.test(key) ? { key } : { problem: `there are characters in it that no key has (${from})` };
}

/** What may be shown of a key: no more than the last four characters, and of a short one none. */
export const masked = (key: string): string => `****${key.length < 16 ? '' : key.slice(-4)}`;

/** Shorter ones are words such as `none`, which local servers are given: in a text they stand for themselves. */
const leastSecret = 8;

/** A text in which a service repeats the key, or a half of it (GLM's have two), without it. */
export function withoutKey(text: string, key: string | undefined): string {
	if (key === undefined) return text;
	const secrets = [key, encodeURIComponent(key), ...key.split('.')].filter((one) => one.length >= leastSecret);
	return secrets.reduce((rest, secret) => rest.replaceAll(secret, () => masked(key)), text);
}
