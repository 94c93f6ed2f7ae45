const text = new TextEncoder();

/**
 * Whether two texts are the same, in a time that tells neither where they differ nor how long the secret one is:
 * both are reduced to 32 bytes first.
 */
export async function sameText(one: string, other: string): Promise<boolean> {
  const [left, right] = await Promise.all([one, other].map((value) => crypto.subtle.digest("SHA-256", text.encode(value))));
  if (left === undefined || right === undefined) return false;
  const [a, b] = [new Uint8Array(left), new Uint8Array(right)];
  let difference = 0;
  for (let at = 0; at < 32; at += 1) difference |= (a[at] ?? 0) ^ (b[at] ?? 0xff);
  return difference === 0;
}
