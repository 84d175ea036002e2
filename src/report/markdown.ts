import { printable } from '../base/printable.ts';
import type { CrashReport } from '../domain/report.ts';
import { type ContentOptions, contentOf, type Section } from './content.ts';
import { headline } from './headline.ts';
import { table } from './table.ts';

/** A crash report as Markdown, ready to be pasted into an issue. What comes from the crash can't format anything. */
export function reportMarkdown(report: CrashReport, options: ContentOptions): string {
	const sections = contentOf(report, options).map((section) =>
		[...(section.title === undefined ? [] : [`#### ${escaped(section.title)}`]), body(section)].join('\n\n'),
	);
	return `${[`### ${escaped(headline(report))}`, ...sections].join('\n\n')}\n`;
}

function body(section: Section): string {
	switch (section.is) {
		case 'facts':
			return ['| | |', '| --- | --- |', ...section.facts.map(([label, value]) => `| ${label} | ${escaped(value)} |`)].join('\n');
		case 'rows':
			return fenced(
				table(
					section.rows.map((cells) => cells.map(printable)),
					1,
				),
			);
		case 'list':
			return section.items.map((item) => `- ${escaped(item)}`).join('\n');
		default:
			return section satisfies never;
	}
}

/** `#28065` and `@name` stay what they are; all else that Markdown or HTML would take for itself is escaped. */
const escaped = (text: string) => printable(text).replace(/[\\`*_{}[\]<>|~]/g, '\\$&');

/** In a fence that is longer than any in the text. */
function fenced(lines: readonly string[]): string {
	const longest =
		lines
			.join('\n')
			.match(/`+/g)
			?.reduce((most, ticks) => Math.max(most, ticks.length), 0) ?? 0;
	const fence = '`'.repeat(Math.max(3, longest + 1));
	return [fence, ...lines, fence].join('\n');
}
