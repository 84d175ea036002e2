// The plain manifests in deploy/: what the chart makes with one pod for both roles, without what belongs to Helm.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument, stringify } from 'yaml';

const root = join(import.meta.dirname, '..');
const chart = 'charts/milvus-coredump-agent';
const title = '# Made by `npm run docs` from charts/milvus-coredump-agent';

/** The files by their paths from the root of the repository. */
export const manifests: Readonly<Record<string, () => string>> = {
	'deploy/rbac.yaml': () =>
		[
			`${title}: what the agent may do, and the ConfigMap that it may write. docs/reference/rbac.md has the reasons.`,
			"# For another namespace than default, change that of the bindings' subjects (scripts/deploy.sh does), and apply with kubectl -n.",
			`${rendered('templates/rbac.yaml').trimEnd()}\n---`,
			'# What asking language models has cost. The agents write it: it has no data here, so that applying it again changes nothing.',
			rendered('templates/opinions.yaml'),
		].join('\n'),
	'deploy/configmap.yaml': () => `${title} and configs/config.yaml. The agent notices when it changes.\n${configMap()}`,
	'deploy/daemonset.yaml': () =>
		[
			`${title}: one pod on each node, which does all that there is to do.`,
			'# scripts/deploy.sh puts in the image that IMAGE_NAME and IMAGE_TAG name.',
			rendered('templates/daemonset.yaml'),
		].join('\n'),
	'deploy/enforce.yaml': enforcement,
};

/** @throws {Error} it is not built */
function helm(): string {
	return join(execFileSync(join(root, 'test/support/kubernetes/build.sh'), ['--find', 'helm'], { encoding: 'utf8' }).trim(), 'helm');
}

/** An older version of Kubernetes: kubectl refuses fields that the server does not know. */
const oldest = ['--kube-version', '1.22.0'];

function rendered(template: string, ...sets: readonly string[]): string {
	const all = ['roles=together', ...sets].flatMap((one) => ['--set', one]);
	const args = ['template', 'milvus-coredump-agent', chart, '--namespace', 'default', ...oldest, ...all, '-s', template];
	return execFileSync(helm(), args, { cwd: root, encoding: 'utf8', env: { PATH: process.env.PATH, HOME: '/nonexistent' } })
		.replaceAll(/^# Source: .*\n/gm, '')
		.replaceAll(/^ +(helm\.sh\/chart|app\.kubernetes\.io\/(managed-by|instance|version)): .*\n/gm, '')
		.replace(/^---\n/, '');
}

/** What it takes for Helm releases is there behind comment signs, as it is for who applies it to say. */
function enforcement(): string {
	const cleaner = ['config.cleaner.mode=enforce', 'config.cleaner.namespaces={milvus}'];
	const roles = (...sets: readonly string[]) => rendered('templates/enforce.yaml', ...cleaner, ...sets).split(/^---\n/m);
	const always = roles();
	const forHelm = roles('cleaner.helmReleases=true').filter((role) => !always.includes(role));
	const behindSigns = forHelm.map((role) => `---\n${role.trimEnd()}`).join('\n');
	return [
		`${title}: what it takes to remove instances of Milvus that do nothing but crash`,
		'# (cleaner.mode: enforce). Without this file the agent can delete nothing of Milvus. docs/reference/rbac.md has the reasons.',
		'#',
		'# The agent is in namespace `default` here, and may remove instances in namespace `milvus`: put in yours. For each further namespace that',
		'# cleaner.namespaces names, copy the Role and the RoleBinding that are in namespace `milvus`. Then: kubectl apply -f deploy/enforce.yaml',
		'#',
		'# All pods of the DaemonSet have one account: whoever takes over one of them has these rights too. The chart gives them to the controller alone.',
		always.join('---\n').trimEnd(),
		'',
		'# Helm releases need much more, so this is not part of what is applied. Whoever may uninstall a release reads its record, which is a Secret, and',
		'# Kubernetes cannot grant some Secrets of a namespace by label: so this lets the agent read ALL Secrets of that namespace. It also lets it delete each',
		'# kind of object that the chart of Milvus makes, and what it runs on: add what your values make besides, and persistentvolumeclaims (get, delete) with',
		'# cleaner.allowVolumeLoss. Give it only where you would let the agent hold these rights, and take away the comment signs.',
		'#',
		...behindSigns.split('\n').map((line) => `# ${line}`.trimEnd()),
		'',
	].join('\n');
}

/** With the whole file, comments included, for who edits it in the cluster. */
function configMap(): string {
	const document = parseDocument(rendered('templates/configmap.yaml'));
	document.deleteIn(['data']);
	const config = readFileSync(join(root, 'configs/config.yaml'), 'utf8');
	return stringify({ ...document.toJS(), data: { 'config.yaml': config } }, { lineWidth: 0, blockQuote: 'literal' });
}
