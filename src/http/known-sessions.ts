/** The sessions that the database has proved, as an isolate remembers them. It says by which counter a request is counted, and lets nobody in. */
export interface KnownSessions {
  has(hash: string): boolean;
  keep(hash: string): void;
  forget(hash: string): void;
}

const sessionsMax = 10_000;

/** What a worker holds for as long as it lives. */
export function knownSessions(): KnownSessions {
  const known = new Set<string>();
  return {
    has: (hash) => known.has(hash),
    keep(hash) {
      // Only proved sessions come in, so that nobody else can push them out. The oldest goes first.
      known.delete(hash);
      for (const oldest of known) if (known.size >= sessionsMax) known.delete(oldest);
      known.add(hash);
    },
    forget: (hash) => void known.delete(hash),
  };
}
