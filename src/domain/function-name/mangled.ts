import { skippedTypes } from './mangled-types.ts';
import { anonymousNamespace, lambda } from './nameless.ts';
import { match } from './scan.ts';

/**
 * The identifiers of a symbol in the mangling of the Itanium C++ ABI, which Rust's legacy mangling follows: `milvus::segcore` for
 * `_ZN6milvus7segcore24Segm`. Types are skipped, not read: it is for names that are cut, or that no demangler was there for.
 * Other text comes back as it is. https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling
 */
export function unmangled(text: string): string {
	const start = match(/_{1,4}Z/y, text, 0)?.length;
	if (start === undefined) return text;
	const reading: Reading = { text, at: start, steps: [] };
	readEncoding(reading);
	return reading.steps.join('::') || text;
}

/** A symbol as far as it is read. */
type Reading = { readonly text: string; at: number; readonly steps: string[] };

/** Thunks, guard variables and the like: what they are for comes behind. */
const special = /(?:Th(?:n?\d+)?_|Tvn?\d+_n?\d+_|Tc(?:hn?\d+_|vn?\d+_n?\d+_){2}|G[VR]|GT[nt]|T[WH])+/y;
const discriminator = /_\d|__\d+_/y;
const defaultArgument = /d\d*_/y;

/** `Z <function> E <name>` declares within a function, at any depth. */
function readEncoding(reading: Reading): void {
	take(reading, special);
	let depth = 0;
	while (take(reading, /Z/y) !== undefined) depth++;
	while (readName(reading) && depth-- > 0) {
		const end = skippedTypes(reading.text, reading.at);
		if (end === undefined) return;
		reading.at = end;
		take(reading, defaultArgument);
		take(reading, discriminator);
	}
}

/** @returns whether it was read whole */
function readName(reading: Reading): boolean {
	// Qualifiers of the function come before its name.
	if (take(reading, /N[rVK]*[RO]?/y) === undefined) return readStep(reading) && readNextStep(reading);
	while (take(reading, /E/y) === undefined) if (!readStep(reading)) return false;
	return true;
}

/** A name outside of a namespace has one step, or one in `std`. */
function readNextStep(reading: Reading): boolean {
	if (reading.steps.at(-1) === 'std' && !readStep(reading)) return false;
	while (reading.text[reading.at] === 'I' || reading.text[reading.at] === 'B') if (!readStep(reading)) return false;
	return true;
}

/** One step of the name, or what is not named of it: template arguments, ABI tags. */
function readStep(reading: Reading): boolean {
	const { text, steps } = reading;
	switch (text[reading.at]) {
		case 'I': {
			const end = skippedTypes(text, reading.at + 1);
			reading.at = end ?? text.length;
			return end !== undefined;
		}
		case 'L': // internal linkage
			reading.at++;
			return readIdentifier(reading);
		case 'B':
			reading.at++;
			if (!readIdentifier(reading)) return false;
			steps.pop();
			return true;
		case 'S':
			return readAbbreviation(reading);
		case 'C':
			return readStructor(reading, '');
		case 'D':
			return readStructor(reading, '~');
		case 'U':
			return readNameless(reading);
		default:
			return readIdentifier(reading) || readOperator(reading);
	}
}

function readIdentifier(reading: Reading): boolean {
	const digits = take(reading, /\d{1,5}/y);
	const end = reading.at + Number(digits);
	if (digits === undefined || end > reading.text.length) return false;
	const identifier = reading.text.slice(reading.at, end);
	reading.at = end;
	reading.steps.push(/^_GLOBAL_[_.$]N/.test(identifier) ? anonymousNamespace : identifier);
	return true;
}

const abbreviations: ReadonlyMap<string, readonly string[]> = new Map([
	['St', ['std']],
	['Sa', ['std', 'allocator']],
	['Sb', ['std', 'basic_string']],
	['Ss', ['std', 'basic_string']],
	['Si', ['std', 'basic_istream']],
	['So', ['std', 'basic_ostream']],
	['Sd', ['std', 'basic_iostream']],
]);

function readAbbreviation(reading: Reading): boolean {
	const steps = abbreviations.get(take(reading, /S[a-z]/y) ?? '');
	if (steps !== undefined) reading.steps.push(...steps);
	return steps !== undefined;
}

function readStructor(reading: Reading, sign: string): boolean {
	const type = reading.steps.at(-1);
	if (take(reading, /CI?[1-5]|D[0-5]/y) === undefined || type === undefined) return false;
	reading.steps.push(`${sign}${type}`);
	return true;
}

function readNameless(reading: Reading): boolean {
	if (take(reading, /Ut\d*_/y) !== undefined) {
		reading.steps.push('{unnamed}');
		return true;
	}
	if (take(reading, /Ul/y) === undefined) return false;
	reading.steps.push(lambda);
	const end = skippedTypes(reading.text, reading.at);
	reading.at = end ?? reading.text.length;
	return end !== undefined && take(reading, /\d*_/y) !== undefined;
}

/** Two letters stand for an operator: each with its sign. */
const signs = [
	'cl() ix[] cm, pt-> pm->* ps+ ng- ad& de* co~ nt! pp++ mm--',
	'pl+ mi- ml* dv/ rm% an& or| eo^ ls<< rs>> aa&& oo|| eq== ne!= lt< gt> le<= ge>= ss<=>',
	'aS= pL+= mI-= mL*= dV/= rM%= aN&= oR|= eO^= lS<<= rS>>=',
].flatMap((line) => line.split(' '));
const operators: ReadonlyMap<string, string> = new Map([
	...signs.map((sign) => [sign.slice(0, 2), sign.slice(2)] as const),
	['nw', ' new'],
	['na', ' new[]'],
	['dl', ' delete'],
	['da', ' delete[]'],
	['aw', ' co_await'],
]);

function readOperator(reading: Reading): boolean {
	const code = take(reading, /[a-z][a-zA-Z]/y) ?? '';
	const operator = code === 'cv' ? readConversion(reading) : code === 'li' ? readLiteral(reading) : operators.get(code);
	if (operator !== undefined) reading.steps.push(`operator${operator}`);
	return operator !== undefined;
}

const builtinTypes: ReadonlyMap<string | undefined, string> = new Map([
	['b', 'bool'],
	['c', 'char'],
	['i', 'int'],
	['j', 'unsigned int'],
	['l', 'long'],
	['m', 'unsigned long'],
	['f', 'float'],
	['d', 'double'],
]);

function readConversion(reading: Reading): string | undefined {
	const builtin = builtinTypes.get(reading.text[reading.at]);
	const type: Reading = { text: reading.text, at: reading.at, steps: [] };
	if (builtin === undefined && !readName(type)) return undefined;
	reading.at = builtin === undefined ? type.at : reading.at + 1;
	return ` ${builtin ?? type.steps.join('::')}`;
}

function readLiteral(reading: Reading): string | undefined {
	if (!readIdentifier(reading)) return undefined;
	return `""${reading.steps.pop()}`;
}

/** Reads what the pattern finds at the place, if it finds something. */
function take(reading: Reading, pattern: RegExp): string | undefined {
	const found = match(pattern, reading.text, reading.at);
	reading.at += found?.length ?? 0;
	return found;
}
