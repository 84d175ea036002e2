/** Where files are asked for, and how that is told. */
export type Address = {
	/** Without user name and password. */
	readonly url: URL;
	readonly headers: Readonly<Record<string, string>>;
	/** Without what may be secret: user name, password, and what stands behind `?`. */
	readonly shown: string;
};

/** @param text an address that begins with http:// or https:// */
export function addressOf(text: string): Address {
	const url = new URL(text);
	const { username, password } = url;
	url.username = '';
	url.password = '';
	url.hash = '';
	url.pathname = url.pathname.replace(/\/+$/, '');
	const token = Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64');
	return {
		url,
		headers: username === '' && password === '' ? {} : { authorization: `Basic ${token}` },
		shown: `${url.origin}${url.pathname}`.replace(/\/$/, ''),
	};
}

/** What is asked for of one build. Source: debuginfod(8), WEBAPI. */
export function questionOf({ url }: Address, buildId: string, kind: 'executable' | 'debuginfo'): URL {
	const question = new URL(url);
	question.pathname = `${url.pathname.replace(/\/$/, '')}/buildid/${buildId}/${kind}`;
	return question;
}

function decoded(part: string): string {
	try {
		return decodeURIComponent(part);
	} catch {
		return part; // a % that stands for itself
	}
}
