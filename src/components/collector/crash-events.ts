import { defined } from '../../base/defined.ts';
import type { Bodies, Event } from '../../domain/events.ts';
import type { Association, CrashReport, LostCore } from '../../domain/report.ts';
import type { Seen } from '../../domain/sightings.ts';

type Crash = Bodies['CoredumpFile'];
type Restart = Bodies['RestartEvent'];
type CoreRecord = Bodies['CoreRecord'];

/** What a crash left on disk, or would have. */
export type Half = Pick<Crash, 'core' | 'time' | 'foundAt' | 'lostCore'>;

export const halfOfCore = ({ core, time, foundAt }: Bodies['FoundCore'], record: CoreRecord | undefined): Half => ({
	...{ core, time, foundAt },
	...(record?.lost ? { lostCore: { ...record.lost, ...recorded(record) } } : {}), // cut
});

/** Of a core that is not there. */
export const halfOfRecord = (record: CoreRecord, removed: LostCore | undefined, now: number): Half => ({
	core: null,
	time: record.time,
	foundAt: new Date(now).toISOString(),
	lostCore: { ...(record.lost ?? removed ?? gone), ...recorded(record) },
});

/** As it was reported before. */
export const halfOfReport = ({ core, time, foundAt, lostCore }: CrashReport, record?: CoreRecord): Half => ({
	...{ core, time, foundAt },
	...(record?.lost ? { lostCore: { ...record.lost, ...recorded(record) } } : lostCore ? { lostCore } : {}),
});

const gone: LostCore = {
	reason: 'no core: its file was gone before it was found',
	advice: 'raise MaxUse= and lower KeepFree= in /etc/systemd/coredump.conf, or make room in /var/lib/systemd/coredump',
};

/** What there would be to read in the core. */
const recorded = ({ recordedAt, signal, pid, name, executable }: CoreRecord) => ({
	recordedAt,
	signal,
	process: defined({ hostPid: pid, name: name || undefined, executable }),
});

/** Both halves of a crash, or the one that there is. */
export const whole = (half: Half, association: Association, end: Restart | undefined, isHealed = false): Crash => ({
	...half,
	association,
	log: end?.log ?? null,
	...(end ? { restart: { ...end.restart, isHealed } } : {}),
});

/** A crash of which there is nothing but the end of its container. */
export const ofRestartAlone = ({ association, restart, log, time, foundAt }: Restart, isHealed: boolean, lostCore?: LostCore): Crash => ({
	...{ core: null, association, log, time, foundAt },
	restart: { ...restart, isHealed },
	...(lostCore ? { lostCore } : {}),
});

export const found = (key: string, body: Crash): Event<'CoredumpFile'> => ({ kind: 'CoredumpFile', key, body });

/** The report of a crash of which more is known now. */
export const amended = ({ id, revision, foundAt }: CrashReport, body: Crash): Event<'CoredumpFile'> => ({
	kind: 'CoredumpFile',
	key: id,
	revision: revision + 1,
	body: { ...body, foundAt },
});

/** What was made of a core; whoever handles the end that it led to is woken. */
export const correlated = (key: string, body: Bodies['Correlation'], before: Seen<'Correlation'> | undefined): Event<'Correlation'> => ({
	kind: 'Correlation',
	key,
	revision: (before?.revision ?? 0) + 1,
	...(body.restart === null ? {} : { joinKey: body.restart }),
	body,
});
