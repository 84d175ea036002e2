/** Where questions go, and how that is told. */
export type Address = { readonly url: string /** Without what stands behind `?`. */; readonly shown: string };

/**
 * @param baseURL the address itself, or what stands before `/chat/completions`; without a path also before `/v1`
 * @returns what is wrong with it, in words that do not repeat what may be secret in it
 */
export function addressOf(baseURL: string): Address | { readonly problem: string } {
	if (!URL.canParse(baseURL)) return { problem: 'it is no address' };
	const url = new URL(baseURL);
	if (url.protocol !== 'https:' && url.protocol !== 'http:') return { problem: `it begins with ${url.protocol}//, and not with https://` };
	if (url.username !== '' || url.password !== '')
		return { problem: 'user and password in it are not used; the key stands in apiKey or apiKeyFile' };
	const path = url.pathname.replace(/\/+$/, '');
	if (!path.endsWith(ending)) url.pathname = `${path === '' ? '/v1' : path}${ending}`;
	return { url: url.href, shown: `${url.origin}${url.pathname}` };
}

const ending = '/chat/completions';
