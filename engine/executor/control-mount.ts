/** Where the container sees the directory that user code reads and never changes; no listing of files shows it. */
export const CONTROL_MOUNT = '/dev/pfs';
