import type { Backend, StoredFile } from '../../domain/backend.ts';
import { meritIn } from '../../domain/beside.ts';
import type { Merit } from '../../domain/history.ts';
import type { EpochMs } from '../../domain/stage.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { jsonBeside, mark } from './beside.ts';
import { besideOf, instanceIn, stemOf } from './name.ts';
import type { Deletion, Holdings } from './retention.ts';
import type { HeldCore } from './retention-policy.ts';
import { type Belongings, belongings, belongingsOf } from './stored-files.ts';

/** Its id is its name in the store. */
type SharedCore = HeldCore & { readonly file: StoredFile };

export type SharedStoreDeps = {
	readonly backend: Backend;
	readonly telemetry: Pick<Telemetry, 'coreDeleted'>;
	readonly now?: () => EpochMs;
};

/** A core is there before its report is; who judged it in between would take it for worthless. */
const youngMs = 60 * 60_000;
/** For so long it stays told that a core was deleted: an agent that was away meanwhile never hears of it. */
const tellMs = 30 * 24 * 3600_000;

const unknown: Merit = { fingerprint: null, worth: 0 };

/**
 * A store that many agents share: what is in it, it tells itself, and what a core is worth, the report beside it. One at a time may clear it. What goes
 * is told beside it first, for the agent that stored it.
 */
export function sharedStore({ backend, telemetry, now = Date.now }: SharedStoreDeps, signal: AbortSignal): Holdings<SharedCore> {
	/** What has been read of the reports of those that are still there. */
	let merits = new Map<string, Merit>();
	let sets: ReadonlyMap<string, Belongings> = new Map();

	async function meritOf({ id, file }: SharedCore): Promise<Merit> {
		const known = merits.get(id);
		if (known) return known;
		const told = meritIn(await jsonBeside(backend, file.name, 'report', signal));
		if (!told && now() - file.storedAt <= youngMs) return { ...unknown, worth: Number.POSITIVE_INFINITY };
		const merit = told ?? unknown;
		merits.set(id, merit);
		return merit;
	}

	/** Unless something has been said or done to it since it was listed. */
	async function erase({ core: { file }, ...body }: Deletion<SharedCore>): Promise<void> {
		const { name, sizeBytes, storedAt } = file;
		const { pin, cores = [] } = (await belongingsOf(backend, name, signal)) ?? {};
		const isSame = cores.some((one) => one.name === name && one.sizeBytes === sizeBytes && one.storedAt === storedAt);
		if (!isSame || pin) return;
		await mark(backend, name, 'deletion', { ...body, sizeBytes }, signal);
		await backend.remove([name, besideOf(name, 'report')], signal);
		telemetry.coreDeleted(stemOf(name), body.why, body.reason, sizeBytes);
	}

	return {
		async cores() {
			({ sets } = await belongings(backend, signal));
			const cores = [...sets.values()].flatMap(({ cores }) => cores.map(held));
			const ids = new Set(cores.map(({ id }) => id));
			merits = new Map([...merits].filter(([id]) => ids.has(id)));
			await forget([...sets.values()]);
			return cores;
		},
		async judged(cores) {
			const judged: (SharedCore & Merit)[] = [];
			for (const core of cores) judged.push({ ...core, ...(await meritOf(core)) });
			return judged;
		},
		async pinned() {
			return new Set([...sets.values()].flatMap(({ cores, pin }) => (pin ? cores.map(({ name }) => name) : [])));
		},
		isErasing: async () => false,
		async erase(gone) {
			for (const one of gone) await erase(one);
		},
	};

	/** Of what nobody took note for so long. */
	async function forget(all: readonly Belongings[]): Promise<void> {
		const old = all.flatMap(({ cores, deletion }) =>
			deletion && cores.length === 0 && now() - deletion.storedAt > tellMs ? [deletion.name] : [],
		);
		if (old.length > 0) await backend.remove(old, signal);
	}
}

const held = (file: StoredFile): SharedCore => ({
	id: file.name,
	foundAt: file.storedAt,
	sizeBytes: file.sizeBytes,
	instance: instanceIn(file.name),
	file,
});
