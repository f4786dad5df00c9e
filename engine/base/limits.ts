// Every bound of the engine that is part of a format or a promise, in bytes unless named otherwise.

const MiB = 1024 * 1024;

/** No object of the bucket is larger, so that a plain put of a buffer is always enough. */
export const MAX_OBJECT_BYTES = 64 * MiB;
/** A pack is closed once it holds this much. */
export const TARGET_PACK_BYTES = 32 * MiB;
/** The same for chunks of large files: few requests matter more where there is much to send. */
export const TARGET_CHUNK_PACK_BYTES = 60 * MiB;
/** A file of at most this size is a Git blob; a larger one is an LFS pointer to chunks. */
export const MAX_BLOB_BYTES = 1 * MiB;
/** Files below this size are looked at for the words that mark an LFS pointer. */
export const MAX_POINTER_BYTES = 1024;
/** The longest name of one path segment, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 255;
/** The longest path, in bytes of UTF-8. */
export const MAX_PATH_BYTES = 4096;
/** The most entries of one directory. */
export const MAX_DIRECTORY_ENTRIES = 1_000_000;
