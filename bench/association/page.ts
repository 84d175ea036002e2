import type { Association } from '../../src/domain/report.ts';
import { isRight, type Judged, type Verdict } from './judge.ts';

const confidences = ['exact', 'strong', 'weak', 'none'] as const satisfies readonly Association['confidence'][];
const verdicts = [
	'right',
	'none, rightly',
	'left alone, rightly',
	'none, though known',
	'wrong pod',
	'missed',
	'told in vain',
] as const satisfies readonly Verdict[];

export type Figures = {
	readonly crashes: number;
	readonly right: number;
	/** Wrong answers that were said to be exact or strong. */
	readonly wrongForSure: number;
	/** Crashes of core and restart: in one report, or not. */
	readonly together: number;
	readonly apart: number;
};

export function figuresOf(judged: readonly Judged[]): Figures {
	const sure = judged.filter(({ association }) => association?.confidence === 'exact' || association?.confidence === 'strong');
	return {
		crashes: judged.length,
		right: judged.filter(isRight).length,
		wrongForSure: sure.filter(({ verdict }) => verdict === 'wrong pod' || verdict === 'told in vain').length,
		together: judged.filter(({ areTogether }) => areTogether === true).length,
		apart: judged.filter(({ areTogether }) => areTogether === false).length,
	};
}

export const isReached = ({ crashes, right, wrongForSure, together, apart }: Figures) =>
	right >= crashes * 0.99 && wrongForSure === 0 && together >= (together + apart) * 0.99;

export function tables(judged: readonly Judged[]): string[] {
	const { crashes, right, wrongForSure, together, apart } = figuresOf(judged);
	const given = (confidence: string) =>
		judged.filter(({ association, truth }) => truth.isOfMilvus && association?.confidence === confidence);
	const situations = [...Map.groupBy(judged, ({ truth }) => truth.situation)].sort(([one], [other]) => (one < other ? -1 : 1));
	return [
		...head('', 'goal', 'reached'),
		row('right answers', '99 %', `${right} of ${crashes}`),
		row('wrong pods that were said to be exact or strong', 'none', wrongForSure),
		row('core and restart of one crash in one report, and no other’s', '99 %', `${together} of ${together + apart}`),
		'',
		...head('confidence', 'answers', 'right', 'wrong pod'),
		...confidences.map((one) =>
			row(one, given(one).length, given(one).filter(isRight).length, given(one).filter(({ verdict }) => verdict === 'wrong pod').length),
		),
		'',
		...head(
			...['situation', 'crashes', 'right pod', 'none, as nothing tells', 'left alone, rightly', 'none, though known', 'wrong pod'],
			...['not told of', 'told in vain', 'core and restart apart'],
		),
		...situations.map(([situation, some]) =>
			row(
				situation,
				some.length,
				...verdicts.map((verdict) => some.filter((one) => one.verdict === verdict).length),
				some.filter(({ areTogether }) => areTogether === false).length,
			),
		),
	];
}

const row = (...cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
const head = (...cells: readonly string[]) => [row(...cells), row(...cells.map(() => '---'))];

export const associationPage = (judged: readonly Judged[]) =>
	`# Association

<!-- Made by \`npm run bench:association\`. -->

Whose core was it? On a cluster, each crash is given the pod in which the process ran, with the method by which that was found, and how certain it is: \`association.method\` and \`association.confidence\` in the report.

## Methods

The first that can answer does.

| method | what it goes by | confidence |
| --- | --- | --- |
| \`cgroup\` | The cgroup of the process, which systemd-coredump recorded in the host's journal when it died: UID of the pod and id of the container. Such an entry is believed only if journald itself saw that systemd-coredump wrote it | \`exact\` |
| \`host name\` | The host name of the process (attribute \`user.coredump.hostname\` of the file, \`%h\` of \`kernel.core_pattern\`, \`HOSTNAME\` in its environment) is that of one pod of this node, of which a container ended then, by that signal | \`strong\` |
| \`host name\` | The same, but no such end was seen: a child process crashed and the container lives on, or the end was missed | \`weak\` |
| \`time\` | Nothing names the host, or it is the node's own: exactly one container of Milvus ended then, by that signal | \`weak\` |
| \`container status\` | The restart itself, of a crash that left no core | \`exact\` |
| \`none\` | None of these, or it might be two | \`none\` |

An end fits a core when the process died during that run of the container, the run ended from that second on and at most 10 seconds after the core had been written (which may take minutes), and its exit code tells of the core's signal (139 for SIGSEGV, also through an init); or of SIGKILL, when the kubelet killed the container while its core was being written.

## What a confidence means

- \`exact\`: the kernel and systemd said so. Nothing is concluded.
- \`strong\`: all that is known fits this pod, and every other pod of that host name is known to have run on, not to have been there, or to have ended by another crash.
- \`weak\`: likely, and to be read as a hint. Nothing is done by it alone.
- \`none\`: it may have been any. Two pods of one name in two namespaces that crash in one second, without a record and without \`POD_NAMESPACE\` in the environment, look the same.

## Core, record and restart are one crash

They come in any order. A core waits 5 seconds for its record, and \`collector.correlationTimeout\` (30 s) for the restart of its container; a restart by a signal that leaves a core waits as long for that. What comes later amends the report that is there, and its \`revision\` grows. An end is never taken for that of two cores: of those that fit it, the one whose writing ended nearest before it has it. Cores of the machine's own processes, of other pods and of sidecars are left alone.

## What would help more

- The host's journal (\`collector.journaldPath\`): \`exact\` for every crash that systemd-coredump handles.
- \`POD_NAMESPACE\` in the environment, by the downward API, where pods of one name run in several namespaces. It is read from cores that are not compressed.

What is not used: the kubelet also puts the addresses of the services of its namespace into the environment of a process (\`NAME_SERVICE_HOST\`). Where pods of two namespaces have the same name, so have their services in almost all cases, as both come from the same chart; only the addresses differ. To know them, each agent would need the right to read the services of all namespaces, and variables that nobody named beforehand would have to leave the reader of cores. Clusters that set \`enableServiceLinks: false\` have none of them.

## Measured

On ${new Set(judged.map(({ node }) => node)).size} simulated nodes, where all of these situations are mixed; \`bench/association.ts\` says how, and what counts as right. The agent is down or does not hear of pods for about a sixth of the time.

${tables(judged).join('\n')}
`;
