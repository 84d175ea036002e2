import type { z } from 'zod';
import { printable } from '../base/printable.ts';

const longestQuote = 60;

/** A text that may hold addresses, without the user names and passwords in them, and without what stands behind `?`, where services have keys. */
export const withoutCredentials = (text: string) =>
	text.replaceAll(/(:\/\/)[^\s/?#]*@/g, '$1********@').replaceAll(/(:\/\/[^\s?#]*\?)[^\s#]+/g, '$1********');

/** A value as an error quotes it; lists and sections are not quoted, because of what may stand in them. */
export function valueInWords(value: unknown): string {
	if (value === '' || value === undefined || value === null || typeof value === 'object') return kindInWords(value);
	if (typeof value !== 'string') return String(value);
	const text = withoutCredentials(value);
	return printable(JSON.stringify(text.length > longestQuote ? `${text.slice(0, longestQuote)}…` : text));
}

/** What kind of value it is, and nothing of the value. */
export function kindInWords(value: unknown): string {
	if (value === undefined) return 'missing';
	if (value === null) return 'empty';
	if (value === '') return 'an empty text';
	if (Array.isArray(value)) return 'a list';
	return { string: 'a text', number: 'a number', boolean: 'true or false' }[typeof value as string] ?? 'a section';
}

/** The path of a key, with what the user called keys of his own made safe to print. */
export const nameOf = (path: readonly PropertyKey[]) => printable(path.join('.'));

const typeNames: Readonly<Record<string, string>> = {
	string: 'a text',
	number: 'a number',
	int: 'a whole number',
	boolean: 'true or false',
	array: 'a list such as [a, b]',
	object: 'a section with keys',
	record: 'a section with keys',
};

/** What an issue expects; with the default as an example where only that tells what is meant. */
export function expectation(issue: z.core.$ZodIssue, initial?: unknown): string {
	const example = typeof initial === 'string' || typeof initial === 'number' ? `, such as ${JSON.stringify(initial)}` : '';
	switch (issue.code) {
		case 'invalid_type':
			return `${typeNames[issue.expected] ?? issue.expected}${issue.expected === 'boolean' ? '' : example}`;
		case 'invalid_value':
			return issue.values.map(String).join(' or ');
		case 'invalid_union':
			return [...new Set(issue.errors.flat().map(alternative))].join(' or ');
		case 'too_small':
			return `${isEmptiness(issue) ? `a ${issue.origin === 'string' ? 'text' : 'list'} that is not empty` : `at least ${issue.minimum}${unitOf(issue)}`}${example}`;
		case 'too_big':
			return `at most ${issue.maximum}${unitOf(issue)}${example}`;
		case 'invalid_format':
			return issue.format === 'url' ? 'an address such as https://example.com' : issue.message;
		default:
			return issue.message;
	}
}

const unitOf = ({ origin }: { readonly origin: string }) => ({ string: ' characters', array: ' items' })[origin] ?? '';
const isEmptiness = (issue: z.core.$ZodIssueTooSmall) => issue.minimum === 1 && unitOf(issue) !== '';

/** A mistake inside of a list is told as the list that was expected. */
const alternative = (issue: z.core.$ZodIssue) => (issue.path.length > 0 ? (typeNames.array ?? '') : expectation(issue));
