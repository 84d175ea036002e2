// sbom.ts FOLDER: prints the list of all that the image is made of (CycloneDX, JSON), so that a scanner knows what to look for.
//
// In the folder: `status` of dpkg, `packages.json` of bundle.ts, `helm.modules` as `go version -m` tells of helm.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Component = {
	readonly type: 'application' | 'library';
	readonly name: string;
	readonly version: string;
	/** https://github.com/package-url/purl-spec */
	readonly purl: string;
	readonly licenses?: readonly { readonly expression: string }[];
};

/** https://cyclonedx.org/docs/1.6/json; the same inputs give the same text. */
export function sbom({
	version,
	nodeVersion,
	dpkgStatus,
	npmPackages,
	goModules,
}: {
	readonly version: string;
	readonly nodeVersion: string;
	readonly dpkgStatus: string;
	readonly npmPackages: string;
	readonly goModules: string;
}): string {
	const document = {
		bomFormat: 'CycloneDX',
		specVersion: '1.6',
		version: 1,
		metadata: { component: { type: 'application', name: 'milvus-coredump-agent', version } },
		components: [
			{ type: 'application', name: 'node', version: nodeVersion, purl: `pkg:generic/node@${nodeVersion}` },
			...bundled(npmPackages),
			...installed(dpkgStatus),
			...linked(goModules),
		] satisfies Component[],
	};
	return `${JSON.stringify(document, null, '\t')}\n`;
}

const bundled = (packages: string): Component[] =>
	(JSON.parse(packages) as { name: string; version: string; license?: string }[]).map(({ name, version, license }) => ({
		type: 'library',
		name,
		version,
		purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
		...(license === undefined ? {} : { licenses: [{ expression: license }] }),
	}));

/** Packages of which only the configuration is left are not there. */
function installed(status: string): Component[] {
	const field = (entry: string, name: string) => entry.match(new RegExp(`^${name}: (.*)$`, 'm'))?.[1] ?? '';
	return status
		.split('\n\n')
		.filter((entry) => field(entry, 'Status').endsWith(' installed'))
		.map((entry) => {
			const [name, version] = [field(entry, 'Package'), field(entry, 'Version')];
			const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${field(entry, 'Architecture')}&distro=bookworm`;
			return { type: 'library', name, version, purl };
		});
}

/** The program's own module, what it is linked with, and Go's standard library, which has no line of its own but the first. */
function linked(modules: string): Component[] {
	const go = modules.match(/: go(\S+)/)?.[1] ?? '';
	const lines = [...modules.matchAll(/^\t(mod|dep)\t(\S+)\t(\S+)/gm)].map(([, kind, name = '', version = '']) => ({ kind, name, version }));
	return [...lines, { kind: 'dep', name: 'stdlib', version: `v${go}` }].map(({ kind, name, version }) => ({
		type: kind === 'mod' ? 'application' : 'library',
		name,
		version,
		purl: `pkg:golang/${name}@${encodeURIComponent(version)}`,
	}));
}

if (import.meta.main) {
	const input = (name: string) => readFileSync(join(process.argv[2] ?? '', name), 'utf8');
	process.stdout.write(
		sbom({
			version: JSON.parse(readFileSync('package.json', 'utf8')).version,
			nodeVersion: process.versions.node,
			dpkgStatus: input('status'),
			npmPackages: input('packages.json'),
			goModules: input('helm.modules'),
		}),
	);
}
