import { printable } from '../base/printable.ts';
import type { CrashReport } from '../domain/report.ts';
import { type ContentOptions, contentOf, type Section } from './content.ts';
import { headline } from './headline.ts';
import type { Paint } from './paint.ts';
import { table } from './table.ts';

export { headline } from './headline.ts';
export { groupList, reportList } from './list.ts';
export { reportMarkdown } from './markdown.ts';
export { colours, type Paint, plain } from './paint.ts';
export { type Summary, summaryOf } from './summary.ts';
export { table } from './table.ts';

export type TextOptions = ContentOptions & { readonly paint: Paint };

/** A crash report for a person at a terminal: what happened first, then the evidence, then what is missing. */
export function reportText(report: CrashReport, options: TextOptions): string {
	const { paint } = options;
	const sections = contentOf(report, options).map((section) => lines(section, paint).join('\n'));
	return `${[paint('bold', paint('red', headline(report))), ...sections].join('\n\n')}\n`;
}

function lines(section: Section, paint: Paint): string[] {
	const { title } = section;
	const colour = (text: string) => (section.is === 'list' && section.isWarning ? paint('yellow', text) : text);
	return [...(title === undefined ? [] : [paint('bold', colour(title))]), ...body(section, paint)];
}

function body(section: Section, paint: Paint): string[] {
	switch (section.is) {
		case 'facts':
			return section.facts.map(([label, value]) => `${paint('dim', label.padEnd(12))}${printable(value)}`);
		case 'rows':
			return table(
				section.rows.map(([mark = '', ...cells]) => [`${mark.padEnd(1)} ${printable(cells[0] ?? '')}`, ...cells.slice(1).map(printable)]),
			);
		case 'list':
			return section.items.map((item) => `  - ${printable(item)}`);
		default:
			return section satisfies never;
	}
}
