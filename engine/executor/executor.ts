// The port to whatever runs user code. It knows images, commands and directories on this host, and nothing of
// datums, commits or repos.

/** An image as it will be run: what the user wrote, and the name under which its content never changes. */
export interface ResolvedImage {
  /** As in the spec, `pachyderm/iris-train:python-svm`. */
  readonly reference: string;
  /** Digest (`sha256:…`) where a registry knows the image, else the local image id; what provenance records. */
  readonly digest: string;
  /** What the executor runs: the local image id. */
  readonly id: string;
  /** False where the image has no `/bin/sh`: every run then gets a container of its own. */
  readonly hasShell: boolean;
}

/** A way to a port of a running command. */
export interface PortAddress {
  readonly host: string;
  readonly port: number;
  /**
   * Whether connections go to the command itself, so that one is refused while nobody listens. Through a go-between they
   * are taken, and closed at once.
   */
  readonly direct: boolean;
}

/** What stands in place of a digest where the image was ignored and the command ran with the machine's own programs. */
export const HOST_DIGEST = 'host:image-ignored';

export interface ResourceLimits {
  /** CPUs, a fraction allowed. Clamped to what the host has. */
  readonly cpu?: number;
  readonly memoryBytes?: number;
  readonly gpus?: number;
  /** Of what a command has in its output directory at a time. Kept by whoever looks into that, not by the executor. */
  readonly diskBytes?: number;
}

