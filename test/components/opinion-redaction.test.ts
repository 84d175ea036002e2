import { expect, test } from 'vitest';
import { type Redaction, redacted } from '../../src/components/opinion/redaction.ts';

const strict: Redaction = { hosts: ['worker-7', 'worker-7.example.internal'], allows: new Set() };

/** What stood in a crash, and what may be told of it. */
const told: readonly (readonly [string, string])[] = [
	['minio.secretAccessKey=minioadmin', 'minio.secretAccessKey=<secret>'],
	['MINIO_SECRET_KEY: "a b c", next', 'MINIO_SECRET_KEY: <secret>, next'],
	['{"password":"p4ss","user":"root"}', '{"password":<secret>,"user":"root"}'],
	['--api-key abcdef --port 1', '--api-key <secret> --port 1'],
	['etcd://root:hunter2@etcd:2379/by-dev', 'etcd://<user>@etcd:2379/by-dev'],
	['Authorization: Bearer abcdefgh12345678', 'Authorization: <secret> <secret>'],
	['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', '<secret>'],
	['key AKIAIOSFODNN7EXAMPLE used', 'key <secret> used'],
	['dial tcp 10.244.0.17:2379: refused', 'dial tcp <address>:2379: refused'],
	['from fe80::1ff:fe23:4567:890a port', 'from <address> port'],
	['on worker-7 and worker-7.example.internal', 'on <node> and <node>'],
	['mail jane.doe@example.com', 'mail <mail>'],
	['/home/jane/milvus/core.cc:12', '/home/<user>/milvus/core.cc:12'],
	['-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----', '<private key>'],
	['a'.repeat(40) + '1'.repeat(40), '<code>'],
];

test.for(told)('%s is told as %s', ([text, expected]) => {
	expect(redacted(text, strict)).toBe(expected);
});

const untouched = [
	'milvus::segcore::SegmentSealedImpl::LoadIndex(milvus::segcore::LoadIndexInfo const&)',
	'github.com/milvus-io/milvus/internal/querynodev2.(*QueryNode).Start at querynode.go:312',
	'panic: runtime error: index out of range [5] with length 3',
	'std::__1::pair<a::b, c::d>',
	'fault at 0x7f00deadbeef, build-id 8f3c2a1b9d',
	'my-release-milvus-querynode-6c5d8b7f9-x2x7k',
	'tokenizer failed: bad passage',
	'v2.3.5 at 2026-11-23T06:25:58.123Z',
];

test.for(untouched)('%s stays as it is', (text) => {
	expect(redacted(text, strict)).toBe(text);
});

test('addresses and names of nodes are told where that is allowed', () => {
	const text = 'worker-7 at 10.244.0.17';
	expect(redacted(text, { ...strict, allows: new Set(['addresses']) })).toBe('<node> at 10.244.0.17');
	expect(redacted(text, { ...strict, allows: new Set(['nodeNames']) })).toBe('worker-7 at <address>');
});
