/** What an isolate remembers, as long as there is room. It lets nobody in. */
export interface IsolateMemory {
  has(text: string): boolean;
  keep(text: string): void;
  forget(text: string): void;
}

const textsMax = 10_000;

/** What a worker holds for as long as it lives. The oldest goes first. */
export function isolateMemory(): IsolateMemory {
  const kept = new Set<string>();
  return {
    has: (text) => kept.has(text),
    keep(text) {
      kept.delete(text);
      for (const oldest of kept) if (kept.size >= textsMax) kept.delete(oldest);
      kept.add(text);
    },
    forget: (text) => void kept.delete(text),
  };
}
