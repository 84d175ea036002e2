import { expect, test } from 'vitest';
import { printable } from '../../src/base/printable.ts';
import { type Redaction, redacted } from '../../src/components/opinion/redaction.ts';

const strict: Redaction = {
	hosts: ['worker-7', 'worker-7.example.internal', 'rack-3.example.net', 'milvus.example.net', '10.9.8.7'],
	allows: new Set(),
};

/** What stood in a crash, and what may be told of it. */
const told: readonly (readonly [string, string])[] = [
	['minio.secretAccessKey=minioadmin', 'minio.secretAccessKey=<secret>'],
	['MINIO_SECRET_KEY: "a b c", next', 'MINIO_SECRET_KEY: <secret>, next'],
	['{"password":"p4ss","user":"root"}', '{"password":<secret>,"user":"root"}'],
	['{\\"secretKey\\":\\"p4ss\\",\\"user\\":\\"root\\"}', '{\\"secretKey\\":<secret>,\\"user\\":\\"root\\"}'],
	['&{AccessKeyID:a b SecretAccessKey:c d UseSSL:false}', '&{AccessKeyID:<secret> SecretAccessKey:<secret> UseSSL:false}'],
	['password=a,user=root', 'password=<secret>,user=root'],
	['password="" token=null, sig=11', 'password=<secret> token=null, sig=11'],
	['--api-key abcdef --port 1', '--api-key <secret> --port 1'],
	['etcd://root:hunter2@etcd:2379/by-dev', 'etcd://<user>@etcd:2379/by-dev'],
	['open root:hunter2@tcp(db:3306)/meta', 'open <user>@tcp(db:3306)/meta'],
	['Authorization: Bearer abcdefgh12345678', 'Authorization: <secret>'],
	['got Bearer abcdefgh12345678', 'got Bearer <secret>'],
	['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', '<secret>'],
	['key AKIAIOSFODNN7EXAMPLE used', 'key <secret> used'],
	['dial tcp 10.244.0.17:2379: refused', 'dial tcp <address>:2379: refused'],
	['from fe80::1ff:fe23:4567:890a port', 'from <address> port'],
	['on worker-7 and worker-7.example.internal', 'on <node> and <node>'],
	['on rack-3, milvus 10', 'on <node>, milvus 10'],
	['mail jane.doe@example.com', 'mail <mail>'],
	['/home/jane/milvus/core.cc:12', '/home/<user>/milvus/core.cc:12'],
	['-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----', '<private key>'],
	['a'.repeat(40) + '1'.repeat(40), '<code>'],
];

test.for(told)('%s is told as %s', ([text, expected]) => {
	expect(redacted(text, strict)).toBe(expected);
});

