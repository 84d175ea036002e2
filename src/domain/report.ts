import { z } from 'zod';
import { opinion } from './opinion.ts';

/**
 * Everything known of one crash, in the one shape that `analyze --json`, `show --json` and the file beside a stored core share.
 * A field that is absent or `null` is not known. `docs/reference/report.schema.json` is made from here.
 */

const hex = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]{1,16}$/)]);
const time = z.iso.datetime({ precision: 3 });

export const crashId = z.string().regex(/^[0-9a-f]{12}$/);

export const completeness = z
	.enum(['yes', 'truncated', 'unknown'])
	.describe('whether the core file holds all that its headers announce; unknown: it was not read to its end');

export const signal = z.strictObject({
	number: z.int(),
	name: z.string().describe('SIGSEGV'),
	code: z.int().exactOptional().describe('si_code'),
	codeName: z.string().exactOptional().describe('SEGV_MAPERR'),
	address: hex.exactOptional().describe('fault address; only of a fault that the processor found'),
	sender: z.strictObject({ pid: z.int(), uid: z.int() }).exactOptional().describe('only of a signal that a process sent'),
});

export const process = z.strictObject({
	pid: z.int().exactOptional().describe('in its own pid namespace, as the core says'),
	hostPid: z.int().exactOptional().describe('on the machine, as the file name or the attributes say'),
	name: z.string().exactOptional(),
	executable: z.string().exactOptional(),
	arguments: z.string().exactOptional().describe('command line'),
	environment: z.record(z.string(), z.string()).exactOptional().describe('only variables that are on the list of harmless ones'),
});

export const frame = z.strictObject({
	pc: hex.exactOptional().describe('absent where a log gives none'),
	function: z.string().exactOptional(),
	module: z.string().exactOptional().describe('path of the mapped file'),
	offset: hex.exactOptional().describe('pc minus the lowest address of the module'),
	file: z.string().exactOptional().describe('source file'),
	line: z.int().exactOptional(),
	inlined: z.literal(true).exactOptional().describe('inlined into the next frame'),
	arguments: z
		.string()
		.exactOptional()
		.describe('names with numbers and addresses, as they were then; what they point to, and texts, are left out'),
	noise: z.literal(true).exactOptional().describe("of a runtime, of a thread's start or of the end of the process: never to blame"),
});

export const thread = z.strictObject({
	id: z.int().exactOptional().describe('thread id as the core says, or the number of the goroutine; absent where a log names none'),
	name: z.string().exactOptional().describe('as the kernel or the log says'),
	crashed: z.boolean(),
	frames: z.array(frame),
	isCut: z.literal(true).exactOptional().describe('the log ends, or was cut off, within its stack'),
	omittedFrames: z.int().exactOptional().describe('how many more there are below the last frame given'),
});

export const module = z.strictObject({
	path: z.string(),
	buildId: z.string().exactOptional().describe('as the core says'),
	symbols: z.enum(['full', 'names', 'none']).describe('full: with source lines'),
	file: z
		.enum(['same', 'unverified', 'replaced', 'missing'])
		.describe(
			'what is at the path now; unverified: the core holds no build-id to compare; replaced: another build, or changed since the crash, and not used',
		),
});

export const culprit = z.strictObject({
	function: z.string().exactOptional(),
	module: z.string().exactOptional(),
	offset: hex.exactOptional(),
	file: z.string().exactOptional(),
	line: z.int().exactOptional(),
	rule: z.string().describe('which rule decided'),
	rules: z.int().describe('version of the rules'),
	confidence: z.enum(['high', 'medium', 'low']),
});

const scorePart = z.strictObject({
	name: z.enum(['base', 'reason', 'keywords', 'stack', 'threads', 'pod', 'signal', 'size', 'freshness']),
	points: z.number(),
});
export const score = z.strictObject({ total: z.number().min(0).max(10), parts: z.array(scorePart) });

