/** Where the agent's container has the machine's files. */
const mount = '/host';

/**
 * What stands before the paths of the machine: `/host` in the agent's container, nothing on the machine itself.
 *
 * @param configured the path of something of the machine, as the configuration has it
 */
export const hostRoot = (configured: string): string => (configured.startsWith(`${mount}/`) ? mount : '');

/** The path on the machine itself. */
export const pathOnHost = (configured: string): string => configured.slice(hostRoot(configured).length);

/** The same path as it is on the other side: in the container for one of the machine, and the reverse. */
export const otherSide = (configured: string): string => (hostRoot(configured) === '' ? mount + configured : pathOnHost(configured));
