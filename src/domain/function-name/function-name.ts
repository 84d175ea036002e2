import { isGoName, normalGoName, shortGoName } from './go.ts';
import { unmangled } from './mangled.ts';
import { lambda } from './nameless.ts';
import { withoutRustEscapes } from './rust.ts';
import { type Step, scopedSteps } from './scoped.ts';
import { plainCName, visibleSteps, withoutProcessor } from './variants.ts';

/** What is read of a name, and what is given back. Those of generic code run to thousands of characters. */
const longestRead = 65_536;
const longest = 255;

/**
 * The name by which a function is the same function, whatever compiler, build, processor, version of Go, demangler or debugger spelt it:
 * without return type, arguments, type arguments, inline namespaces, numbers of closures, clones, symbol versions.
 * For comparing, never for looking a symbol up. It throws at nothing, changes nothing more when applied again, and costs linear time.
 *
 * @param name mangled or not, whole or cut; of one that is cut or that nobody demangles, what is left of it
 * @returns at most 255 characters
 */
export function normalName(name: string): string {
	return named(name, normalGoName, (steps) => normalSteps(steps).map((step) => step.name));
}

/** The name for people: type arguments folded to `<…>`, no return type, arguments, inline namespaces; else as it is spelt. */
export function shortName(name: string): string {
	return named(name, shortGoName, (steps) => shortSteps(steps).map((step) => (step.isGeneric ? folded(step.name) : step.name)));
}

const folded = (name: string) => `${name}${name.endsWith('<') ? ' ' : ''}<…>`;

/** Once is enough for names that anybody wrote; of what only looks like one, the rest may look like another. */
function named(name: string, goName: (text: string) => string, names: (steps: readonly Step[]) => string[]): string {
	let text = name.slice(0, longestRead).replace(/\s+/g, ' ').trim();
	for (let rounds = 0; rounds < 8; rounds++) {
		const before = text;
		const plain = withoutRustEscapes(unmangled(text));
		const steps = isGoName(plain) ? cut(goName(plain).split('.'), '.') : cut(names(scopedSteps(plain)), '::');
		text = (steps || text.slice(0, longest)).trim();
		if (text === before) break;
	}
	return text;
}

function normalSteps(steps: readonly Step[]): readonly Step[] {
	const short = shortSteps(steps);
	const last = short.findLastIndex(({ name }) => name !== lambda);
	return short.map((step, index) => {
		const name = index > 0 && short[index - 1]?.name === 'std' && index < short.length - 1 ? spelledOut(step.name) : step.name;
		return { ...step, name: index === last ? withoutProcessor(short.length === 1 ? plainCName(name) : name) : name };
	});
}

/** Demanglers abbreviate `std::basic_string<char, …>` and its streams in one place and not in another. */
const spelledOut = (name: string) => (/^(?:string|ostream|istream|iostream)$/.test(name) ? `basic_${name}` : name);

function shortSteps(steps: readonly Step[]): readonly Step[] {
	const visible = visibleSteps(withoutHash(steps));
	return visible.filter(({ name }, index) => !(callers.has(name) && visible[index - 1]?.name === lambda)).map(convertedType);
}

/** How compilers name what runs a lambda's body. */
const callers: ReadonlySet<string> = new Set(['operator()', '_FUN', '__invoke']);

/** Rust's legacy names end by a hash of the build. */
const withoutHash = (steps: readonly Step[]) =>
	steps.length > 1 && /^h[0-9a-f]{16}$/.test(steps.at(-1)?.name ?? '') ? steps.slice(0, -1) : steps;

/** The type behind `operator` is a name too. */
function convertedType(step: Step): Step {
	const [, type] = /^operator (.*::.*)$/s.exec(step.name) ?? [];
	if (type === undefined) return step;
	const steps = visibleSteps(type.split('::').map((name) => ({ name })));
	return { ...step, name: `operator ${steps.map(({ name }) => name).join('::')}` };
}

/** Whole steps as far as there is room. */
function cut(steps: readonly string[], separator: string): string {
	let text = '';
	for (const [index, step] of steps.entries()) {
		const longer = index === 0 ? step : `${text}${separator}${step}`;
		if (longer.length > longest) return text || longer.slice(0, longest);
		text = longer;
	}
	return text;
}
