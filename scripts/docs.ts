// Writes what is made from the code: the pages of docs/reference, and manifests.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { createProgram } from '../src/cli/program.ts';
import { commandLineReference } from '../src/cli/reference.ts';
import { loadKnownIssues } from '../src/components/analyzer/knownissues/knownissues.ts';
import { knownIssuesReference } from '../src/components/analyzer/knownissues/reference.ts';
import { configurationReference } from '../src/config/reference.ts';
import { crashReport } from '../src/domain/report.ts';
import { alertsReference } from './chart/alerts.ts';
import { defaultsFile, rightsFile } from './chart/files.ts';
import { valuesSchema } from './chart/values.ts';
import { crashReportDefinition, instanceCleanupDefinition } from './crd.ts';
import { manifests } from './manifests.ts';
import { rbacReference } from './rbac/page.ts';

/** The files by their paths from the root of the repository. */
export const pages: Readonly<Record<string, () => string>> = {
	'docs/reference/configuration.md': configurationReference,
	'docs/reference/command-line.md': () => commandLineReference(createProgram()),
	'docs/reference/known-issues.md': () => knownIssuesReference(loadKnownIssues([])),
	'docs/reference/rbac.md': rbacReference,
	'docs/reference/alerts.md': alertsReference,
	'docs/reference/report.schema.json': () => `${JSON.stringify(z.toJSONSchema(crashReport, { io: 'output' }), null, '\t')}\n`,
	'deploy/crds/crashreports.yaml': crashReportDefinition,
	'charts/milvus-coredump-agent/files/crds/crashreports.yaml': crashReportDefinition,
	'deploy/crds/instancecleanups.yaml': instanceCleanupDefinition,
	'charts/milvus-coredump-agent/files/crds/instancecleanups.yaml': instanceCleanupDefinition,
	'charts/milvus-coredump-agent/files/rights.yaml': rightsFile,
	'charts/milvus-coredump-agent/files/defaults.yaml': defaultsFile,
	'charts/milvus-coredump-agent/values.schema.json': valuesSchema,
};

const root = join(import.meta.dirname, '..');

if (import.meta.main) {
	// The manifests are made of other pages.
	for (const [name, make] of [...Object.entries(pages), ...Object.entries(manifests)]) {
		mkdirSync(dirname(join(root, name)), { recursive: true });
		writeFileSync(join(root, name), make());
	}
}
