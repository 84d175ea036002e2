import type { z } from 'zod';
import { readDocument } from './document.ts';
import { ConfigError } from './error.ts';
import { fieldsOf } from './fields.ts';
import { Problems } from './problems.ts';

/**
 * Reads a YAML file that a user wrote beside the configuration.
 *
 * @param example a key that such files begin with
 * @param addProblems names what is wrong besides what the schema finds; the content may be anything
 * @throws {ConfigError} with a line `FILE:LINE: what is wrong; what is expected` for each mistake
 */
export function readChecked<T extends z.ZodType>(
	file: string,
	schema: T,
	example: string,
	addProblems: (content: unknown, problems: Problems) => void = () => {},
): z.output<T> {
	const document = readDocument(file, example);
	const { content } = document;
	const problems = new Problems(file, document, [...fieldsOf(schema)]);
	const result = schema.safeParse(content);
	for (const issue of result.error?.issues ?? []) problems.addIssue(issue, content);
	addProblems(content, problems);
	if (problems.lines.length > 0 || !result.success) throw new ConfigError(problems.lines.join('\n'));
	return result.data;
}
