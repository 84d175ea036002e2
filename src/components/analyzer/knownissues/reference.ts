import { kind } from '../../../domain/report.ts';
import { components, type Entry } from './entry.ts';

/** The page on known issues, made from the knowledge base. */
export function knownIssuesReference(base: readonly Entry[]): string {
	return [
		'# Known issues',
		'',
		'<!-- Made by `npm run docs` from src/components/analyzer/knownissues. -->',
		'',
		`A report names the known issues that a crash looks like: ${base.length} of Milvus come with the program, and you can add your own. A match is advice, not proof: 1 means that the function to blame is one that the issue names, 0.6 that one of the two functions behind it is, 0.4 that only the words of the process are the same.`,
		'',
		'## Add your own',
		'',
		'A YAML file in this format, or a folder of such files (all `*.yaml` and `*.yml` but those whose name begins with a dot), such as a mounted ConfigMap: named under `analyzer.knownIssues`, or to `analyze` by `--known-issues`. An entry with the `id` of an earlier one replaces it: the built-in ones come first, then the files in their order.',
		'',
		'```yaml',
		example,
		'```',
		'',
		...keyTable,
		'',
		'The exit code, the component and the version of the image are not known to this version, which does not talk to Kubernetes yet: `match.exitCodes` and `match.components` exclude nothing, and a report does not say whether the image has the fix.',
		'',
		'A broken file is refused at start, with a line for each mistake: `FILE:LINE: what is wrong; what is expected`. The agent takes over a changed one within seconds, or at SIGHUP; while that is broken, the ones before stay in force.',
		'',
		'## Those that come with the program',
		'',
		'*Cleaning* says what a match means for removing an instance that only crashes: `never` (it heals by itself, or it is the environment), `supports` (it comes back with each start), `neutral`.',
		'',
		'| issue | what happens | what to do | fixed | cause | cleaning | confidence |',
		'| --- | --- | --- | --- | --- | --- | --- |',
		...base.map(row),
		'',
	].join('\n');
}

const example = `version: 1
issues:
  - id: our-index-plugin
    match:
      frames: [acme::Index::Load, "acme::Codec::*"]
      text: [acme index is corrupt]
      components: [querynode]
    cause: code
    issues: [acme/index#12]
    affects: [2.5.4]
    fixedIn: 2.5.6
    symptom: A query node dies while it loads an index that our plugin wrote.
    advice: Upgrade to 2.5.6.
    cleanup: neutral
    confidence: high`;

const choice = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ');

const keyTable = [
	'| key | meaning |',
	'| --- | --- |',
	'| id | Lower-case letters, digits, dots and hyphens. |',
	'| match.frames | Functions without parameters and template arguments; any one suffices. The whole name, or its end from a `::`, `.` or `/` on; `milvus::SkipIndex::*` is all that lies below. |',
	'| match.text | Pieces of a panic, an exception, an assertion, a fatal log line or the reason of the death; any one suffices; upper and lower case are the same. |',
	`| match.kinds | Narrows it down to what ended the process, optional: ${choice(kind.options.filter((name) => name !== 'unknown'))}. What is not known of a crash excludes nothing. |`,
	'| match.exitCodes | Narrows it down to exit codes of the container, optional. |',
	`| match.components | Narrows it down to processes, optional: ${choice(components)}. \`standalone\` runs all components, \`mixcoord\` all coordinators. |`,
	'| requireAll | `true`: frames and text must both be there. Default `false`. |',
	'| cause | `code`, `config`, `environment`, `dependency` or `data` (what is stored). |',
	'| issues, fixes | Threads that tell of it, and those that mend it: `owner/repository#number`. Optional. |',
	'| affects | Versions in which it was seen. Optional. |',
	'| fixedIn | The first release with the fix. It is compared with the tag of the image where that is a release too. Optional. |',
	'| symptom, advice | What happens and what to do, a sentence each. |',
	'| cleanup | `neutral`, `never` or `supports`, as below. |',
	'| confidence | `high`, `medium` or `low`; decides the order of equal matches. |',
	'| origin | The function that the text stands for where a death leaves no stack. Optional. |',
];

const row = (entry: Entry) => {
	const threads = entry.issues.length > 0 ? ` ${entry.issues.map(link).join(', ')}` : '';
	const fixed = [...(entry.fixedIn === undefined ? [] : [entry.fixedIn]), ...entry.fixes.map(link)].join(', ') || '–';
	const cells = [`**${entry.id}**${threads}`, entry.symptom, entry.advice, fixed, entry.cause, entry.cleanup, entry.confidence];
	return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
};

/** GitHub leads from an issue's address to the pull request of the same number. */
function link(thread: string): string {
	const [repository = '', number = ''] = thread.split('#');
	return `[${repository.split('/').at(-1)}#${number}](https://github.com/${repository}/issues/${number})`;
}