/** What must not be told is `HIDDEN1` in each of them. */
const secrets: Readonly<Record<string, readonly string[]>> = {
	'JSON, also in strings': [
		'{"password":"a\\"b HIDDEN1"}',
		'{\\"secretAccessKey\\":\\"HIDDEN1\\"}',
		'msg="{\\"accessKeyID\\": \\"HIDDEN1\\"}"',
		'"{\\\\\\"password\\\\\\":\\\\\\"a HIDDEN1\\\\\\"}"',
		'\\u0022password\\u0022:\\u0022HIDDEN1\\u0022',
	],
	'addresses with a user': [
		'root:HIDDEN1@tcp(mysql.prod:3306)/milvus',
		'minioadmin:HIDDEN1@minio:9000',
		'root:a/b@HIDDEN1@tcp(mysql:3306)/x',
		'etcd://root:HIDDEN1',
		'redis://:HIDDEN1@h',
		's3://minio:a/HIDDEN1@bucket',
		'mysql://root:12/HIDDEN1@db:3306',
		'mongodb://root:a"HIDDEN1@h',
		"mongodb://root:a'HIDDEN1@h",
		'http://user:a HIDDEN1@h',
		'http://h:9000/?token=a@HIDDEN1',
	],
	'values with quotes': [
		'Password: "unterminated HIDDEN1',
		"password='it\\'s HIDDEN1'",
		"password='it''s HIDDEN1'",
		'password="a"b HIDDEN1"',
		'password=`a HIDDEN1`',
		'["password"="a HIDDEN1"]',
		'[password="a]b HIDDEN1"]',
	],
	'values with spaces, commas and brackets': [
		'{Username:root Password:my HIDDEN1 pass}',
		'{Username:root Password:a}HIDDEN1 UseSSL:false}',
		...[...',;&)}|'].map((character) => `password=my${character}HIDDEN1`),
		'passwords: [a, HIDDEN1]',
		'Password: [83 69 HIDDEN1 82]',
		'Password:[]uint8{0x1, HIDDEN1}',
		'password: |\n  a\n  HIDDEN1\nnext: b',
		'password: |\\n  a\\n  HIDDEN1',
	],
	operators: [
		'password := HIDDEN1',
		'password == HIDDEN1',
		"'password' => 'HIDDEN1'",
		'password=\nHIDDEN1',
		'password：HIDDEN1',
		'password is HIDDEN1',
		'Password:(string) (len=7) "HIDDEN1"',
		'password%3DHIDDEN1',
		'--etcd.auth.password HIDDEN1',
		'--etcd.auth.password "a HIDDEN1"',
	],
	headers: [
		'Authorization: Digest username="a", realm="b", response="HIDDEN1"',
		'Authorization: token HIDDEN1',
		'authorization=Bearer HIDDEN1',
		'x-token: Basic HIDDEN1',
		'{"Authorization":["Digest a HIDDEN1"]}',
		'Authorization: AWS4-HMAC-SHA256 Credential=X/1, SignedHeaders=host, Signature=HIDDEN1',
		'map[authorization:[Basic HIDDEN1]]',
		'Cookie: a=1; sid=HIDDEN1; b=2',
	],
	names: [
		...[
			'passwords',
			'password1',
			'token_value',
			'client_secret_v2',
			'AccessKeyValue',
			'password_hash',
			'private_key',
			'privateKey',
			'private-key',
		],
		...[
			'encryption_key',
			'signing-key',
			'AccountKey',
			'sig',
			'signature',
			'ak',
			'sk',
			'MINIO_ROOT_USER',
			'AWS_SECRET_ACCESS_KEY',
			'x-api-key',
		],
		...['saslPassword', 'accessKeySecret', 'secretAccessKeyID', 'X-Amz-Credential', '密码', 'session_id'],
	].flatMap((name) => [`${name}=HIDDEN1`, `a.${name}: HIDDEN1`]),
	pairs: [
		'&KeyValuePair{Key:password,Value:HIDDEN1,}',
		'"key": "password", "value": "HIDDEN1"',
		'{\\"key\\":\\"password\\",\\"value\\":\\"HIDDEN1\\"}',
		'- name: MINIO_SECRET_KEY\n  value: "a HIDDEN1"',
		'<password>a HIDDEN1</password>',
		'[]string{"password", "HIDDEN1"}',
	],
	'several in a line': [
		'password:x,token: HIDDEN1',
		'password= token: HIDDEN1',
		'password=x\ntoken: HIDDEN1',
		'password="",token="HIDDEN1"',
	],
	'what stands behind an escape': [
		'a\npassword: HIDDEN1',
		'a\ttoken=HIDDEN1',
		'a\\ntoken: HIDDEN1',
		'password=x\\r\\ntoken: HIDDEN1',
		'\x1b[31mtoken=HIDDEN1\x1b[0m',
		'a\nBearer HIDDEN1abcdef',
	],
};

test.for(Object.entries(secrets).flatMap(([family, texts]) => texts.map((text) => [family, text] as const)))(
	'no secret is told: %s: %s',
	([, text]) => {
		expect(text).toContain('HIDDEN1');
		expect(redacted(text, strict)).not.toContain('HIDDEN1');
		expect(redacted(printable(text), strict)).not.toContain('HIDDEN1');
	},
);

const bare = [
	'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
	'd41d8cd98f00b204e9800998ecf8427e.AbCdEfGhIjKlMnOp',
	'AKIAIOSFODNN7EXAMPLE',
	'AROAIOSFODNN7EXAMPLE',
	'STS.NUgYrLnoC37mZZCNnAbez',
	'AIzaSyD-1234567890abcdefghijklmnopqrstuv',
	'AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE',
	'ya29.a0AfH6SMBxxxxxxxxxxx',
	'hf_abcdefghijklmnopqrstuvwx',
	'eyJhbGciOiJIUzI1NiJ9',
	'aB3-_'.repeat(20),
	'aBcDeFgH'.repeat(10),
];

test.for(bare)('a secret is known by its form: %s', (text) => {
	for (const around of [text, `got ${text} end`, `a\n${text}`, `a\\n${text}\\n`, `"${text}"`, `(${text})`, `x=${text},`])
		expect(redacted(around, strict)).not.toContain(text.slice(5, 15));
});

