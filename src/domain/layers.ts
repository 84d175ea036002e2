/** The directories that make up the root of a container, by paths at which this process finds them. */
export type Layers = {
	/** What the container has written itself; absent where it can't write. */
	readonly upper?: string;
	/** Its image's, the topmost first. Nothing is ever changed in them. */
	readonly lowers: readonly string[];
};
