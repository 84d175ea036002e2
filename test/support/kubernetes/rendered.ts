import { parseAllDocuments } from 'yaml';
import type { Manifest } from './api.ts';
import { chart, helm } from './helm.ts';

/** What the chart makes, as text. */
export const rendered = (namespace: string, ...args: readonly string[]): Promise<string> =>
	helm('template', 'agent', chart, '--namespace', namespace, '--kube-version', '1.35.0', ...args);

/** Objects in a file, as kubectl reads them. */
export const objectsIn = (text: string): Manifest[] =>
	parseAllDocuments(text, { version: '1.1' }).flatMap((document) => document.toJS() ?? []);
