import { behindBracket } from './brackets.ts';
import { match } from './scan.ts';
import { isCloneSuffix } from './variants.ts';

const head = /(?:[^\s[({<@]|@(?=v\d))+/y;

/** Whether a name is written as Go's run-time writes them: `path/of/package.Function`, `path/of/package.(*Type).Method`. */
export function isGoName(text: string): boolean {
	const start = match(head, text, 0);
	if (start === undefined || start.includes('::')) return false;
	if (/^(?:go|type):/.test(start)) return true;
	const dot = start.indexOf('.', 1);
	return dot > 0 && (start.includes('/') || !isCloneSuffix(start, dot));
}

/** A Go name as it is spelt, without arguments and the name of the calling convention. */
export const shortGoName = (text: string) => withoutArguments(text, '[...]').replace(abi, '').replaceAll('%2e', '.');

/**
 * A Go name without all that differs between versions of Go, of modules, and instances of a generic function:
 * `github.com/panjf2000/ants/v2.(*Pool[go.shape.int]).run.func1.2` is `github.com/panjf2000/ants.(*Pool).run.func`.
 */
export function normalGoName(text: string): string {
	const name = withoutArguments(text, '')
		.replace(abi, '')
		.replace(/^type\.\./, 'type:.') // before Go 1.20
		.replace(version, '')
		.replace(gopkgVersion, '$1');
	const slash = name.lastIndexOf('/');
	const dot = name.indexOf('.', slash + 1);
	if (dot < 0) return packagePath(name);
	const steps = name
		.slice(dot + 1)
		.split('.')
		.map(withoutWrapper);
	return [packagePath(name.slice(0, dot)), ...closures(steps)].join('.');
}

/** Dots in the last step of a package's path would otherwise end it: `ants@v2.7.2.(*goWorker).run`, `gopkg.in/yaml%2ev3.Marshal`. */
const version = /@v\d+\.\d+\.\d+(?:-[\w.]{0,20}?\d{14}-[0-9a-f]{12}|-(?:alpha|beta|rc)(?:[.-]?\d+){0,3})?(?:\+incompatible)?(?=[./]|$)/g;
const gopkgVersion = /^(gopkg\.in\/(?:[\w-]+\/)?[\w-]+)(?:\.|%2e)v\d+(?=[./]|$)/;

const abi = /\.(?:abi0|abiinternal)$/;

/** Cut at the arguments; type arguments replaced. A parenthesis behind a dot is a receiver; braces behind a space are the fields of a type without a name. */
function withoutArguments(text: string, typeArguments: string): string {
	let name = '';
	for (let at = 0; at < text.length; at++) {
		const character = text[at] as string;
		if (character === '[') {
			name += typeArguments;
			at = behindBracket(text, at) - 1;
		} else if (text.startsWith(' {', at)) {
			at = behindBracket(text, at + 1) - 1;
		} else if (/[\s{]/.test(character) || (character === '(' && !/[.:]/.test(text[at - 1] ?? ''))) {
			break;
		} else {
			name += character;
		}
	}
	return name;
}

/**
 * A package's or module's path as all builds have it: without version (`@v1.2.3`), major version (`/v2`, and `.v3` of gopkg.in), and without
 * the folder into which its dependencies were copied.
 */
export function packagePath(path: string): string {
	const plain = path.replaceAll('%2e', '.').replace(/^.*(?:^|\/)vendor\//, '');
	const steps = plain
		.split('/')
		.map((step) => step.replace(/@v\d[^/]*$/, ''))
		.filter((step) => !/^v(?:[2-9]|[1-9]\d+)$/.test(step));
	return steps.join('/').replace(gopkgVersion, '$1');
}

/** `T.M-fm` wraps `T.M`, and `F-range1` is a loop's body in `F`. */
const withoutWrapper = (step: string) => step.split('-', 1)[0] ?? step;

const closure = /^(?:func|gowrap|deferwrap)\d*$/;

/** `F.func1.2` and `F.func1.deferwrap1` are `F.func`. A closure of the package itself was `glob..func1` before Go 1.21, and is `init.func1` since. */
function closures(steps: readonly string[]): readonly string[] {
	const named = steps[0] === 'glob' && steps[1] === '' ? ['init', ...steps.slice(2)] : steps;
	const kept: string[] = [];
	for (const [index, step] of named.entries()) {
		const isClosure = (index > 0 && closure.test(step)) || (kept.at(-1) === 'func' && /^\d+$/.test(step));
		if (!isClosure) kept.push(step);
		else if (kept.at(-1) !== 'func') kept.push('func');
	}
	while (kept.at(-1) === '') kept.pop(); // cut behind a dot
	return kept;
}
