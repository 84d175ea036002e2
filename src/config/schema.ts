import { z } from 'zod';
import { modelServices } from '../domain/model-provider.ts';
import { duration, freeSpace, size, timeout } from './units.ts';

/** What the defaults of some keys depend on: `/host/…` in a container, the user's own folders on one machine. */
export type ModeDefaults = {
	readonly journalPath: string;
	readonly coredumpPath: string;
	readonly scratchPath: string;
	readonly localPath: string;
};

export const nodeDefaults: ModeDefaults = {
	journalPath: '/var/lib/milvus-coredump-agent/journal.db',
	coredumpPath: '/host/var/lib/systemd/coredump',
	scratchPath: '/var/lib/milvus-coredump-agent/scratch',
	localPath: '/data/coredumps',
};

/** What an analysis looks for in reason and stack, in lower or upper case. */
export const defaultPanicKeywords = [
	'panic',
	'fatal',
	'SIGSEGV',
	'SIGABRT',
	'SIGBUS',
	'SIGFPE',
	'SIGILL',
	'assert',
	'terminate',
	'double free',
	'abort',
];

/** What is known of a key besides its type. */
export type KeyMeta = {
	readonly description?: string;
	/** For the reference page: how a value is written, and the default. */
	readonly format?: string;
	readonly default?: unknown;
	/** Accepted, but of no effect in this version. */
	readonly planned?: true;
	/** Never shown. */
	readonly secret?: true;
};

const planned = { planned: true } as const;
const secret = { secret: true } as const;

/** A key with its default as it is written in the file. */
const key = <T extends z.ZodType>(type: T, initial: z.input<T>, description: string, more: KeyMeta = {}) =>
	type.prefault(initial as never).meta({ description, default: initial, ...more });
/** A key that may be absent. */
const optional = <T extends z.ZodType>(type: T, description: string, more: KeyMeta = {}) =>
	type.exactOptional().meta({ description, ...more });
const section = <T extends z.ZodRawShape>(shape: T, description: string, more: KeyMeta = {}) =>
	z
		.strictObject(shape)
		.prefault({} as never)
		.meta({ description, ...more });

const text = z.string().min(1);
const namespace = z.string().regex(/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/, 'the name of a namespace, such as milvus');
const flag = z.boolean();
const port = z.int().min(0).max(65_535);
const count = z.int().min(0);
const selectors = z.array(
	z.string().regex(/^[A-Za-z0-9][A-Za-z0-9./_-]*(=[A-Za-z0-9._-]*)?$/, 'a label such as app.kubernetes.io/name=milvus, or a bare key'),
);
const inDuration = { format: 'duration' };
const inSize = { format: 'size' };

