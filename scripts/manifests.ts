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
			`${title}: what the agent may do. docs/reference/rbac.md has the reasons.`,
			"# For another namespace than default, change that of the ClusterRoleBindings' subjects (scripts/deploy.sh does), and apply with kubectl -n.",
			rendered('templates/rbac.yaml'),
		].join('\n'),
	'deploy/configmap.yaml': () => `${title} and configs/config.yaml. The agent notices when it changes.\n${configMap()}`,
	'deploy/daemonset.yaml': () =>
		[
			`${title}: one pod on each node, which does all that there is to do.`,
			'# scripts/deploy.sh puts in the image that IMAGE_NAME and IMAGE_TAG name.',
			rendered('templates/daemonset.yaml'),
		].join('\n'),
};

/** @throws {Error} it is not built */
function helm(): string {
	return join(execFileSync(join(root, 'test/support/kubernetes/build.sh'), ['--find', 'helm'], { encoding: 'utf8' }).trim(), 'helm');
}

/** An older version of Kubernetes: kubectl refuses fields that the server does not know. */
const oldest = ['--kube-version', '1.22.0'];

function rendered(template: string): string {
	const args = ['template', 'milvus-coredump-agent', chart, '--namespace', 'default', ...oldest, '--set', 'roles=together', '-s', template];
	return execFileSync(helm(), args, { cwd: root, encoding: 'utf8', env: { PATH: process.env.PATH, HOME: '/nonexistent' } })
		.replaceAll(/^# Source: .*\n/gm, '')
		.replaceAll(/^ +(helm\.sh\/chart|app\.kubernetes\.io\/(managed-by|instance|version)): .*\n/gm, '')
		.replace(/^---\n/, '');
}

/** With the whole file, comments included, for who edits it in the cluster. */
function configMap(): string {
	const document = parseDocument(rendered('templates/configmap.yaml'));
	document.deleteIn(['data']);
	const config = readFileSync(join(root, 'configs/config.yaml'), 'utf8');
	return stringify({ ...document.toJS(), data: { 'config.yaml': config } }, { lineWidth: 0, blockQuote: 'literal' });
}
