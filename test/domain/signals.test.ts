import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { isFault, isSent, signalCodeName, signalName } from '../../src/domain/signals.ts';

test('signals have the names that the system gives them', () => {
	for (const [name, number] of Object.entries(constants.signals)) {
		if (['SIGIOT', 'SIGPOLL', 'SIGUNUSED', 'SIGCLD'].includes(name)) continue; // second names
		expect([number, signalName(number)]).toEqual([number, name]);
	}
	expect([34, 36, 64, 99, 0].map(signalName)).toEqual(['SIGRTMIN+0', 'SIGRTMIN+2', 'SIGRTMIN+30', 'signal 99', 'signal 0']);
});

test('codes say what happened, or who sent', () => {
	expect(signalCodeName(11, 1)).toBe('SEGV_MAPERR');
	expect(signalCodeName(11, 128)).toBe('SI_KERNEL');
	expect(signalCodeName(8, 1)).toBe('FPE_INTDIV');
	expect(signalCodeName(7, 2)).toBe('BUS_ADRERR');
	expect(signalCodeName(6, -6)).toBe('SI_TKILL');
	expect(signalCodeName(11, 77)).toBe('77');
});

test('only a fault of the processor has an address, only a signal that was sent a sender', () => {
	expect([isFault(11, 1), isFault(11, 128), isFault(11, 0), isFault(6, 1), isFault(31, 1)]).toEqual([true, false, false, false, false]);
	expect([0, -1, -6, 1, 128].map(isSent)).toEqual([true, true, true, false, false]);
});
