/** What came at once on a question: the head of the answer. */
export type Head =
	| {
			readonly is: 'content';
			readonly content: AsyncIterable<Uint8Array>;
			/** As it is sent, packed perhaps; absent where the server does not say. */
			readonly announcedBytes: number | undefined;
	  }
	| { readonly is: 'status'; readonly status: number }
	/** To another host, or round and round. */
	| { readonly is: 'elsewhere'; readonly host: string };

const mostRedirects = 3;
const redirects = [301, 302, 303, 307, 308];

/**
 * Asks for one file. A redirect is followed on the same host only: the user chose that one to be asked, and gave the password for it.
 *
 * @throws whatever fetch throws
 */
export async function ask(question: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Head> {
	let url = question;
	for (let followed = 0; ; followed++) {
		const response = await fetch(url, { headers, redirect: 'manual', signal });
		const { status, body } = response;
		if (status === 200) return { is: 'content', content: contentOf(response), announcedBytes: announced(response) };
		await body?.cancel();
		const location = response.headers.get('location');
		if (!redirects.includes(status) || location === null || !URL.canParse(location, url)) return { is: 'status', status };
		const next = new URL(location, url);
		if (!isSameHost(url, next) || followed === mostRedirects) return { is: 'elsewhere', host: next.host };
		url = next;
	}
}

/** With the same port; from http to https it may go, not back. */
const isSameHost = (from: URL, to: URL) =>
	from.host === to.host && (to.protocol === from.protocol || to.protocol === 'https:') && to.username === '' && to.password === '';

function announced({ headers }: Response): number | undefined {
	const length = headers.get('content-length');
	return length !== null && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

/** The answer is held until its body is being read: fetch cancels the body of one that was garbage before, and nothing would tell. */
async function* contentOf(response: Response): AsyncGenerator<Uint8Array> {
	if (response.body) yield* response.body;
}
