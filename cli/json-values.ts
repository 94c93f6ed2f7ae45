/** One JSON value of a file, and the line on which it begins. Undefined: what stands there is none. */
export interface JsonValue {
  readonly line: number;
  readonly value: unknown;
}

/** Far more than a page of entries, and less than a string may hold. */
const charactersMax = 256 * 1024 * 1024;

/**
 * The JSON values that stand one after the other: JSON lines, a document over many lines, or documents that were written
 * behind each other, as pages are. Ends with the first that is none.
 */
export async function* jsonValues(lines: AsyncIterable<string>): AsyncGenerator<JsonValue> {
  let number = 0;
  let begins = 0;
  const open = new OpenValue();
  for await (const line of lines) {
    number++;
    if (open.isEmpty) {
      begins = number;
      // JSON lines are each whole: nothing has to be searched.
      const value = parsed(line);
      if (value !== undefined) yield { line: number, value };
      if (value !== undefined || line.trim() === "") continue;
    }
    for (const text of open.take(line)) {
      const value = parsed(text);
      yield { line: begins, value };
      if (value === undefined) return;
      begins = number;
    }
    if (open.isBroken) return yield { line: begins, value: undefined };
  }
  if (!open.isEmpty) yield { line: begins, value: undefined };
}

/** What has been read of a value that is not closed yet. */
class OpenValue {
  #parts: string[] = [];
  #characters = 0;
  #depth = 0;
  #isQuoted = false;

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }
  /** Something stands outside of any value, or one has no end. */
  get isBroken(): boolean {
    return this.#depth < 0 || (this.#depth === 0 && !this.isEmpty) || this.#characters > charactersMax;
  }

  /** The texts of the values that end on this line. */
  take(line: string): string[] {
    const ended: string[] = [];
    let from = 0;
    for (let at = 0; at < line.length; at++) {
      const character = line[at];
      if (this.#isQuoted) {
        if (character === "\\") at++;
        else if (character === '"') this.#isQuoted = false;
      } else if (character === '"') this.#isQuoted = true;
      else if (character === "{" || character === "[") this.#depth++;
      else if ((character === "}" || character === "]") && --this.#depth === 0) {
        ended.push([...this.#parts, line.slice(from, at + 1)].join("\n"));
        from = at + 1;
        this.#parts = [];
        this.#characters = 0;
      }
    }
    const rest = line.slice(from);
    if (!this.isEmpty || rest.trim() !== "") this.#parts.push(rest);
    this.#characters += rest.length;
    return ended;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
