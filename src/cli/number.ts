import { InvalidArgumentError } from 'commander';

/** The value of an option that is a count. */
export function wholeNumber(text: string): number {
	const value = Number(text);
	if (Number.isInteger(value) && value > 0) return value;
	throw new InvalidArgumentError('It must be a whole number above 0.');
}