/** A directory that user code sees read-only, with the values of secrets as its files. */
export interface SecretDirectory {
  /** Absolute, in the container. */
  readonly path: string;
  /** By name, without slashes. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** What a registry asks of who pulls. */
export interface RegistryLogin {
  /** As images name it, `registry.example.com:5000`; Docker Hub is `docker.io`. */
  readonly registry: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
}

export interface ResolveOptions {
  /** Gets what there is to say while an image is pulled. */
  readonly onProgress?: (line: string) => void;
  readonly signal?: AbortSignal;
  /** Tried before those of the user's own configuration. */
  readonly logins?: readonly RegistryLogin[];
}

/** The machine on which commands run, which need not be this one. */
export interface MachineCapacity {
  readonly cpus: number;
  readonly memoryBytes: number;
}

export interface WorkerSpec {
  readonly image: ResolvedImage;
  /** Marks the containers of this pipeline, for people and for the sweep; user labels included. */
  readonly labels: Readonly<Record<string, string>>;
  /** A short, readable name for the container; the executor makes it unique. */
  readonly name: string;
  /** The user code's user, `name`, `uid` or `uid:gid`; the image's own where undefined. */
  readonly user?: string;
  readonly limits: ResourceLimits;
  /** None below `/pfs`. */
  readonly mounts?: readonly DirectoryMount[];
  /** Keeps `/tmp` in memory, where it counts towards the limit. */
  readonly memoryScratch?: boolean;
  /** False: its commands reach nothing but themselves. */
  readonly hasNetwork?: boolean;
  readonly secrets?: readonly SecretDirectory[];
  /**
   * Give every command a container of its own, in which it is the first process. For commands that run for as long as they
   * can: nothing of ours stands between them and their signals.
   */
  readonly alone?: boolean;
  /** A TCP port on which a command listens, where it runs alone: {@link RunSpec.onStarted} says how it is reached. */
  readonly port?: number;
  /**
   * Host directory shown read-only at `/pfs`: absolute, and the caller's to fill between runs. Made by `startWorker` where
   * absent, with an empty `out` in it that must stay (the mount point of the output). What the caller puts in must be
   * readable by any user: directories 0755, files 0644 or 0755.
   */
  readonly inputDirectory: string;
  /**
   * Host directory shown writable at `/pfs/out`: absolute, outside `inputDirectory`. Made by `startWorker` where absent, and
   * given mode 0777, so the directory above both should be 0700. The caller empties it after each run.
   */
  readonly outputDirectory: string;
}

/** A directory of this host that user code sees read-only, over what the image has there. */
export interface DirectoryMount {
  /** Absolute, on this host. */
  readonly source: string;
  /** Absolute, in the container. */
  readonly target: string;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A command with somebody at the other end. */
export interface AttachSpec {
  /** argv; empty: a shell. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Inside the container; the image's own where undefined. */
  readonly workingDirectory?: string;
  /** Gives it a terminal, on which all output is one stream. `type` is what `TERM` says. */
  readonly terminal?: TerminalSize & { readonly type: string };
  /** A promise it returns is awaited before more is read. */
  readonly onOutput: (chunk: Buffer, stream: 'stdout' | 'stderr') => void | Promise<void>;
}

/** A command that was attached to. Stopping its worker ends it. */
export interface Attached {
  /** Its exit code. Rejects with `unavailable` where it can't be told, and with what `onOutput` threw. */
  readonly exited: Promise<number>;
  /** Feeds its standard input; resolves when more may be written. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends its standard input. */
  end(): void;
  resize(size: TerminalSize): Promise<void>;
}

/** One command to run to its end. */
export interface RunSpec {
  /** argv; no shell is implied. Empty: the image's own entrypoint and command. */
  readonly command: readonly string[];
  /** Fed to the command's standard input, which is empty where this is undefined. */
  readonly stdin?: string;
  /** Added to, and winning over, the image's environment. Names may hold any character but `=` and NUL. */
  readonly env: Readonly<Record<string, string>>;
  /** Inside the container; the image's own where undefined. */
  readonly workingDirectory?: string;
  readonly timeoutMs?: number;
  /**
   * The command calls `pfs next-datum` for each piece of work, and this run is one piece. A command that waits for the next one
   * gets it: then `command`, `stdin` and `workingDirectory` are those of its start, and `env` is in a file that it can read.
   */
  readonly takesDatums?: boolean;
  /**
   * Gets what the command prints, standard output and error in one order, in chunks as they come. A promise it
   * returns is awaited before more is read.
   */
  readonly onOutput: (chunk: Buffer) => void | Promise<void>;
  readonly signal?: AbortSignal;
  /**
   * Of a command that runs alone: how long it has, once the signal aborted and it was told to end (SIGTERM), before it is
   * killed. Asked then.
   */
  readonly graceMs?: () => number;
  /**
   * Called when a command that runs alone has begun, with the ways to its port, the best first; none where there is no
   * port, or no way to it from here.
   */
  readonly onStarted?: (addresses: readonly PortAddress[]) => void;
}

/** How a command ended. Whatever the command started is gone by then, or stopped where it waits for more work. A program that is not there exits with 127. */
export type RunResult =
  | { readonly kind: 'exited'; readonly code: number }
  /** It is done with this piece of work and waits for the next; `error` is what it said was wrong, empty for nothing. */
  | { readonly kind: 'asked'; readonly error: string }
  /** It ended before it asked for the first piece. */
  | { readonly kind: 'never_asked'; readonly code: number }
  | { readonly kind: 'timed_out' }
  /**
   * The container died under the command, or the kernel killed a process of it for memory and the command did not
   * exit with 0. The worker is gone: stop it and start another.
   */
  | { readonly kind: 'lost'; readonly reason: string; readonly outOfMemory: boolean };

/** A place where commands of one pipeline run, one at a time, kept warm between them. */
export interface Worker {
  readonly id: string;
  /** Its commands see the host's input directory itself, pipes included, and not a copy made when they start. */
  readonly sharesInputs: boolean;
  /**
   * Runs one command. It finds `/pfs/out` and the temporary directories empty. Afterwards, the output directory on
   * the host holds what it wrote, and nothing it started is left. What it wrote is readable by the engine's user unless the
   * command took care that it isn't: on EACCES call `takeOver`. Rejects with `cancelled` when the signal aborts or the
   * worker is stopped (the command is killed first), with `unavailable` when the worker can no longer run anything: stop it
   * and start another, with `invalid` where the command can't be run or its outputs can't be taken, and with what
   * `onOutput` threw.
   */
  run(spec: RunSpec): Promise<RunResult>;
  /**
   * Ends a command that waits for more work: there is none for now. Such a command otherwise stays until another is run. Absent
   * where commands never wait.
   */
  settle?(): Promise<void>;
  /**
   * Makes everything below the host's output directory removable and readable by the engine's user, where the
   * command left it otherwise, as any user. Works on a worker that was lost, too. Call it between runs only.
   */
  takeOver(): Promise<void>;
  /**
   * Starts a command with somebody at the other end, in the same surroundings, while no other runs. Nothing is cleaned up
   * before or after it: use the worker for nothing else, and stop it.
   */
  attach(spec: AttachSpec): Promise<Attached>;
  /** Ends the worker and removes its container. Safe to call twice. */
  stop(): Promise<void>;
}

export interface ExecutorHealth {
  readonly ok: boolean;
  /** One line each: versions, how data moves, and for what is wrong, the remedy. */
  readonly notes: readonly string[];
}

/** A place where commands reach the engine. */
export interface EngineHost {
  /** An address of this machine. */
  readonly listen: string;
  /** The same, as commands see it. */
  readonly host: string;
}

export interface Executor {
  readonly kind: 'docker' | 'process';
  /** Looks for the engine behind this executor, and at how binds behave there. Never rejects. */
  probe(): Promise<ExecutorHealth>;
  /** Returns what the machine has on which commands run. Rejects with `unavailable` when that can't be told now. */
  capacity(): Promise<MachineCapacity>;
  /**
   * Finds an image: one on this machine wins, otherwise it is pulled. Rejects with `not_found` when no registry has
   * it, `unavailable` when the executor or the registry cannot be reached: both may heal.
   */
  resolveImage(reference: string, options?: ResolveOptions): Promise<ResolvedImage>;
  startWorker(spec: WorkerSpec, options?: { signal?: AbortSignal }): Promise<Worker>;
  /**
   * Returns where the engine must listen so that commands reach it, and what they call that place. Rejects with
   * `failed_precondition` where there is no such place.
   */
  engineHost(): Promise<EngineHost>;
  /** Removes what earlier engines of this instance id left behind when they died. No two of them run at a time. */
  sweep(): Promise<void>;
  /** Makes everything below a directory of this user removable, whatever containers that are gone left there. */
  reclaim(directory: string, options?: { readonly only?: string }): Promise<void>;
  /** Stops all workers, busy ones too. No worker starts afterwards. */
  close(): Promise<void>;
}
