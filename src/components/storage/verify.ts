import { messageOf } from '../../base/errors.ts';
import { type Backend, BackendUnavailable, NotStored, type StoredFile } from '../../domain/backend.ts';
import { storage as storageSchema } from '../../domain/report.ts';
import { isKept, isStoredIn, type StoredCore, storedFile } from '../../domain/stored-file.ts';
import { checkAgainst } from './check.ts';
import { type Belongings, belongings, type KnownCore, knownCores, type Recorded } from './stored-files.ts';

/**
 * What is wrong with a stored file.
 *
 * - damaged: its content is not what was stored
 * - unreadable: the store has it, and does not give it
 * - missing: the journal says that it is stored here, and it is not there
 * - orphaned: a core without its report, or a report without its core
 * - unknown: nothing that an agent stored
 */
export type Flaw = 'damaged' | 'unreadable' | 'missing' | 'orphaned' | 'unknown';
export type Finding = {
	readonly flaw: Flaw;
	readonly file: string;
	/** Its id, where it is known. */
	readonly crash?: string | undefined;
	readonly detail: string;
};

export type Verification = {
	readonly cores: number;
	/** So many of them are as they were stored. */
	readonly whole: number;
	/** Of all files. */
	readonly sizeBytes: number;
	readonly findings: readonly Finding[];
	/** Which other stores the journal knows cores in, of the time before this one was configured; nothing is said of these. */
	readonly elsewhere: readonly Elsewhere[];
};

/** @property place the directory, or the bucket with its prefix */
export type Elsewhere = { readonly place: string; readonly cores: number };

/** After so many files that can't be read, one after the other, it is the store and not the files. */
const mostUnreadable = 5;
/** Reports are some 100 KiB. */
const mostReportBytes = 64 << 20;

/**
 * Compares all that is stored with its checksums, as the reports beside the cores and those of the journal have them. Changes nothing; of what comes and
 * goes meanwhile nothing is said. The names of all files are held in memory, and nothing of what is in them.
 *
 * @param journal where there is one
 * @param onProgress told the share that is done
 * @throws {BackendUnavailable | BackendRefused} the store can't be read
 */
