const stems = [
	'pass_?w[o0]rd|passwd|passphrase|pwd|(?<!by|com|sur|tres)pass|密码|密钥|口令|令牌',
	'secret|(?<!max_|min_|num_)token|credential|cookie|bearer|auth|authorization|signature|root_?user|session_?id',
	'(?:access|account|admin|api|auth|client|encrypt|encryption|hmac|license|master|private|rsa|secret|shared|sign|signing|ssh)_?key',
	'(?:^|_)(?:ak|sk|sig|psk|pw)',
].join('|');
const endings = 'v?\\d+|ids?|values?|val|hash|hashed|header|json|string|str|text|plain|raw|old|new|data|encoded|base64|b64|md5|sha\\d*|key';
const secretName = new RegExp(`(?:${stems})(?:e?s)?(?:_?(?:${endings})){0,4}$`);

/** More of a name than its last characters is not looked at. */
const longestName = 100;

/** Whether what has this name is kept secret: `minio.secretAccessKey`, `client_secret_v2`, but not `tokenizer` or `collection_key`. */
export function isSecretName(name: string): boolean {
	const words = name
		.slice(-longestName)
		.replace(/([a-z\d])(?=[A-Z])/g, '$1_')
		.replace(/[.-]/g, '_');
	return secretName.test(words.toLowerCase());
}

/** Whether all of a line that follows is its value: a header of HTTP. */
export const isSecretHeader = (name: string) => /(?:authorization|cookies?)$/i.test(name.slice(-longestName));
