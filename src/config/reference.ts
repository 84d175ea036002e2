import type { z } from 'zod';
import { type Field, fieldsOf } from './fields.ts';
import { configSchema, nodeDefaults } from './schema.ts';

/** The page on the configuration, made from the schema. */
export function configurationReference(): string {
	const fields = [...fieldsOf(configSchema(nodeDefaults))];
	const sections = fields.filter(({ isSection }) => isSection);
	return [
		'# Configuration',
		'',
		'<!-- Made by `npm run docs` from src/config/schema.ts. -->',
		'',
		'One YAML file, given by `--config` or the environment variable `MILVUS_COREDUMP_AGENT_CONFIG`. It must be a regular file: a pipe, such as `<(…)` in a shell, is refused. Every key may be left out. `milvus-coredump-agent config check` finds mistakes, `config show` prints what is in force.',
		'',
		'The defaults below are those of a cluster node. On one machine (`--standalone`) `journal.path`, `analyzer.scratchPath` and `storage.localPath` lie under `$XDG_STATE_HOME/milvus-coredump-agent`, and `collector.coredumpPath` is the folder that `kernel.core_pattern` names: its own, or that of systemd-coredump. A pattern that names none (relative, such as `core`; a program; a socket; empty) leaves the working directory of the command: the log line `agent started` names the folder, and a warning says what it misses.',
		'',
		'A duration is a number with `ms`, `s`, `m`, `h` or `d`; a size a number with `KB`, `MB`, `GB`, `TB` (powers of 1000), `KiB`, `MiB`, `GiB`, `TiB` (powers of 1024), a number of bytes, or `unlimited`.',
		'',
		'The agent reads the file again when it changes, and at SIGHUP. A right one takes effect within a second or two, with all keys: ports that stay the same stay open, work in hand is given back and done again, and no core is reported twice. Another `journal.path` begins a new memory, as a restart with it would. A wrong one is refused with the reason, in the log and under `config` in `/readyz`, and the configuration before it stays in force; the metrics `milvus_coredump_agent_config_last_reload_successful` and `…_config_last_reload_success_timestamp_seconds` tell it too. What is given on the command line or in the environment stays until a restart.',
		'',
		...sections.flatMap((section) => sectionText(section, fields)),
	].join('\n');
}

function sectionText({ path, meta }: Field, fields: readonly Field[]): string[] {
	const keys = fields.filter(
		(field) => !field.isSection && field.path.length === path.length + 1 && path.every((part, index) => field.path[index] === part),
	);
	return [
		`## ${path.join('.')}`,
		'',
		`${meta.description}${meta.planned ? ' **Accepted, but without effect in this version.**' : ''}`,
		'',
		'| key | value | default | meaning |',
		'| --- | --- | --- | --- |',
		...keys.map(
			(field) =>
				`| ${field.path.at(-1)} | ${valueText(field)} | ${defaultText(field)} | ${field.meta.description}${field.meta.planned && !meta.planned ? ' (no effect in this version)' : ''} |`,
		),
		'',
	];
}

const defaultText = ({ meta }: Field) =>
	meta.default === undefined ? '' : `\`${typeof meta.default === 'string' ? meta.default : JSON.stringify(meta.default)}\``;

function valueText({ meta, type }: Field): string {
	return meta.format ?? typeText(type);
}

type Described = z.core.$ZodType & {
	readonly def: {
		readonly type: string;
		readonly element?: Described;
		readonly options?: readonly Described[];
		readonly entries?: Readonly<Record<string, string>>;
		readonly values?: readonly unknown[];
	};
};

function typeText(type: z.core.$ZodType): string {
	const { def } = type as Described;
	switch (def.type) {
		case 'boolean':
			return '`true` or `false`';
		case 'enum':
			return Object.values(def.entries ?? {})
				.map((value) => `\`${value}\``)
				.join(', ');
		case 'literal':
			return (def.values ?? []).map((value) => `\`${value}\``).join(', ');
		case 'union':
			return (def.options ?? []).map(typeText).join(' or ');
		case 'array':
			return 'list';
		case 'record':
			return 'table';
		case 'string':
			return 'text';
		default:
			return def.type;
	}
}
