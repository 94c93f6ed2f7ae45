const wholeText = /("(?:[^"\\]|\\.)*")\s*(:?)|[{}[\]]/g;

/**
 * JSON in which no object names a member twice; undefined for anything else. Two readers may keep different ones of two
 * (RFC 8259 §4), so that what one has checked another would not act on; RFC 7515 §4 lets a reader of tokens refuse them.
 */
export function strictJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return namesTwice(text) ? undefined : value;
  } catch {
    return undefined;
  }
}

/** @param text valid JSON. */
function namesTwice(text: string): boolean {
  const open: Set<string>[] = [];
  for (const [token, quoted, colon] of text.matchAll(wholeText)) {
    if (quoted !== undefined) {
      if (colon !== ":") continue;
      // Spelled with or without escapes, a name is the same.
      const name = JSON.parse(quoted) as string;
      const names = open.at(-1);
      if (names === undefined || names.has(name)) return true;
      names.add(name);
    } else if (token === "{" || token === "[") open.push(new Set());
    else open.pop();
  }
  return false;
}
