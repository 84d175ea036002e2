import type { CrashKind, KnownIssue } from '../../../domain/report.ts';
export type KnownIssues = { readonly entries: readonly unknown[] };
export const matchKnownIssues = (_: KnownIssues, __: { names: readonly string[]; texts: readonly string[]; kind: CrashKind }): KnownIssue[] => [];
