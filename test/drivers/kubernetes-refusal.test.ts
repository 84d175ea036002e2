import { expect, test } from 'vitest';
import { KubernetesRefused, KubernetesUnavailable, withoutQuotes } from '../../src/drivers/kubernetes/kubernetes.ts';

const at = "can't create secrets at https://127.0.0.1:6443: ";
const refused = (status: number, words: string) => withoutQuotes(new KubernetesRefused(at + words, { status }));

test('a refusal to write something is told in words that quote nothing of it', () => {
	expect(refused(422, 'Milvus "c" is invalid: spec.mode: Invalid value: "hunter2"')).toBe('it was refused (HTTP 422)');
	expect(refused(400, 'admission webhook "a" denied the request: {"password":"hunter2"}')).toBe('it was refused (HTTP 400)');
	expect(refused(403, 'admission webhook "a" denied the request: hunter2')).toBe('it was refused (HTTP 403)');
	expect(refused(422, 'Secret "a" is invalid: data: Too long: may not be more than 1048576 bytes')).toBe('it is too large');
	expect(refused(403, 'secrets is forbidden: User "hunter2" cannot create resource "secrets" in API group ""')).toBe(
		'the right to do so is missing',
	);
	expect(withoutQuotes(new KubernetesUnavailable(`${at}failed calling webhook: hunter2`))).toBe('the API server does not take it now');
});

test('what was not answered is told as it is', () => {
	const error = new KubernetesUnavailable(`${at}nothing listens there (connection refused)`, { cause: new Error('ECONNREFUSED') });
	expect(withoutQuotes(error)).toBe(error.message);
	const untrusted = new KubernetesRefused(`${at}the server's certificate has another name`);
	expect(withoutQuotes(untrusted)).toBe(untrusted.message);
});
