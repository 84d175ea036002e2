/** Bytes that stand in a kubeconfig, or in a file that may be exchanged while the program runs. */
export type Material = { readonly is: 'file'; readonly path: string } | { readonly is: 'data'; readonly bytes: Buffer };

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where an API server is, and as whom to speak with it. */
export type Target = {
	readonly server: URL;
	/** Of the context, or of the service account. */
	readonly namespace: string;
	/** `HTTPS_PROXY` and the like. */
	readonly proxies: Environment;
	/** The proxy of the kubeconfig, which those come from then. */
	readonly proxyUrl?: string;
	readonly tlsServerName?: string;
	/** Its certificate is not looked at. */
	readonly isUnverified: boolean;
	readonly authority?: Material;
	readonly user: User;
};

export type User = {
	/** For messages: `user "admin" of /root/.kube/config`. */
	readonly name: string;
	readonly certificate?: { readonly certificate: Material; readonly key: Material };
	/** One at a time; what comes first in the order of client-go counts. */
	readonly credential: Credential;
	/** `Impersonate-…`. */
	readonly impersonation: Readonly<Record<string, string | string[]>>;
};

export type Credential =
	| { readonly is: 'none' }
	| { readonly is: 'token'; readonly token: Material }
	| { readonly is: 'password'; readonly username: string; readonly password: string }
	| { readonly is: 'plugin'; readonly plugin: Plugin };

/** A program that gives credentials: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins */
export type Plugin = {
	readonly apiVersion: string;
	readonly command: string;
	readonly arguments: readonly string[];
	/** All of its environment. */
	readonly environment: Environment;
	/** What to do where it is not installed. */
	readonly installHint: string | undefined;
	/** What it is told of the cluster, where it wants to know. */
	readonly cluster: Readonly<Record<string, unknown>> | undefined;
};
