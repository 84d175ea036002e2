import { normalName } from '../../domain/function-name/function-name.ts';
import { type Answer, problemsOfAnswer, readAnswer } from '../../domain/opinion.ts';
import type { CrashReport } from '../../domain/report.ts';

/** An answer, with what in it is not borne out by the report. */
export type Checked = {
	readonly answer: Answer;
	/** Indexes of suggestions that name a file or function which is in no stack. */
	readonly unverifiedSuggestions: readonly number[];
	/** Issues that the knowledge base does not name for this crash. */
	readonly unverifiedIssues: readonly string[];
};

/**
 * What a model wrote, as an answer; it may stand in a code fence, behind its thoughts, or among other words.
 *
 * @returns what is wrong with it, in words for the model, where it is no answer
 */
export function parseAnswer(text: string): Answer | { readonly problem: string } {
	const json = objectIn(withoutThoughts(text));
	if (json === undefined) return { problem: 'there is no JSON object in it' };
	let value: unknown;
	try {
		value = JSON.parse(json);
	} catch (error) {
		return { problem: `it is not valid JSON: ${(error as Error).message.slice(0, 200)}` };
	}
	return readAnswer(value) ?? { problem: problemsOfAnswer(value) };
}

/** Some models are made to begin with thoughts, so that only their end is marked. */
const withoutThoughts = (text: string) => text.replace(/<think>[\s\S]*?(?:<\/think>|$)/gi, '').replace(/^[\s\S]*<\/think>/i, '');

/** From the first brace to the one that closes it. */
function objectIn(text: string): string | undefined {
	const from = text.indexOf('{');
	let depth = 0;
	let isQuoted = false;
	for (let at = from; at >= 0 && at < text.length; at++) {
		const sign = text[at];
		if (isQuoted) {
			if (sign === '\\') at++;
			else if (sign === '"') isQuoted = false;
		} else if (sign === '"') isQuoted = true;
		else if (sign === '{') depth++;
		else if (sign === '}' && --depth === 0) return text.slice(from, at + 1);
	}
	return from < 0 ? undefined : text.slice(from);
}

/** Compares what an answer names with what the report knows. */
export function checked(answer: Answer, { threads, knownIssues }: Pick<CrashReport, 'threads' | 'knownIssues'>): Checked {
	const frames = threads.flatMap((thread) => thread.frames);
	const files = new Set(frames.flatMap(({ file }) => (file === undefined ? [] : [lastName(file)])));
	const functions = frames.flatMap((frame) => frame.function ?? []);
	const isKnown = (file: string, name: string) =>
		(file === '' || files.has(lastName(file))) && (name === '' || functions.some((one) => isNamed(one, name))) && file + name !== '';
	const issues = new Set(knownIssues.flatMap((known) => known.issues));
	return {
		answer,
		unverifiedSuggestions: answer.codeSuggestions.flatMap(({ file, function: name }, index) => (isKnown(file, name) ? [] : [index])),
		unverifiedIssues: answer.relatedIssues.filter((issue) => ![...issues].some((known) => isSameIssue(known, issue))),
	};
}

const lastName = (path: string) => path.split(/[/\\]/).at(-1)?.toLowerCase() ?? '';

/** Models leave out parameters, namespaces and packages. */
function isNamed(full: string, name: string): boolean {
	const [known, told] = [stepsOf(full), stepsOf(name)];
	return told.length > 0 && told.every((step, index) => step === known[known.length - told.length + index]);
}

/** `milvus`, `segcore`, `LoadIndex`; of Go's methods the type as it is called without its pointer. */
function stepsOf(name: string): string[] {
	const method = name.replaceAll(/\(\*(\w+)\)/g, '$1');
	return (
		normalName(method)
			.split('/')
			.at(-1)
			?.split(/::|\./)
			.filter((step) => step.trim() !== '') ?? []
	);
}

/** `milvus-io/milvus#28065`, `milvus#28065`, `#28065`, or its address. */
function isSameIssue(known: string, told: string): boolean {
	const [repository = '', number] = known.split('#');
	const found = /(?:#|issues\/|pull\/)(\d+)/.exec(told)?.[1];
	const before = told.slice(0, told.search(/#|\/issues\/|\/pull\//)).toLowerCase();
	return (
		found !== undefined &&
		found === number &&
		(before === '' || before.endsWith(repository.toLowerCase()) || repository.toLowerCase().endsWith(`/${before}`))
	);
}
