/** An object of the API, by name. */
export type ObjectName = { readonly apiVersion: string; readonly kind: string; readonly namespace?: string; readonly name: string };

/** What goes with an instance, and what stays when it has gone. */
export type Contents =
	| {
			readonly is: 'known';
			readonly goes: readonly ObjectName[];
			readonly stays: readonly (ObjectName & { readonly why: string })[];
			readonly volumes: readonly Volume[];
	  }
	| { readonly is: 'unknown'; readonly reason: string };

/** A PersistentVolumeClaim. */
export type Volume = { readonly namespace: string; readonly name: string; readonly isLost: boolean; readonly why: string };
