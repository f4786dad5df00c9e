// Where the door for Git is.

export const GIT_PREFIX = '/git';