export async function verifyStore(
	backend: Backend,
	journal: Recorded | undefined,
	signal: AbortSignal,
	onProgress: (share: number) => void = () => {},
): Promise<Verification> {
	const known = knownCores(journal); // before the files: what is in it is there then
	const { sets, unknown, sizeBytes } = await belongings(backend, signal);
	const findings: Finding[] = unknown.map(({ name }) => ({ flaw: 'unknown', file: name, detail: 'no agent names a file so' }));
	const tell = (flaw: Flaw, file: string, crash: string | undefined, detail: string) => void findings.push({ flaw, file, crash, detail });
	const elsewhere = new Map<string, number>();
	let [cores, whole, done, unreadable] = [0, 0, 0, 0];

	for (const [stem, listed] of sets) {
		const before = done;
		await verifySet(stem, listed.report && listed.cores.length === 1 ? listed : await lookAgain(stem));
		done = before + listed.sizeBytes;
		onProgress(done / Math.max(1, sizeBytes));
	}
	for (const [stem, recorded] of known) if (!sets.has(stem)) isMissing(recorded);
	return {
		cores,
		whole,
		sizeBytes,
		findings: findings.sort((one, other) => (one.file < other.file ? -1 : 1)),
		elsewhere: [...elsewhere].map(([place, cores]) => ({ place, cores })),
	};

	/** A core and its report are stored and removed one after the other. */
	async function lookAgain(stem: string): Promise<Belongings> {
		return (await belongings(backend, signal, stem)).sets.get(stem) ?? { cores: [], sizeBytes: 0 };
	}

	async function verifySet(stem: string, set: Belongings): Promise<void> {
		const recorded = known.get(stem);
		const told = set.report && (await reportIn(set.report, recorded?.id));
		const id = recorded?.id ?? told?.id;
		for (const core of set.cores) {
			if (!set.report) tell('orphaned', core.name, id, `there is no report beside it (${stem}.json)`);
			const expected = [recorded, told].find((one) => one && storedFile(one.core) === core.name);
			if (expected) await verifyCore(core, id, expected.core);
			else {
				cores++;
				if (told) tell('orphaned', core.name, id, 'the report beside it is about another file');
			}
		}
		if (set.cores.length > 0 || set.deletion) return; // who stored it has not taken note yet
		if (!(recorded && isMissing(recorded)) && set.report && told) tell('orphaned', set.report.name, id, 'its core is not there');
		if (set.pin) tell('orphaned', set.pin.name, id, 'the core that it is to keep is not there');
	}

	/** Tells of a core that is not here, and should be. */
	function isMissing({ id, core }: KnownCore): boolean {
		if (!isStillStored(id)) return false;
		const file = storedFile(core);
		const isHere = isStoredIn(backend.place, core);
		const place = core.location.slice(0, -file.length - 1) || '/';
		if (isHere) tell('missing', file, id, `it was stored as ${core.location}`);
		else elsewhere.set(place, (elsewhere.get(place) ?? 0) + 1);
		return isHere;
	}

	async function verifyCore(file: StoredFile, id: string | undefined, expected: StoredCore): Promise<void> {
		const looked = await look(file, id, async () => {
			const check = checkAgainst(expected);
			// What has another size is not read.
			if (file.sizeBytes !== expected.sizeBytes) return `it has ${file.sizeBytes} bytes instead of ${expected.sizeBytes}`;
			for await (const chunk of backend.get(file.name, signal)) {
				if (!check.add(chunk)) break;
				onProgress((done + check.sizeBytes) / Math.max(1, sizeBytes));
			}
			return check.damage();
		});
		done += file.sizeBytes;
		if (looked === 'gone') return;
		cores++;
		if (looked === 'unreadable') return;
		if (looked.found === undefined) whole++;
		else tell('damaged', file.name, id, looked.found);
	}

	/** Which core the report beside it is about; what is wrong with it is told. */
	async function reportIn(file: StoredFile, id: string | undefined): Promise<KnownCore | undefined> {
		const looked = await look(file, id, async () => {
			if (file.sizeBytes > mostReportBytes) return `it has ${file.sizeBytes} bytes, which no report has`;
			return reportOf(Buffer.concat(await Array.fromAsync(backend.get(file.name, signal))).toString());
		});
		if (typeof looked === 'string') return undefined;
		if (typeof looked.found !== 'string') return looked.found;
		tell('damaged', file.name, id, looked.found);
		return undefined;
	}

	/** Reads one file. Where the store does not give it, that is told. */
	async function look<T>(
		file: StoredFile,
		id: string | undefined,
		read: () => Promise<T>,
	): Promise<{ readonly found: T } | 'unreadable' | 'gone'> {
		try {
			const found = await read();
			unreadable = 0;
			return { found };
		} catch (error) {
			if (error instanceof NotStored) return 'gone'; // removed since it was listed
			if (!(error instanceof BackendUnavailable) || ++unreadable >= mostUnreadable) throw error;
			tell('unreadable', file.name, id, error.message);
			return 'unreadable';
		}
	}

	function isStillStored(id: string): boolean {
		return isKept(journal?.report(id)?.storage);
	}
}

/** The core that a report is about, or in words what is wrong with the report. */
function reportOf(text: string): KnownCore | string {
	try {
		const { id, storage } = JSON.parse(text) as Readonly<Record<string, unknown>>;
		const { success, data } = storageSchema.safeParse(storage);
		return success && isKept(data) && typeof id === 'string' ? { id, core: data } : 'it does not say what was stored';
	} catch (error) {
		return `it is no report: ${messageOf(error)}`;
	}
}
