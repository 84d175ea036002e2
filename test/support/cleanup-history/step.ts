/** After each a leader may be killed, or somebody else comes in between. */
export type Step = {
	readonly takes: number;
	/** A removal: killing is tried more often here. */
	readonly isActing?: true;
};
