const wholeText = /("(?:[^"\\]|\\.)*")\s*(:?)|[{}[\],]/g;

/**
 * JSON in which no object names a member twice; undefined for anything else. Two readers may keep different ones of two
 * (RFC 8259 §4), so that what one has checked another would not act on; RFC 7515 §4 lets a reader of tokens refuse them.
 */
export function strictJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return namedTwice(text, 1).length > 0 ? undefined : value;
  } catch {
    return undefined;
  }
}

/** An object's names and the one that it is at, or a list's place. */
type Open = { readonly names: Set<string>; at: string } | { readonly names: null; at: number };

/**
 * Where members stand that their object has named before, each as the way to it: the first ones, `max` at most.
 * @param text valid JSON.
 */
export function namedTwice(text: string, max: number): (readonly (string | number)[])[] {
  const open: Open[] = [];
  const found: (readonly (string | number)[])[] = [];
  for (const [token, quoted, colon] of text.matchAll(wholeText)) {
    const inner = open.at(-1);
    if (token === "{") open.push({ names: new Set(), at: "" });
    else if (token === "[") open.push({ names: null, at: 0 });
    else if (token === "}" || token === "]") open.pop();
    else if (token === ",") {
      if (inner?.names === null) inner.at += 1;
    } else if (quoted !== undefined && colon === ":" && inner?.names instanceof Set) {
      // Spelled with or without escapes, a name is the same.
      const name = JSON.parse(quoted) as string;
      inner.at = name;
      if (inner.names.has(name)) found.push(open.map(({ at }) => at));
      if (found.length >= max) break;
      inner.names.add(name);
    }
  }
  return found;
}
