import { behindBracket } from './brackets.ts';
import { namelessAt } from './nameless.ts';
import { operatorAt } from './operators.ts';
import { match } from './scan.ts';
import { isCloneSuffix } from './variants.ts';

/** One step of a name such as `milvus::exec::Expr<int>::Eval`. */
export type Step = { readonly name: string; readonly isGeneric: boolean };

/** A name as far as it is read. */
type Reading = { readonly text: string; at: number; steps: Step[]; name: string; isGeneric: boolean };

/**
 * The steps of a C++, Rust or C name as any demangler or debugger writes it, without return type, arguments, qualifiers and clones' suffixes.
 * What has no name of its own gets one: `{lambda}`, `(anonymous namespace)`, `{closure}`.
 * A name that is cut or unbalanced gives the steps up to there.
 */
export function scopedSteps(text: string): readonly Step[] {
	const reading: Reading = { text, at: 0, steps: [], name: '', isGeneric: false };
	while (reading.at < text.length && readOn(reading));
	finishStep(reading);
	return reading.steps;
}

const plain = /[^\s:<>()[\]{}@.*&]+/y;

/** @returns whether the name goes on */
function readOn(reading: Reading): boolean {
	const { text, at } = reading;
	if (text.startsWith('::', at)) {
		finishStep(reading);
		reading.at += 2;
		return true;
	}
	if (readSpecial(reading)) return true;
	switch (text[at]) {
		case '<':
			reading.isGeneric = true;
			reading.at = behindBracket(text, at);
			return true;
		case '[':
			reading.at = behindBracket(text, at);
			return true;
		case '(':
			return readArguments(reading);
		case ' ':
			return readSpace(reading);
		case '*':
		case '&':
			reading.at++;
			return true;
		case ')':
		case '@':
			return false;
		case '.':
			if (isCloneSuffix(text, at)) return false;
	}
	const characters = match(plain, text, at) ?? (text[at] as string);
	reading.name += characters;
	reading.at += characters.length;
	return true;
}

function finishStep(reading: Reading): void {
	if (reading.name !== '') reading.steps.push({ name: reading.name, isGeneric: reading.isGeneric });
	reading.name = '';
	reading.isGeneric = false;
}

/** What came before was no part of the name, but its return type, or words such as `virtual thunk to`. */
function restartAt(reading: Reading, at: number): true {
	Object.assign(reading, { steps: [], name: '', isGeneric: false, at });
	return true;
}

/** At the beginning of a step: operators, lambdas and the like. */
function readSpecial(reading: Reading): boolean {
	if (reading.name !== '') return false;
	const { text, at, steps } = reading;
	const operator = operatorAt(text, at);
	const special = operator?.isConversion ? conversion(text, operator.end) : (operator ?? namelessAt(text, at, steps.length === 0));
	if (special === undefined) return false;
	reading.name = special.name;
	reading.at = special.end;
	return true;
}

const typeCharacters = /[^<(@[.]+/y;

/** `operator bool`: the type ends where the arguments begin. */
function conversion(text: string, start: number): { readonly name: string; readonly end: number } {
	let type = '';
	let at = start;
	for (;;) {
		const characters = match(typeCharacters, text, at) ?? '';
		type += characters;
		at += characters.length;
		if (text[at] !== '<') break;
		at = behindBracket(text, at);
	}
	return { name: `operator ${type.trim()}`.trim(), end: at };
}

/** The declarator around a function that returns a pointer to one: `void (*f(int))(char)`. */
const declarator = /\((?:[\w:]{1,200}::)?[*&]+ ?/y;
const qualifiers = /(?: (?:const|volatile|noexcept|restrict|&&?)(?!\w)){1,4}/y;
/** What makes those before it qualifiers of a function, and not the type that it returns. */
const behindQualifiers = /$|::| ?\[| ?\(\.|\./y;
/** Words behind the arguments that are no further name. */
const furtherName = / +(?!\[|\(\.|requires |->|at |from )(?=[\w~(<{$'])/y;

function readArguments(reading: Reading): boolean {
	const { text, at } = reading;
	const found = match(declarator, text, at);
	if (found !== undefined && reading.name !== 'decltype') return restartAt(reading, at + found.length);
	reading.at = behindBracket(text, at);
	reading.at += match(qualifiers, text, reading.at)?.length ?? 0;
	if (text.startsWith('::', reading.at)) return true;
	// They end the name, unless they were those of a `decltype(…)` before it.
	const space = match(furtherName, text, reading.at);
	return space !== undefined && restartAt(reading, reading.at + space.length);
}

function readSpace(reading: Reading): boolean {
	const { text, at } = reading;
	const qualified = match(qualifiers, text, at);
	if (qualified !== undefined && match(behindQualifiers, text, at + qualified.length) !== undefined) {
		reading.at += qualified.length;
		return true;
	}
	const end = at + (match(/ +/y, text, at)?.length ?? 1);
	const isDeclarator = match(declarator, text, end) !== undefined && reading.name !== 'decltype';
	if (text[end] === '(' && !isDeclarator && namelessAt(text, end, true) === undefined) {
		// gdb sets arguments off by a space; old GNU demanglers also those of a decltype before the name.
		reading.at = end;
		return text[end + 1] !== '.' && readArguments(reading);
	}
	if (text[end] === '<' && !/^<(?:lambda|unnamed)/.test(text.slice(end, end + 8))) {
		reading.at = end;
		return true;
	}
	if (end === text.length || text[end] === '[') return false;
	return restartAt(reading, end);
}
