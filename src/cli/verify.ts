import type { Command } from 'commander';
import { printable } from '../base/printable.ts';
import { formatBytes } from '../base/quantity.ts';
import { type Verification, verifyStore } from '../components/storage/storage.ts';
import type { Config } from '../config/config.ts';
import { type JournalView, readJournal } from '../journal/journal.ts';
import { table } from '../report/report.ts';
import { exitCodes } from './errors.ts';
import { isMissing } from './files.ts';
import { interruptible } from './interruption.ts';
import { writeJson } from './output.ts';
import { createProgress } from './progress.ts';
import { loadSettings, type SettingsOptions, withConfig } from './settings.ts';
import { openStore } from './store.ts';

type Options = SettingsOptions & { readonly json?: boolean };

export function verifyCommand(program: Command): void {
	withConfig(program.command('verify'))
		.description(
			'compare everything that is stored with its checksums, and list what is damaged or missing, cores without their report, reports without their core, and files that no agent wrote; changes nothing',
		)
		.option('--json', 'print what was found as JSON')
		.action(run);
}

async function run({ json, ...options }: Options): Promise<void> {
	const { config } = await loadSettings(options);
	const verification = await interruptible(({ signal }) => verified(config, signal));
	if (json) writeJson(verification);
	else process.stdout.write(inWords(verification));
	if (verification.findings.length > 0) process.exitCode = exitCodes.failed;
}

async function verified(config: Config, signal: AbortSignal): Promise<Verification> {
	using journal = await journalOf(config);
	using progress = createProgress();
	return await verifyStore(openStore(config), journal, signal, (share) => progress.step('verifying', share));
}

/** A store may be looked at from where no agent runs. */
async function journalOf({ journal: { path } }: Config): Promise<(JournalView & Disposable) | undefined> {
	if (!(await isMissing(path))) return readJournal(path);
	process.stderr.write(`there is no journal ${printable(path)}: cores are compared with the reports beside them only\n`);
	return undefined;
}

function inWords({ cores, whole, sizeBytes, findings, elsewhere }: Verification): string {
	const rows = findings.map(({ flaw, file, crash = '-', detail }) => [flaw, printable(file), crash, printable(detail)]);
	const counts = Object.entries(Object.groupBy(findings, ({ flaw }) => flaw)).map(([flaw, those]) => `${those.length} ${flaw}`);
	const parts = [
		`${whole} of ${cores} stored cores are as they were stored`,
		`all files take ${formatBytes(sizeBytes)}`,
		...(counts.length > 0 ? [counts.join(', ')] : []),
		...elsewhere.map(({ place, cores }) => `${cores} ${cores === 1 ? 'is' : 'are'} stored elsewhere, in ${printable(place)}`),
	];
	return [...(rows.length > 0 ? [...table([['WHAT', 'FILE', 'CRASH', 'DETAIL'], ...rows]), ''] : []), parts.join('; '), ''].join('\n');
}
