/** A JSON Schema, as far as it is understood here. */
export type Schema = Readonly<Record<string, unknown>>;

export class Unsupported extends Error {}

/** In characters: a small model finds no end where it is not made to. */
const longestText = 40;

/** Notation: grammars/README.md of llama.cpp. Signs that JSON writes with a backslash are in it, but for those of a code point. */
const basics = String.raw`text ::= "\"" letter char{0,${longestText - 1}} "\""
letter ::= [A-Za-z]
char ::= [^"\\\x00-\x1F\x7F] | "\\" ["\\/bfnrt]
fraction ::= "0" ("." [0-9]{1,2})? | "1"
natural ::= "0" | [1-9] [0-9]{0,4}`;

/** Any JSON object. */
export const anyObject = String.raw`root ::= object
object ::= "{" (key value (", " key value)*)? "}"
key ::= text ": "
value ::= object | "[" (value (", " value)*)? "]" | "\"" char* "\"" | "-"? natural ("." [0-9]+)? | "true" | "false" | "null"
${basics}`;

/**
 * A grammar in llama.cpp's notation (GBNF) for a part of what a schema allows: all properties are there in their order, a list has one item, a text is short
 * and begins with a letter, a number is between 0 and 1, and whole ones are not negative.
 *
 * @throws {Unsupported} with the schema that is not understood: where a part of it were passed over, the answer would be another than was asked for
 */
export const grammarOf = (schema: Schema): string => `root ::= ${ruleOf(schema)}\n${basics}`;

function ruleOf(schema: Schema): string {
	const { $schema: _, type, enum: values, properties, required: __, additionalProperties: ___, items, ...unknown } = schema;
	if (Object.keys(unknown).length > 0) throw new Unsupported(JSON.stringify(schema));
	if (Array.isArray(values)) return `(${values.map((value) => literal(JSON.stringify(value))).join(' | ')})`;
	switch (type) {
		case 'object':
			return `"{" ${Object.entries(properties ?? {})
				.map(memberRule)
				.join(' ", " ')} "}"`;
		case 'array':
			return `"[" ${ruleOf(items as Schema)} "]"`;
		case 'string':
			return 'text';
		case 'number':
			return 'fraction';
		case 'integer':
			return 'natural';
		case 'boolean':
			return '("true" | "false")';
		default:
			throw new Unsupported(JSON.stringify(schema));
	}
}

const memberRule = ([name, schema]: [string, Schema]) => `${literal(`${JSON.stringify(name)}: `)} ${ruleOf(schema)}`;

/** Quotes and backslashes are written as in JSON. */
const literal = (text: string) => JSON.stringify(text);
