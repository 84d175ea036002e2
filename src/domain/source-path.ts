import { packagePath } from './function-name/go.ts';

const longest = 255;

/** A place in paths of builds, and what a file behind it is called. */
type Rule = readonly [place: RegExp, replacement: string];

/**
 * Folders of builds, the most telling first. What comes before them is the machine's; versions and hashes within them are the build's.
 * Each stands for a project's own folder, or a name of the project where the file's path alone would say too little.
 */
const rules: readonly Rule[] = [
	// Go: its own sources, also of a toolchain that was downloaded; modules
	[/^.*golang\.org\/toolchain@v[^/]*\/src\//, ''],
	[/^.*\/go(?:-?\d[\w.-]*)?\/src\/(?=[a-z]+\/)(?!github\.com\/|[a-z]+\.)/, ''],
	[/^.*\/pkg\/mod\//, ''],
	[/^.*\/go\/src\/(?=[\w-]+\.[a-z]+\/)/, ''],
	// Rust: its own sources, crates from a registry or from git
	[/^.*\/rustc\/[0-9a-f]+\//, ''],
	[/^.*\/rustlib\/src\/rust\//, ''],
	[/^.*\/registry\/src\/[^/]+\/([\w-]+?)-\d+\.\d[^/]*\//, '$1/'],
	[/^.*\/git\/checkouts\/([\w-]+?)-[0-9a-f]{16}\/[0-9a-f]+\//, '$1/'],
	// C++: packages of Conan, sources that CMake fetched, the compilers' and the system's headers
	[/^.*\/\.conan2?\/.*\/include\//, ''],
	[/^.*\/\.conan\/data\/([^/]+)\/(?:[^/]+\/){3}(?:build|source|package)\/(?:[0-9a-f]{40}\/)?(?:src\/|source\/)?/, '$1/'],
	[/^.*\/([\w.-]+)-src\//, '$1/'],
	[/^.*\/(?:c\+\+)\/(?:v?\d[\d.]*\/)?(?:[\w-]+-linux-gnu\/)?/, 'c++/'],
	[/^.*\/lib\/(?:gcc|clang)\/.*\/include\//, 'include/'],
	[/^.*\/usr\/(?:local\/)?include\/(?:[\w-]+-linux-gnu\/)?/, 'include/'],
	[
		/^.*\/(?:usr\/src\/debug|build)\/[\w+.-]+\/(?:[\w+]+-\d[\w.-]*\/)?(?=(?:sysdeps|nptl|malloc|stdlib|string|posix|csu|debug|elf|signal)\/)/,
		'',
	],
	// Milvus and knowhere, wherever they were checked out
	[/^(?:.*\/)?milvus[^/]*\/(?=(?:internal|pkg|cmd|client|tests|cmake_build)\/)/, ''],
	[/^.*\/(?:source|src|workspace)\/(?=(?:internal|pkg|cmd|client|cmake_build)\/)/, ''],
	[/^.*\/(?=internal\/core\/(?:src|unittest|thirdparty|output)\/)/, ''],
	[/^.*\/(?=knowhere\/(?:src|include|thirdparty|tests)\/)/, ''],
	[/^(?:\/home\/[^/]+|\/root|\/Users\/[^/]+)\//, ''],
];

/**
 * A source file's path as its repository has it, so that the same file is the same text whatever machine built it:
 * `internal/proxy/task.go`, `knowhere/src/index/ivf/ivf.cc`, `runtime/panic.go`, `github.com/panjf2000/ants/worker.go`, `bits/stl_tree.h`.
 * A path that shows no repository is left as it is.
 *
 * @returns at most 255 characters, from the end
 */
export function repositoryPath(file: string): string {
	const path = withoutDots(file.trim().slice(-4096));
	const [place, replacement] = rules.find(([rule]) => rule.test(path)) ?? [];
	const relative = place === undefined || replacement === undefined ? path : path.replace(place, replacement);
	return withoutVersions(relative).slice(-longest);
}

/** Without `.`, `..` and what they take back; those that lead out of where the compiler ran are dropped. */
function withoutDots(path: string): string {
	const kept: string[] = [];
	for (const step of path.split('/')) {
		if (step === '..' && kept.length > 0 && kept.at(-1) !== '') kept.pop();
		else if (step !== '.' && step !== '..' && (step !== '' || kept.length === 0)) kept.push(step);
	}
	return kept.join('/');
}

/** Modules of Go have their version in the path, and their capitals escaped: https://go.dev/ref/mod#module-cache */
function withoutVersions(path: string): string {
	if (!/^[\w-]+(?:\.[\w-]+)+\//.test(path)) return path;
	const plain = packagePath(path.replace(/!([a-z])/g, (_, letter: string) => letter.toUpperCase()));
	return plain.replace(/^github\.com\/milvus-io\/milvus\//, '');
}
