import { describe, expect, test } from 'vitest';
import { notLookedAt, refusal } from '../../src/drivers/helm/words.ts';

const wordsOf = (stderr: string) => refusal(stderr, 1, 'a').words;

describe('of what helm says', () => {
	test('values of manifests and passwords are left out, in whichever way the API server quotes them', () => {
		const said = [
			'Error: Job.batch "a" is invalid: spec.template: Invalid value: {"containers":[{"env":[{"value":"secret: field"}]}]}: field is immutable',
			'Error: Pod "a" is invalid: spec.x: Invalid value: "secret: no detail"',
			'Error: Pod "a" is invalid: [spec.x: Invalid value: "secret": must be y, spec.z: Invalid value: "secret": must be "y"]',
			'Error: cannot patch "a": Pod "a" is invalid: spec: Forbidden: no such change {"env":[{"Value":"secret"}]} is allowed',
			'Error: Pod "a" is invalid: spec: Forbidden: no such change\n  core.PodSpec{ Value: "secret" }',
			`level=DEBUG msg="uninstall: Failed to delete release" error="[no such change\\n  Value: \\"secret\\"]"\nError: failed to delete release: a`,
			'Error: invalid proxy-url "http://me:secret@proxy" for a',
		];
		const words = said.map(wordsOf);
		expect(words).toEqual([
			'Job.batch "a" is invalid: spec.template: Invalid value: …: field is immutable',
			'Pod "a" is invalid: spec.x: Invalid value: …',
			'Pod "a" is invalid: [spec.x: Invalid value: …',
			'cannot patch "a": Pod "a" is invalid: spec: Forbidden: no such change {…} is allowed',
			'Pod "a" is invalid: spec: Forbidden: no such change',
			'failed to delete release: a: [no such change',
			'invalid proxy-url "http://…@proxy" for a',
		]);
	});

	test('only its own last line counts, in printable characters and not too many', () => {
		expect(wordsOf('the words of a hook\nError: \x1b[31mred\nthe words of a plugin\n')).toBe('\\x1b[31mred');
		expect(wordsOf('panic: secret\n')).toBe('helm ended with exit code 1');
		expect(wordsOf(`Error: ${'x'.repeat(10_000)}`)).toHaveLength(501);
		expect(notLookedAt('')).toBe(undefined);
	});

	test('nobody else can say that there is no release', () => {
		const notFound = 'Error: uninstall: Release not loaded: a: release: not found\n';
		expect(refusal(`level=DEBUG msg="getting release history" name=a\n${notFound}`, 1, 'a').is).toBe('absent');
		expect(refusal('Error: release: not found\n', 1, 'a').is).toBe('absent');
		expect(refusal(notFound, 1, 'b').is).toBe('failed');
		expect(refusal(`Error: admission webhook "x" denied the request: no\n${notFound}`, 1, 'a').is).toBe('failed');
		expect(refusal('Error: hook failed: release: not found\n', 1, 'a').is).toBe('failed');
	});
});