export const association = z.strictObject({
	method: z
		.enum(['container status', 'cgroup', 'host name', 'time', 'store', 'none'])
		.describe(
			'container status: the restart itself, there is no core; cgroup: recorded when the process died; host name: as the core has it; time: the only container that died then, by that signal; store: as the name has it under which an earlier agent stored the core',
		),
	confidence: z.enum(['exact', 'strong', 'weak', 'none']),
	host: z.string().exactOptional().describe('host name of the crashed process'),
	node: z.string().exactOptional(),
	namespace: z.string().exactOptional(),
	pod: z.string().exactOptional(),
	podUid: z.string().exactOptional(),
	container: z.string().exactOptional(),
	containerId: z.string().exactOptional().describe('without the prefix of the runtime'),
	image: z.string().exactOptional(),
	instance: z.string().exactOptional(),
	instanceKind: z.enum(['helm', 'operator', 'unmanaged']).exactOptional().describe('who manages the instance'),
	component: z.string().exactOptional().describe('querynode, …'),
	restartCount: z.int().exactOptional().describe('of the container after this end'),
	exitCode: z.int().exactOptional().describe("of the container's first process, which may be an init that adds 128 to a signal"),
	reason: z.string().exactOptional().describe("the kubelet's: Error, OOMKilled, …"),
});

/** How the container ended with the crash. */
export const restart = z.strictObject({
	signal: z.strictObject({ number: z.int(), name: z.string() }).exactOptional().describe('told by the exit code, or by the runtime'),
	startedAt: time.exactOptional(),
	finishedAt: time.exactOptional(),
	isPanic: z.boolean().describe('whether the log of the process proves a panic or a fatal error'),
	panicLine: z.string().exactOptional().describe('the line that proves it'),
	killMessage: z.string().exactOptional().describe('what the kubelet said when it ended the container'),
	isStartUp: z.boolean().describe('one of the restarts with which an instance finds its dependencies'),
	isHealed: z.boolean().describe('a restart at start-up after which the container became ready'),
	missed: z.int().min(0).describe('restarts of the container since the one seen before, of which nothing else is known'),
});

/** That there was a core, or would have been. */
export const lostCore = z.strictObject({
	reason: z.string().describe('over core_pipe_limit, …'),
	advice: z.string().describe('what to change on the node'),
	recordedAt: time.exactOptional().describe('when systemd-coredump was done with it'),
	signal: z.int().exactOptional().describe('as systemd-coredump recorded it'),
	process: process.pick({ hostPid: true, name: true, executable: true }).exactOptional().describe('as systemd-coredump recorded it'),
});

/** By what a stored core was too much. */
export const excess = z.enum(['age', 'size', 'quota', 'space']).describe('quota: of its instance');

export const storage = z.discriminatedUnion('form', [
	z.strictObject({
		form: z.enum(['full', 'slim']).describe('slim: of its memory only what the stacks need, and what lies about them'),
		location: z.string(),
		name: z.string().exactOptional().describe('in the store, without its end; absent where an earlier version stored it'),
		sha256: z.string().regex(/^[0-9a-f]{64}$/),
		sizeBytes: z.int(),
		reason: z.string().exactOptional().describe('why it is kept in this form; absent where an earlier version stored it'),
	}),
	z.strictObject({
		form: z.literal('none'),
		reason: z.string(),
		was: z
			.strictObject({ location: z.string(), sha256: z.string(), sizeBytes: z.int(), deletedAt: time, why: excess })
			.exactOptional()
			.describe('what was stored, until it was deleted'),
	}),
]);

/** What ended the process. */
export const kind = z.enum([
	'fault',
	'abort',
	'exception',
	'assertion',
	'heap corruption',
	'go panic',
	'go fatal error',
	'rust panic',
	'deliberate exit',
	'killed',
	'unknown',
]);

export const knownIssue = z.strictObject({
	id: z.string().describe('of the entry in the knowledge base'),
	issues: z.array(z.string()).describe('owner/repository#number'),
	symptom: z.string(),
	fixedIn: z.string().exactOptional().describe('first release with the fix'),
	isFixedInImage: z.boolean().exactOptional().describe('whether the running image has the fix; absent where versions can not be compared'),
	advice: z.string(),
	cleanup: z.enum(['neutral', 'never', 'supports']).describe('what it means for cleaning up: never: heals itself, or is the environment'),
	match: z.number().min(0).max(1).describe('1: the culprit, 0.6: a frame behind it, 0.4: the text only'),
});

export const log = z.strictObject({ path: z.string(), sizeBytes: z.int().describe('of what was read') });

