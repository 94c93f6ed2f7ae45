/** What a subcommand may touch: given by the entry, so that a test can run it without a process. */
export interface CommandIo {
  readonly lines: AsyncIterable<string>;
  /** The same input, unread, for a command that takes files. */
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
}

/** Answers the exit code: 0 done, 1 something in the input was wrong, 2 the command was used wrongly. */
export type Command = (args: readonly string[], io: CommandIo) => Promise<number>;

export interface CommandEntry {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly run: Command }>;
}