/** The whole configuration: keys, types, defaults and what they mean. Durations become milliseconds, sizes bytes. */
export const configSchema = (paths: ModeDefaults) =>
	z.strictObject({
		log: section(
			{ level: key(z.enum(['debug', 'info', 'warn', 'error']), 'info', 'The least severe lines that are written.') },
			'The log on standard output.',
		),
		journal: section(
			{ path: key(text, paths.journalPath, 'The SQLite file that holds the work and the crash reports; on a local disk.') },
			"The agent's own memory.",
		),
		discovery: section(
			{
				scanInterval: key(
					timeout,
					'30s',
					'How often all known pods are looked through for what could not be found out at once; their changes are watched all the time.',
					inDuration,
				),
				namespaces: key(z.union([z.literal('all'), z.array(text)]), 'all', 'The namespaces that are looked at: `all`, or a list.'),
				helmReleaseLabels: key(
					selectors,
					['app.kubernetes.io/name=milvus', 'helm.sh/chart=milvus'],
					'Labels of pods from the Helm chart, or of what owns them; any one suffices. A chart fits in any version.',
				),
				operatorLabels: key(
					selectors,
					['app.kubernetes.io/managed-by=milvus-operator', 'milvus.io/instance'],
					'Labels of pods from the operator; any one suffices.',
				),
				podLogsPath: key(text, '/host/var/log/pods', "The kubelet's folder of logs; what is not there is asked of the API server."),
				containerdTasksPath: key(
					text,
					'/host/run/containerd/io.containerd.runtime.v2.task',
					"containerd's folder of running containers: how their files are mounted there tells where these are, so that symbols can be read when a container has ended. Other distributions have it elsewhere, such as `/run/k3s/containerd/…`.",
				),
				crioStoragePath: key(text, '/host/var/lib/containers/storage', "CRI-O's folder of images and containers, for the same."),
			},
			'Which pods are Milvus; in a cluster only.',
		),
		collector: section(
			{
				coredumpPath: key(text, paths.coredumpPath, 'The folder of the core files.'),
				journaldPath: key(
					text,
					'/host/var/log/journal',
					"The folder of the machine's journal (journald), which says whose a core is and which were lost; in a cluster only.",
				),
				watchInterval: key(timeout, '10s', 'How often the folder is looked through whole; in between, inotify tells.', inDuration),
				maxFileAge: key(duration, '24h', 'Older files are left alone.', inDuration),
				maxFileSize: key(size, 'unlimited', 'Larger files are reported, but not stored.', inSize),
				ignorePatterns: key(z.array(text), [], 'Shell patterns of file names that are left alone, such as core.bash.*'),
				correlationTimeout: key(
					duration,
					'30s',
					'How long a core and the restart that belongs to it wait for each other; what comes later amends the report. In a cluster only.',
					inDuration,
				),
				removeOriginal: key(
					z.enum(['never', 'afterStored']),
					'never',
					'Whether the file that was found goes once a verified copy is stored. Of a core that is kept slim it stays.',
				),
			},
			'Where cores come from.',
		),
		analyzer: section(
			{
				enableGdbAnalysis: key(flag, true, 'Whether gdb is asked too: it adds lines of source code and inlined calls to the stacks.'),
				gdbTimeout: key(timeout, '5m', 'After so long gdb is ended, and the report goes without a stack.', inDuration),
				valueThreshold: key(z.number().min(0).max(10), 4, 'Cores with a lower score are not stored; 4 skips none.'),
				panicKeywords: key(z.array(text), defaultPanicKeywords, 'Words in reason or stack that raise the score.'),
				scratchPath: key(
					text,
					paths.scratchPath,
					'The folder in which slim cores are made of compressed ones, or these are unpacked, and gdb works; each for as long as that takes.',
				),
				scratchSize: key(size, '20GB', 'How much a core may take there; holes do not count.', inSize),
				knownIssues: key(
					z.array(text),
					[],
					'Files or folders with known issues of your own, written as docs/reference/known-issues.md says.',
				),
				symbols: section(
					{
						paths: key(
							z.array(text),
							[],
							'Further folders with executables, libraries and debug information: by whole path, by name, or by build-id, as `.build-id/ab/cdef` and `.build-id/ab/cdef.debug` in the folder itself, in `usr/lib/debug` or, the first, in `usr/lib` below it.',
						),
						debuginfod: key(
							z.union([z.literal('off'), z.url({ protocol: /^https?$/, abort: true })]),
							'off',
							'Address of a debuginfod server, which is asked by build-id for files and debug information that are nowhere else, and told nothing but that. What it gives is kept in the folder `debuginfod` of `analyzer.scratchPath`, 4 GB at most. User name and password may stand in the address.',
						),
					},
					'Where the files of the crashed process are looked for besides their own place.',
				),
			},
			'How cores are judged.',
		),
		aiAnalysis: section(
			{
				enabled: key(flag, false, 'Whether a language model is asked about crashes whose cores were stored.'),
				provider: key(
					z.enum(modelServices),
					'glm',
					'Whose service. openai-compatible: any that answers in the form of OpenAI at a `baseURL`, such as vLLM or Ollama, with or without a key.',
				),
				model: key(text, 'glm-4.5-flash', 'Which model.'),
				apiKey: optional(text, 'The key. Without one it is taken from the environment: `GLM_API_KEY` or `OPENAI_API_KEY`.', secret),
				apiKeyFile: optional(text, 'A file that holds the key; another key in it counts at once.'),
				baseURL: optional(
					z.url(),
					"Where the service is, with or without `/chat/completions`; without it the provider's own address, for glm `https://open.bigmodel.cn/api/paas/v4/chat/completions`.",
				),
				timeout: key(timeout, '30s', 'For how long an answer is waited for.', inDuration),
				maxTokens: key(count, 2000, 'The longest answer.'),
				temperature: key(z.number().min(0).max(2), 0.3, 'How free the answer may be.'),
				language: key(z.enum(['zh', 'en']), 'en', 'The language of the answer.'),
				enableCostControl: key(flag, true, 'Whether the two limits below hold, for all nodes of a cluster together.'),
				maxCostPerMonth: key(z.number().min(0), 100, 'The most that a month may cost, in the currency of the prices.'),
				maxAnalysisPerHour: key(count, 50, 'The most questions about crashes in an hour, tries that failed among them.'),
				pricing: key(
					z.record(z.string(), z.strictObject({ in: z.number().min(0), out: z.number().min(0) })),
					{ 'glm-4.5-flash': { in: 0, out: 0 } },
					'Prices of a million tokens, by model; one without a price counts as free.',
				),
				analyzeSkipped: key(flag, false, 'Whether crashes are asked about too whose cores were not worth storing, or that left none.'),
				allow: key(
					z.array(z.enum(['addresses', 'nodeNames'])),
					[],
					'What may be told to the model besides: network addresses, names of nodes and hosts.',
				),
			},
			"A language model's opinion.",
		),
		storage: section(
			{
				backend: key(
					z.enum(['local', 's3', 'nfs']),
					'local',
					'Where cores are kept: in a directory of this machine, in a bucket of an S3 server, or in a directory on NFS.',
				),
				localPath: key(text, paths.localPath, 'The directory of backend local.'),
				maxStorageSize: key(
					size,
					'50GB',
					'The most that all cores in the store may take: of backend local that of one machine, else that of all. Beyond it those that are worth least are deleted, the best of each bug last.',
					inSize,
				),
				maxInstanceSize: key(size, 0, 'The most that the cores of one instance may take of that; 0: all.', inSize),
				minFreeSpace: key(
					freeSpace,
					'10%',
					'What must stay free on the disk; below it nothing is stored, and stored cores are deleted as above.',
					{ format: 'share or size' },
				),
				retentionDays: key(count, 30, 'After so many days a stored core is deleted; 0: never.'),
				compressionEnabled: key(flag, true, 'Whether plain cores are packed.'),
				compression: key(z.enum(['zstd', 'gzip']), 'zstd', 'How plain cores are packed; packed ones are kept as they are.'),
				compressionLevel: key(
					z.int().min(1).max(19),
					1,
					'How much work is put into that, up to 19 by zstd and 9 by gzip. With zstd, 3 takes half as long again as 1 for 6 % less, 9 three times as long for 11 %, 19 some forty times for little more.',
				),
				compressionThreads: key(
					z.int().min(1).max(4),
					1,
					'How many threads zstd packs a core with. It takes 20 MB of memory with one, and some 8 MB more with each further, at any level; two cores may be packed at once.',
				),
				sampling: section(
					{
						full: key(
							count,
							3,
							'So many cores of one bug are kept whole, of each instance and image; a higher score than all of them had starts anew.',
						),
						slim: key(
							count,
							10,
							'So many more are kept slim: with stacks, global data and what lies about the crash, in a few MB. Those beyond are only counted.',
						),
					},
					'What is kept of crashes that repeat. A core of which nothing tells the bug is always kept.',
				),
				s3: section(
					{
						bucket: optional(text, 'The bucket. Backend s3 must have it.'),
						region: optional(text, 'Its region; without it that of the environment (`AWS_REGION`).'),
						endpoint: optional(z.url(), 'The server, if it is not AWS.'),
						prefix: optional(text, 'The folder in the bucket below which all names are.'),
						pathStyle: optional(flag, 'Whether the bucket is part of the path; without it so where there is an endpoint.'),
						caFile: optional(text, "The server's certificate authority, if it is one of your own."),
						accessKey: optional(
							text,
							"The key. Without one it is taken from the environment (`AWS_ACCESS_KEY_ID`), the profile, or the pod's role.",
							secret,
						),
						accessKeyFile: optional(text, 'A file with the key.'),
						secretKey: optional(text, 'The secret key.', secret),
						secretKeyFile: optional(text, 'A file with the secret key.'),
						storageClass: optional(text, 'The storage class, such as `STANDARD_IA`.'),
						serverSideEncryption: optional(
							z.enum(['AES256', 'aws:kms']),
							"How the server encrypts; without it as the bucket's own setting.",
						),
						kmsKeyId: optional(text, 'The key with which it does by `aws:kms`.'),
						tags: optional(z.record(z.string(), z.string()), 'Tags that each object gets; the key needs the right `s3:PutObjectTagging`.'),
					},
					'Backend s3.',
				),
				nfs: section(
					{ path: optional(text, 'The directory, which must be on an NFS mount; where it is not mounted, nothing is stored.') },
					'Backend nfs.',
				),
			},
			'Where cores are kept.',
		),
		cleaner: section(
			{
				enabled: key(flag, true, 'Whether instances that only crash are looked for.'),
				mode: key(
					z.enum(['dry-run', 'enforce']),
					'dry-run',
					'Whether they are removed in `namespaces` (`enforce`), or only named, as an `InstanceCleanup` each.',
				),
				maxRestartCount: key(count, 5, 'More crash restarts than this, of all components on all nodes, are too many.'),
				restartTimeWindow: key(duration, '1h', 'The time within which they are counted.', inDuration),
				cleanupDelay: key(duration, '5m', 'How long an instance has to recover.', inDuration),
				uninstallTimeout: key(timeout, '10m', 'How long one try to uninstall an instance may take.', inDuration),
				namespaces: key(
					z.array(namespace),
					[],
					'The namespaces in which instances may be removed by `enforce`; an empty list: in none. Named they are in all.',
				),
				maxCleanupsPerHour: key(count, 1, 'The most removals in an hour, in the whole cluster; 0: none.'),
				allowVolumeLoss: key(
					flag,
					false,
					'Whether an instance may be removed when PersistentVolumeClaims go with it, and what is on them; else it is kept.',
				),
				countOutOfMemory: key(flag, false, 'Whether out-of-memory kills count.'),
			},
			'Instances that do nothing but crash. The controller looks for them: `agent --role controller` or `both`.',
		),
		monitor: section(
			{
				prometheusEnabled: key(flag, true, 'Whether metrics are served.'),
				metricsPort: key(port, 8080, 'The port of /metrics; 0 takes any free one.'),
				healthPort: key(port, 8081, 'The port of /healthz and /readyz; 0 takes any free one.'),
				crashReports: section(
					{
						retentionDays: key(
							z.int().min(1),
							30,
							'After so many days without another such crash a CrashReport is deleted; older crashes are not published.',
						),
						maxNumber: key(z.int().min(1), 5000, 'So many are kept in the whole cluster; beyond that the oldest are deleted.'),
					},
					'The CrashReports of a cluster. The controller deletes them: `agent --role controller` or `both`.',
				),
				alerting: section(
					{
						enabled: key(flag, false, 'Whether alerts are sent.'),
						type: optional(z.enum(['webhook']), 'How they are sent.'),
						webhookUrl: optional(z.url(), 'Where they are sent.', secret),
					},
					'Alerts.',
					planned,
				),
			},
			'How the agent is watched.',
		),
	});

/** What is in force: durations in milliseconds, sizes in bytes, what is unlimited as infinity. */
export type Config = z.output<ReturnType<typeof configSchema>>;
