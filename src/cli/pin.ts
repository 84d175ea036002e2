import type { Command } from 'commander';
import { printable } from '../base/printable.ts';
import { pinCore, pinnedCores, unpinCore } from '../components/storage/storage.ts';
import { storedFile } from '../domain/stored-file.ts';
import { type ReportsOptions, withReports } from './cluster-reports.ts';
import { meantCrash } from './crash.ts';
import { interruptible } from './interruption.ts';
import { writeJson } from './output.ts';
import { loadSettings, type SettingsOptions, withConfig } from './settings.ts';
import { explained, openStore, storedCoreOf } from './store.ts';

type Options = SettingsOptions & ReportsOptions & { readonly json?: boolean };

export function pinCommand(program: Command): void {
	withReports(withConfig(program.command('pin')))
		.description(
			'keep the stored core of a crash whatever the limits of the store, until `unpin`; without an id, list those that are kept so',
		)
		.argument('[id]', 'as `list` gives it; its first characters do')
		.option('--json', 'print the list as JSON')
		.action((id: string | undefined, options: Options) => (id === undefined ? listPinned(options) : pin(id, options)));
}

export function unpinCommand(program: Command): void {
	withReports(withConfig(program.command('unpin')))
		.description('let the limits of the store hold again for a core that was pinned')
		.argument('<id>', 'as `list` gives it; its first characters do')
		.action(unpin);
}

async function pin(id: string, options: Options): Promise<void> {
	const settings = await loadSettings(options);
	const report = await meantCrash(id, settings, options);
	const core = storedCoreOf(report);
	const store = openStore(settings.config);
	process.umask(0o077);
	await interruptible(async ({ signal }) => {
		await pinCore(store, storedFile(core), signal).catch(async (error) => {
			throw await explained(store, report, core, error, signal);
		});
	});
	process.stdout.write(
		`pinned: the core of crash ${report.id} stays, until \`unpin ${report.id.slice(0, 6)}\`: ${printable(core.location)}\n`,
	);
}

async function unpin(id: string, options: Options): Promise<void> {
	const settings = await loadSettings(options);
	const report = await meantCrash(id, settings, options);
	const core = storedCoreOf(report);
	const was = await interruptible(({ signal }) => unpinCore(openStore(settings.config), storedFile(core), signal));
	const now = 'the limits of the store hold for it';
	process.stdout.write(`the core of crash ${report.id} ${was ? `is pinned no more: ${now} again` : `was not pinned: ${now}`}\n`);
}

async function listPinned(options: Options): Promise<void> {
	const store = openStore((await loadSettings(options)).config);
	const names = await interruptible(({ signal }) => pinnedCores(store, signal));
	if (options.json) {
		writeJson(names.map((name) => ({ location: `${store.place}/${name}` })));
		return;
	}
	const lines = names.length === 0 ? [`nothing is pinned in ${store.place}`] : names.map((name) => `${store.place}/${name}`);
	process.stdout.write(`${lines.map(printable).join('\n')}\n`);
}
