import { distance } from 'fastest-levenshtein';
import { type Document, isMap, isNode, isScalar, type LineCounter, type Node } from 'yaml';
import type { z } from 'zod';
import { type Field, valueAt } from './fields.ts';

/** Turns what is wrong with a configuration into lines for the person who wrote it. */
export class Problems {
	readonly #lines: { readonly line: number; readonly text: string }[] = [];
	readonly #file: string;
	readonly #document: Document;
	readonly #counter: LineCounter;
	readonly #fields: readonly Field[];

	constructor(file: string, document: Document, counter: LineCounter, fields: readonly Field[]) {
		this.#file = file;
		this.#document = document;
		this.#counter = counter;
		this.#fields = fields;
	}

	/** What was found, in the order of the lines. */
	get lines(): readonly string[] {
		return this.#lines.toSorted((a, b) => a.line - b.line).map(({ line, text }) => `${this.#file}:${line}: ${text}`);
	}

	add(path: readonly PropertyKey[], text: string): void {
		this.#lines.push({ line: this.#lineOf(path), text });
	}

	addIssue(issue: z.core.$ZodIssue, content: unknown): void {
		if (issue.code === 'unrecognized_keys') {
			for (const name of issue.keys) this.add([...issue.path, name], this.#unknownKey(issue.path, name));
			return;
		}
		const field = this.#fieldAt(issue.path);
		const value = field?.meta.secret ? 'not right' : inWords(valueAt(content, issue.path));
		const example = field?.meta.default === undefined ? '' : `, such as ${JSON.stringify(field.meta.default)}`;
		this.add(issue.path, `${issue.path.join('.')} is ${value}; ${expectation(issue)}${issue.code === 'custom' ? '' : example}`);
	}

	/** The nearest key of the same section, or the section where such a key is. */
	#unknownKey(section: readonly PropertyKey[], name: string): string {
		const place = section.length === 0 ? name : `${section.join('.')}.${name}`;
		const siblings = this.#fields.filter(
			({ path }) => path.length === section.length + 1 && section.every((part, index) => path[index] === part),
		);
		const nearest = siblings.map(({ path }) => path.at(-1) ?? '').sort((a, b) => distance(a, name) - distance(b, name))[0];
		const elsewhere = this.#fields.find(({ path }) => path.at(-1) === name);
		const isSlip = nearest !== undefined && distance(nearest, name) <= 2;
		if (elsewhere && !isSlip)
			return `unknown key ${place}; ${name} belongs under ${elsewhere.path.slice(0, -1).join('.') || 'the top level'}`;
		return `unknown key ${place}${nearest === undefined ? '' : `; the nearest known one is ${nearest}`}`;
	}

	/** The field at a path, or the one that the path leads into. */
	#fieldAt(path: readonly PropertyKey[]): Field | undefined {
		return this.#fields.findLast((field) => field.path.every((part, index) => path[index] === part));
	}

	/** The line of a key; of the nearest thing around it where it has none of its own. */
	#lineOf(path: readonly PropertyKey[]): number {
		let node: unknown = this.#document.contents;
		let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
		for (const part of path) {
			const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === part) : undefined;
			const next: Node | undefined = pair ? (pair.key as Node) : undefined;
			if (!next) break;
			offset = next.range?.[0] ?? offset;
			node = pair?.value;
		}
		return this.#counter.linePos(offset).line;
	}
}

const inWords = (value: unknown) => (value === undefined ? 'missing' : JSON.stringify(value));

const typeNames: Readonly<Record<string, string>> = {
	string: 'a text',
	number: 'a number',
	int: 'a whole number',
	boolean: 'true or false',
	array: 'a list',
	object: 'a section with keys',
	record: 'a section with keys',
};

function expectation(issue: z.core.$ZodIssue): string {
	switch (issue.code) {
		case 'invalid_type':
			return `expected ${typeNames[issue.expected] ?? issue.expected}`;
		case 'invalid_value':
			return `expected ${issue.values.map(String).join(' or ')}`;
		case 'invalid_union':
			return `expected ${[...new Set(issue.errors.flat().map((one) => expectation(one as z.core.$ZodIssue).replace('expected ', '')))].join(' or ')}`;
		case 'too_small':
			return `expected ${issue.origin === 'string' ? 'a text that is not empty' : `at least ${issue.minimum}`}`;
		case 'too_big':
			return `expected at most ${issue.maximum}`;
		case 'invalid_format':
			return issue.format === 'url' ? 'expected an address such as https://example.com' : issue.message;
		default:
			return issue.message;
	}
}
