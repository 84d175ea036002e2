import { withoutNamedSecrets } from './named-secrets.ts';

/** What must not leave the cluster, and what stands there instead. */
type Rule = { readonly id: string; readonly pattern: RegExp; readonly by: string | ((found: string, ...groups: string[]) => string) };

const privateKey = /-{0,5}BEGIN [A-Z ]{0,40}PRIVATE KEY[\s\S]*?(?:-{1,5}END [A-Z ]{0,40}PRIVATE KEY-{0,5}|$)/g;
/** A number after a colon that ends there. */
const port = String.raw`\d{1,5}(?![^\s/?#,;)\]}"'>\\])`;

/** Known by their form. In this order: a rule sees what those before it have left. Repetitions have a limit, so that no text takes long. */
const rules: readonly Rule[] = [
	{ id: 'user in an address', pattern: /(:\/\/)\S{0,512}@/g, by: '$1<user>@' },
	{ id: 'user and a password with spaces', pattern: new RegExp(`(://)[^\\s:/@]{0,64}:(?!${port})[^@\\n]{1,64}@`, 'g'), by: '$1<user>@' },
	{ id: 'user in an address that is cut', pattern: new RegExp(`(://)[^\\s:/@"'[\\]<]{0,64}:(?!${port})\\S+`, 'g'), by: '$1<user>' },
	// Neither an image with its digest, nor a module of Go or symbol with its version.
	{
		id: 'user without a scheme',
		pattern: /(?<![\w.%:/-])[\w.%-]{1,64}:(?!:|\/\/|\w{1,20}:\/\/)\S{1,128}@(?!sha\d{3}:|v\d|@|plt\b|[A-Z]{3,}_\d)(?=[\w.[(-])/g,
		by: '<user>@',
	},
	{ id: 'bearer token', pattern: /\b(bearer)\s{1,8}\S{6,}/gi, by: '$1 <secret>' },
	{ id: 'scheme of HTTP', pattern: /\b([Bb]asic|[Dd]igest)\s{1,8}(?=[^\sA-Z\d=]{0,100}[A-Z\d=])[\w+/.~=-]{8,}/g, by: '$1 <secret>' },
	{ id: 'web token', pattern: /(?<![A-Za-z\d])eyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g, by: '<secret>' },
	{
		id: 'key of a cloud',
		pattern:
			/(?<![A-Za-z\d])(?:(?:AKIA|ASIA|AROA|AIDA|LTAI|AKID|AIza|ya29\.|STS\.|gh[opsur]_|github_pat_|glpat-|xox[abeprs]-|sk-)[\w.-]{10,}|hf_[A-Za-z\d]{16,})/g,
		by: '<secret>',
	},
	{ id: 'key of GLM', pattern: /(?<![A-Za-z\d])[\da-f]{32}\.[A-Za-z\d]{16}(?![A-Za-z\d])/g, by: '<secret>' },
	{
		id: 'secret key of AWS',
		pattern: /(?<![\w+/.-])(?=[^\d\s]{0,40}\d)(?=[^A-Z\s]{0,40}[A-Z])(?=[^a-z\s]{0,40}[a-z])[A-Za-z\d+/]{40}(?![\w+/=-]|\.\w)/g,
		by: (found) => (changes(found) >= found.length / 3 ? '<secret>' : found),
	},
	{ id: 'hook of a chat', pattern: /(hooks\.slack\.com\/services\/)\S+/g, by: '$1<secret>' },
	{
		id: 'mail address',
		pattern: /[\p{L}\p{N}_.+-]{1,64}@(?!v\d|[A-Z]{3,}_\d)[\p{L}\p{N}_-]{1,63}(?:\.[\p{L}\p{N}_-]{1,63}){1,8}/gu,
		by: '<mail>',
	},
	{ id: 'user folder', pattern: /([\\/](?:home|Users)[\\/]{1,4})[^\\/\s]+/g, by: '$1<user>' },
	{ id: 'long code', pattern: /(?<!sha256:|v\d:)(?<![\w+/-])[\w+/-]{64,}={0,2}/g, by: (found) => (isCode(found) ? '<code>' : found) },
];

/** The same text without secrets: values by their names first, then what has the form of one. */
export function withoutSecrets(text: string): string {
	const named = withoutNamedSecrets(text.replace(privateKey, '<private key>'));
	return rules.reduce((rest, { pattern, by }) => (typeof by === 'string' ? rest.replace(pattern, by) : rest.replace(pattern, by)), named);
}

/** Whether so long a word is bytes in letters; names of functions and paths have few numbers, and few changes between small letters, capitals and numbers. */
function isCode(word: string): boolean {
	if (/^_{1,3}Z/.test(word)) return false;
	const digits = word.replace(/\D/g, '').length;
	return changes(word) >= word.length * 0.45 || (digits >= word.length / 8 && /[A-Za-z]/.test(word));
}

function changes(word: string): number {
	const kinds = word
		.replace(/[^A-Za-z\d]/g, '')
		.replace(/[a-z]/g, 'a')
		.replace(/[A-Z]/g, 'A')
		.replace(/\d/g, '0');
	return kinds.replace(/(.)\1+/g, '$1').length;
}
