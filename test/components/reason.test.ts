import { expect, test } from 'vitest';
import { reasonOf } from '../../src/components/analyzer/reason.ts';
import type { Signal } from '../../src/domain/report.ts';

function reasonFrom(signal: Signal) {
	const kind = signal.name === 'SIGSEGV' ? 'fault' : 'killed';
	const death = { kind, signal, statement: undefined, message: null, isContradicted: false } as const;
	return reasonOf({ death, pid: undefined, pc: undefined, stackPointer: undefined, frames: [] });
}

test('a log that only names the signal leads to no claim about its address or its sender', () => {
	expect(reasonFrom({ number: 11, name: 'SIGSEGV' })).toBe(
		'SIGSEGV: access to memory that is not mapped or not allowed (the address is not told)',
	);
	expect(reasonFrom({ number: 15, name: 'SIGTERM' })).toBe('SIGTERM: who sent it is not told');
});

test('the kernel leaves the address out where the processor does', () => {
	expect(reasonFrom({ number: 11, name: 'SIGSEGV', code: 128, codeName: 'SI_KERNEL' })).toMatch(/not canonical/);
	expect(reasonFrom({ number: 3, name: 'SIGQUIT', code: 128, codeName: 'SI_KERNEL' })).toBe('SIGQUIT: raised by the kernel');
});
