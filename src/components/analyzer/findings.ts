import { defined } from '../../base/defined.ts';
import type { Bodies } from '../../domain/events.ts';
import { notAnalysed } from '../../domain/fold.ts';
import { placeName, stackText } from '../../domain/frames.ts';
import { normalName } from '../../domain/function-name/function-name.ts';
import type { Core, Culprit, Frame, Process } from '../../domain/report.ts';
import { scoreOf } from '../../domain/score.ts';
import { containerEnd, traitsOfEnd, withEnd } from './container-end.ts';
import { type CoreEvidence, complaintsOf, coreSignalOf, missing, modulesOf, placeOfFault, registersOf, withSize } from './core-side.ts';
import type { Suspect } from './culprit/culprit.ts';
import { type Death, wordsOf } from './death.ts';
import { fingerprintsOf } from './fingerprint/fingerprint.ts';
import { type KnownIssueEntry, matchKnownIssues } from './knownissues/knownissues.ts';
import type { LogEvidence } from './log-side.ts';
import { reasonOf } from './reason.ts';
import { suspicionOf } from './suspicion.ts';

/** All that was read of one crash: at least one side of it. */
export type Evidence = {
	readonly found: Bodies['CoredumpFile'];
	readonly core: CoreEvidence | undefined;
	readonly log: LogEvidence | undefined;
	readonly knownIssues: readonly KnownIssueEntry[];
	readonly panicKeywords: readonly string[];
	/** Where it must have been if nothing else tells. */
	readonly host: string | undefined;
};

/** What follows from the evidence. Pure. */
export function findings(evidence: Evidence): Bodies['AnalysisResults'] {
	const { core, log, knownIssues } = evidence;
	const suspicion = suspicionOf(core, log, knownIssues);
	const { threads, stack } = suspicion;
	const end = containerEnd(evidence.found);
	const death = withEnd(suspicion.death, end);
	// Who was killed for what it used is not to blame by where it was.
	const { culprit, path } = end?.isCertain ? { culprit: null, path: [] } : suspicion;
	const modules = core ? modulesOf(core) : [];
	const frames = threads[0]?.frames ?? [];
	const registers = (core && registersOf(core)) ?? {};
	const told = reasonOf({
		death,
		frames,
		pid: core?.corefile.process?.pid,
		...(core ? placeOfFault(core) : { pc: undefined, stackPointer: undefined }),
	});
	const isByEndAlone = end !== undefined && (end.isCertain || (!core && !suspicion.death.signal && !suspicion.death.statement));
	const reason = isByEndAlone ? end.reason : told;
	const known = evidence.found.association ?? notAnalysed.association;
	const association = { ...known, ...defined({ host: known.host ?? (core && hostOf(core, evidence)) }) };
	const file = evidence.found.core && core ? withSize(evidence.found.core, core) : null;
	return {
		core: file,
		analysis: {
			complete: core?.corefile.slim?.originalComplete ?? core?.corefile.complete ?? 'unknown',
			signal: death.signal,
			coreSignal: core ? coreSignalOf(core) : null,
			process: core ? processOf(core) : (evidence.found.lostCore?.process ?? {}),
			association,
			kind: death.kind,
			reason,
			message: death.message,
			culprit,
			...fingerprintsOf(death, culprit, path, modules, frames),
			registers,
			threads: [...threads],
			modules,
			stack,
			knownIssues: matchKnownIssues(knownIssues, {
				culprit: namesOf(culprit, path),
				next: path.slice(1).map(({ name }) => name),
				texts: [reason, culprit && placeName(culprit), ...wordsOfAll(death, log)].filter((text) => text !== null),
				kind: death.kind,
				...traitsOfEnd(association),
			}),
			score: file && scoreIn(evidence, { reason, frames, threadCount: threads.length, signal: death.signal?.number, file }),
			notes: [
				...(core ? [...core.notes, ...complaintsOf(core), ...missing(core, modules, frames)] : []),
				...(log?.notes ?? []),
				...(death.isContradicted ? [contradiction] : []),
			],
		},
	};
}

const contradiction = 'the log tells of another death than the core, and was not believed: is it of this process?';

/** The words of the death, and those that came with it. */
const wordsOfAll = ({ message, isContradicted }: Death, log: LogEvidence | undefined) =>
	isContradicted ? [message] : [message, ...(log?.trace.statements.map(wordsOf) ?? []).slice(-10)];

const namesOf = (culprit: Culprit | null, [suspect]: readonly Suspect[]) =>
	[suspect?.name ?? '', culprit?.function === undefined ? '' : normalName(culprit.function)].filter((name) => name !== '');

type Scored = {
	readonly reason: string | null;
	readonly frames: readonly Frame[];
	readonly threadCount: number;
	readonly signal: number | undefined;
	readonly file: Core;
};

const scoreIn = ({ found, panicKeywords }: Evidence, { reason, frames, threadCount, signal, file }: Scored) =>
	scoreOf({
		reason,
		stackText: stackText(frames),
		threadCount,
		isAssociated: found.association !== undefined && found.association.confidence !== 'none',
		signal,
		sizeBytes: file.uncompressedBytes ?? file.sizeBytes,
		ageMs: Date.parse(found.foundAt) - Date.parse(found.time),
		panicKeywords,
	});

const hostOf = ({ origin, corefile }: CoreEvidence, { host }: Evidence) =>
	origin.hostname ?? corefile.initialStack?.environment.HOSTNAME ?? host;

function processOf({ corefile: { process, executable, initialStack }, origin }: CoreEvidence): Process {
	const environment = initialStack?.environment ?? {};
	return defined({
		pid: process?.pid,
		hostPid: origin.hostPid,
		name: process?.name ?? origin.name,
		executable: executable ?? origin.executable,
		arguments: initialStack?.arguments.join(' ') ?? origin.arguments ?? process?.arguments,
		environment: Object.keys(environment).length > 0 ? environment : undefined,
	});
}
