import { distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import type { ConfigDocument } from './document.ts';
import { type Field, isAt, valueAt } from './fields.ts';
import { expectation, kindInWords, nameOf, valueInWords } from './wording.ts';

/** Turns what is wrong with a YAML file into lines for the person who wrote it. */
export class Problems {
	readonly #found: { readonly line: number; readonly text: string }[] = [];
	readonly #file: string;
	readonly #lineOf: ConfigDocument['lineOf'];
	readonly #fields: readonly Field[];

	constructor(file: string, { lineOf, repeated }: Pick<ConfigDocument, 'lineOf' | 'repeated'>, fields: readonly Field[]) {
		this.#file = file;
		this.#lineOf = lineOf;
		this.#fields = fields;
		for (const line of repeated) this.add(line, 'this key is there twice in its section; keep one');
	}

	/** What was found, in the order of the lines. */
	get lines(): readonly string[] {
		return this.#found.toSorted((a, b) => a.line - b.line).map(({ line, text }) => `${this.#file}:${line}: ${text}`);
	}

	add(where: readonly PropertyKey[] | number, text: string): void {
		this.#found.push({ line: typeof where === 'number' ? where : this.#lineOf(where), text });
	}

	/** A value that is not what is expected there. */
	addValue(path: readonly PropertyKey[], value: unknown, expected: string): void {
		this.add(path, `${nameOf(path)} is ${valueInWords(value)}; expected ${expected}`);
	}

	addIssue(issue: z.core.$ZodIssue, content: unknown): void {
		if (issue.code === 'unrecognized_keys') {
			for (const name of issue.keys) this.add([...issue.path, name], this.#unknownKey(issue.path, name));
			return;
		}
		const field = this.#fields.findLast(({ path }) => isAt(issue.path.slice(0, path.length), path));
		const value = valueAt(content, issue.path);
		const isSection = issue.code === 'invalid_type' && ['object', 'record'].includes(issue.expected);
		const told = field?.meta.secret || isSection ? kindInWords(value) : valueInWords(value);
		const initial = field?.path.length === issue.path.length ? field.meta.default : undefined;
		this.add(issue.path, `${nameOf(issue.path)} is ${told}; expected ${expectation(issue, initial)}`);
	}

	/** The nearest key of the same section, or the sections where such a key is. */
	#unknownKey(section: readonly PropertyKey[], name: string): string {
		const bare = name.split(/[^\w-]/)[0] ?? '';
		const nearest = this.#keysOf(section).sort((a, b) => distance(a, bare) - distance(b, bare))[0];
		const isSlip = nearest !== undefined && distance(nearest, name) <= 2;
		const homes = this.#fields.filter(({ path }) => path.at(-1) === name).map(({ path }) => nameOf(path.slice(0, -1)) || 'the top level');
		// What does not look like a key may be a secret that lost the space before it: apiKey:sk-…
		const isTold = isSlip || homes.length > 0 || /^[a-z_-]{1,30}$/i.test(name);
		const key = isTold ? `key ${nameOf([...section, name])}` : `key ${section.length === 0 ? 'at the top level' : `in ${nameOf(section)}`}`;
		if (homes.length > 0 && !isSlip) return `unknown ${key}; ${name} belongs under ${homes.join(' or ')}`;
		return `unknown ${key}; ${nearest === undefined ? 'remove it' : `the nearest known one is ${nearest}`}`;
	}

	#keysOf(section: readonly PropertyKey[]): string[] {
		const inside = this.#fields.filter(({ path }) => isAt(section, path.slice(0, -1)));
		return [...inside.map(({ path }) => path.at(-1) ?? ''), ...(nameOf(section) === 'analyzer' ? ['aiAnalysis'] : [])];
	}
}
