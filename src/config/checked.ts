import type { z } from 'zod';
import { type DocumentOptions, readDocument } from './document.ts';
import { ConfigError } from './error.ts';
import { fieldsOf } from './fields.ts';
import { Problems } from './problems.ts';

/**
 * Reads a YAML file that a user wrote beside the configuration.
 *
 * @param addProblems names what is wrong besides what the schema finds; the content may be anything
 * @throws {ConfigError} with a line `FILE:LINE: what is wrong; what is expected` for each mistake
 */
export function readChecked<T extends z.ZodType>(
	file: string,
	schema: T,
	{ example, what }: Pick<DocumentOptions, 'example' | 'what'>,
	addProblems: (content: unknown, problems: Problems) => void = () => {},
): z.output<T> {
	const document = readDocument(file, { example, what });
	const { content } = document;
	const problems = new Problems(file, document, [...fieldsOf(schema)]);
	const result = schema.safeParse(content);
	for (const issue of result.error?.issues ?? []) problems.addIssue(issue, content);
	addProblems(content, problems);
	if (problems.lines.length > 0 || !result.success) throw new ConfigError(problems.lines.join('\n'));
	return result.data;
}
