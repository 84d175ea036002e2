// bundle.ts [FOLDER]: makes one JavaScript file of the program and all packages that it takes, with the files that it reads or starts beside it.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';

export type BundledPackage = { readonly name: string; readonly version: string; readonly license: string };

const root = join(import.meta.dirname, '..');

/** What the code reads at run time from the folder that it is in. */
const assets = ['src/drivers/gdb/stack.py', 'src/components/analyzer/knownissues/known-issues.yaml', 'src/cli/completion'];

/** What few need, with all that it brings: each is one function in the bundle, and until that is called it takes no more memory than its text. */
const onDemand = ['src/drivers/s3/sdk.ts'];

const common = {
	absWorkingDir: root,
	bundle: true,
	metafile: true,
	platform: 'node',
	target: 'node26',
	legalComments: 'none',
	logLevel: 'warning',
} as const satisfies BuildOptions;

/**
 * Not minified, so that a stack names functions and lines; comments in the file say which source a line is from. esbuild writes all text as ASCII,
 * which halves what the source takes in memory.
 *
 * @param folder is replaced. Beside the program there are `packages.json`, the packages that are in it, and `licenses.txt`, what they ask to be told
 * @returns the path of the program
 */
export async function bundle(folder: string): Promise<string> {
	const program = join(folder, 'milvus-coredump-agent.mjs');
	rmSync(folder, { recursive: true, force: true });
	mkdirSync(folder, { recursive: true });
	const parts: Metafile[] = [];
	const { metafile } = await build({
		...common,
		entryPoints: [
			{ in: 'src/main.ts', out: basename(program, '.mjs') },
			{ in: 'src/drivers/nfs/worker.ts', out: 'nfs-worker' },
		],
		outdir: folder,
		outExtension: { '.js': '.mjs' },
		format: 'esm',
		plugins: [wrapped(parts)],
		// Some packages are CommonJS, which in a module has no `require` of its own for what is in Node.
		banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
	});
	for (const asset of assets) cpSync(join(root, asset), join(folder, basename(asset)), { recursive: true });
	const folders = packageFolders([metafile, ...parts]);
	writeFileSync(join(folder, 'packages.json'), `${JSON.stringify(folders.map(bundledPackage), null, '\t')}\n`);
	writeFileSync(join(folder, 'licenses.txt'), folders.map(notice).join('\n'));
	return program;
}

/** Puts what is loaded on demand into CommonJS, of which esbuild makes one function. */
const wrapped = (parts: Metafile[]): Plugin => ({
	name: 'on demand',
	setup({ onResolve, onLoad }) {
		onResolve({ filter: /^\..*\.ts$/ }, ({ path, resolveDir }) => {
			const file = relative(root, join(resolveDir, path));
			return onDemand.includes(file) ? { path: file.replace(/\.ts$/, '.cjs'), namespace: 'on-demand', pluginData: file } : undefined;
		});
		onLoad({ filter: /./, namespace: 'on-demand' }, async ({ pluginData }) => {
			const { metafile, outputFiles } = await build({
				...common,
				entryPoints: [pluginData],
				format: 'cjs',
				// Of modules only what is used comes along, and the text stays in memory.
				mainFields: ['module', 'main'],
				minify: true,
				write: false,
			});
			parts.push(metafile);
			return { contents: outputFiles[0]?.text ?? '' };
		});
	},
});

/** Of the packages of which something is in the bundle. */
const packageFolders = (metafiles: readonly Metafile[]) =>
	[
		...new Set(
			metafiles
				.flatMap(({ outputs }) => Object.values(outputs))
				.flatMap(({ inputs }) => Object.keys(inputs))
				.flatMap((file) => file.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0] ?? []),
		),
	].sort();

function bundledPackage(folder: string): BundledPackage {
	const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
	return { name, version, license };
}

function notice(folder: string): string {
	const { name, version, license } = bundledPackage(folder);
	const texts = readdirSync(join(root, folder)).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
	return [`${name} ${version}: ${license}`, ...texts.map((file) => readFileSync(join(root, folder, file), 'utf8'))].join('\n\n');
}

if (import.meta.main) process.stdout.write(`${await bundle(resolve(process.argv[2] ?? join(root, 'dist')))}\n`);
