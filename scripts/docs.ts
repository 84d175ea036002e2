// Writes the pages of docs/reference that are made from the code.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createProgram } from '../src/cli/program.ts';
import { commandLineReference } from '../src/cli/reference.ts';
import { loadKnownIssues } from '../src/components/analyzer/knownissues/knownissues.ts';
import { knownIssuesReference } from '../src/components/analyzer/knownissues/reference.ts';
import { configurationReference } from '../src/config/reference.ts';
import { crashReport } from '../src/domain/report.ts';

/** The pages by their file names. */
export const pages: Readonly<Record<string, () => string>> = {
	'configuration.md': configurationReference,
	'command-line.md': () => commandLineReference(createProgram()),
	'known-issues.md': () => knownIssuesReference(loadKnownIssues([])),
	'report.schema.json': () => `${JSON.stringify(z.toJSONSchema(crashReport, { io: 'output' }), null, '\t')}\n`,
};

export const folder = join(import.meta.dirname, '../docs/reference');

if (import.meta.main) for (const [name, make] of Object.entries(pages)) writeFileSync(join(folder, name), make());