export const core = z.strictObject({
	path: z.string().describe('where the core was found'),
	sizeBytes: z.int().describe('on disk'),
	uncompressedBytes: z.int().exactOptional().describe('only of a compressed core that was read to its end'),
	encoding: z.enum(['raw', 'zstd', 'gzip', 'lz4', 'xz', 'apport']).describe('how it is packed; apport: a field of one of its reports'),
	fileId: z.string().describe('device, inode and modification time, to know the file again'),
});

/** What the analyzer finds out. */
export const analysis = z.strictObject({
	complete: completeness,
	signal: signal.nullable().describe("the crash's own"),
	coreSignal: signal.nullable().describe('what the core says'),
	process,
	association,
	kind,
	reason: z.string().nullable().describe('in words'),
	message: z.string().nullable().describe("the process's own last words: value of a panic, what() of an exception, failed assertion"),
	culprit: culprit.nullable(),
	fingerprint: z.string().nullable().describe('the same for the same bug'),
	looseFingerprint: z.string().nullable().describe('of the culprit alone: for stacks that are cut off'),
	registers: z.record(z.string(), hex).describe('of the crashed thread where it was struck, before any handler of its signal'),
	threads: z.array(thread).describe('the crashed one first'),
	modules: z.array(module),
	stack: z
		.enum(['agent', 'gdb', 'agent+gdb', 'log', 'none'])
		.describe('who unwound the stacks; agent: this program itself; none: only the program counter of each thread is known'),
	knownIssues: z.array(knownIssue).describe('the best match first'),
	score: score.nullable(),
	notes: z.array(z.string()).describe('what could not be found out, and why'),
});

/** How many crashes one published report stands for. */
export const repeats = z.strictObject({
	count: z.int().min(1).describe('with its own'),
	firstTime: time,
	lastTime: time,
	recentTimes: z
		.array(time)
		.exactOptional()
		.describe('when the last of them were, the newest first, without restarts at start-up that healed; only of several'),
});
/** Of so many crashes that a report stands for it tells when they were. */
export const mostRecentTimes = 30;

export const crashReport = z.strictObject({
	schemaVersion: z.literal(1),
	id: crashId,
	revision: z.int().min(1).describe('grows when a report is amended later; finding, analysing and storing make the first'),
	status: z
		.enum(['found', 'analysed', 'stored', 'skipped', 'lost', 'failed', 'deleted'])
		.describe(
			'how far it has come; skipped: not worth storing; lost: its core is gone; failed: given up, as the notes say; deleted: was stored, and had to go',
		),
	evidence: z.array(z.enum(['core', 'log', 'restart'])),
	time: time.describe('of the crash'),
	foundAt: time,
	core: core.nullable().describe('null: the crash left none'),
	log: log.nullable().describe('what the process wrote, as far as it was read'),
	restart: restart.nullable().describe('null: the container is not known to have ended'),
	lostCore: lostCore.nullable().describe('why there is no core although the crash made one; null: nothing is known of one that was lost'),
	...analysis.shape,
	storage: storage.nullable().describe('null: not decided yet'),
	opinion: opinion.nullable().describe('what a language model thinks of it: not a fact; null: none was asked, or not yet'),
	repeats: repeats.exactOptional().describe('only of a report in a cluster that stands for several crashes'),
});

export type Signal = z.infer<typeof signal>;
export type Process = z.infer<typeof process>;
export type Frame = z.infer<typeof frame>;
export type Thread = z.infer<typeof thread>;
export type Module = z.infer<typeof module>;
export type Culprit = z.infer<typeof culprit>;
export type Score = z.infer<typeof score>;
export type CrashKind = z.infer<typeof kind>;
export type KnownIssue = z.infer<typeof knownIssue>;
export type Association = z.infer<typeof association>;
export type Restart = z.infer<typeof restart>;
export type LostCore = z.infer<typeof lostCore>;
export type Log = z.infer<typeof log>;
export type Excess = z.infer<typeof excess>;
export type Storage = z.infer<typeof storage>;
export type Core = z.infer<typeof core>;
export type Analysis = z.infer<typeof analysis>;
export type Repeats = z.infer<typeof repeats>;
export type CrashReport = z.infer<typeof crashReport>;