const addresses: readonly (readonly [string, string])[] = [
	['addr=10.0.0.5.', 'addr=<address>.'],
	['10.0.0.5:19530->10.0.0.6:33000', '<address>:19530-><address>:33000'],
	['node_10.0.0.5', 'node_<address>'],
	['10.0.0.5_10.0.0.6', '<address>_<address>'],
	['a\\t10.0.0.5:80', 'a\\t<address>:80'],
	['\\x1b[31m10.0.0.5\\x1b[0m', '\\x1b[31m<address>\\x1b[0m'],
	['ip-10-0-0-5.ec2.internal', '<address>.ec2.internal'],
	['10-0-0-5.milvus.svc', '<address>.milvus.svc'],
	['[2001:db8::1]:2379', '[<address>]:2379'],
	['2001:db8:0:0:0:0:0:1:2379', '<address>:2379'],
	['addr 2001:db8::1.', 'addr <address>.'],
	['addr 2001:db8::1: refused', 'addr <address>: refused'],
	['addr:2001:db8::1', 'addr:<address>'],
	['interface:2001:db8::1', 'interface:<address>'],
	['2001:db8::1:failed', '<address>:failed'],
	['\\x09fe80::1%eth0', '\\x09<address>%eth0'],
	['fdaa::', '<address>'],
	['dead:beef::', '<address>'],
	['abcd:ef::fade', '<address>'],
	['::ffff:10.0.0.5', '::ffff:<address>'],
	['00:1a:2b:3c:4d:5e', '<address>'],
	['a\\nworker-7 and x_worker-7', 'a\\n<node> and x_<node>'],
];

test.for(addresses)('the address %s is told as %s', ([text, expected]) => {
	expect(redacted(text, strict)).toBe(expected);
});

const untouched = [
	'milvus::segcore::SegmentSealedImpl::LoadIndex(milvus::segcore::LoadIndexInfo const&)',
	'github.com/milvus-io/milvus/internal/querynodev2.(*QueryNode).Start at querynode.go:312',
	'google.golang.org/grpc@v1.71.0/server.go:12',
	'memcpy@@GLIBC_2.14 memcpy@GLIBC_2.2.5 std::foo@plt',
	'_ZN6milvus7segcore20SegmentSealedImplLoadFieldDataERKNS_13LoadFieldDataInfoE1234567',
	'TestQueryNodeSegmentLoaderLoadIndexWithMmapEnabledAndDiskIndexV2Suite',
	'panic: runtime error: index out of range [5] with length 3',
	'[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x0]',
	'std::__1::pair<a::b, c::d> std::string operator()',
	'c10::Tensor c10::d abs::a1::b fade::beef dead::beef(int)',
	'milvus::Token::text Auth::Verify(std::string const&) crypto::Password::Check',
	'fault at 0x7f00deadbeef, build-id 8f3c2a1b9d',
	`build-id ${'8f3c'.repeat(10)}, v1:${'0a1b'.repeat(16)}, milvusdb/milvus:v2.6.15@sha256:${'ab12'.repeat(16)}`,
	'rip=0x7f0000002000',
	'my-release-milvus-querynode-6c5d8b7f9-x2x7k',
	'tokenizer failed: bad passage, unexpected token at position 3, token id 17, password is incorrect',
	'key=3 value=7 segmentID=449 collection_key=pk partition_key: 4 max_tokens=4096 bypass=true',
	'http://minio:9000/bucket http://[::]:9091 dial tcp: lookup etcd: no such host',
	'v2.3.5 at 2026-11-23T06:25:58.123Z, libssl.so.1.2.3.4',
];

test.for(untouched)('%s stays as it is', (text) => {
	expect(redacted(text, strict)).toBe(text);
});

test('addresses and names of nodes are told where that is allowed', () => {
	const text = 'worker-7 at 10.244.0.17';
	expect(redacted(text, { ...strict, allows: new Set(['addresses']) })).toBe('<node> at 10.244.0.17');
	expect(redacted(text, { ...strict, allows: new Set(['nodeNames']) })).toBe('worker-7 at <address>');
});

const repeated = [
	...[
		'1',
		'a',
		'-',
		'_',
		':',
		'.',
		' ',
		'"',
		'\\',
		'[',
		'\\n',
		'a.',
		'a+',
		'a/',
		'a:',
		'1.',
		'1-',
		'a@',
		'aB3',
		'://',
		'/home/',
		'-----BEGIN ',
		'AKIA.',
		'eyJ-',
	],
	...[
		'bearer ',
		'password',
		'password ',
		'password:',
		'password:x ',
		'password="',
		"password='",
		'password=[',
		'password=a,',
		'<password>',
		'-token ',
	],
];

test.for(repeated)('a hostile text of nothing but "%s" is done', (part) => {
	for (const [start, end] of [
		['', '}'],
		['password=', 'x'],
		['://a:', '@'],
	]) {
		expect(redacted(start + part.repeat(100_000 / part.length) + end, strict)).toBeTypeOf('string');
	}
});
