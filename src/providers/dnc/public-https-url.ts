/**
 * Whether an address that a customer typed may be sent a credential: https on its usual port, a public-looking name, no
 * user-info. The URL parser has already turned every spelling of an IPv4 address into dotted decimals. Workers offer no
 * pinning of name resolution, so this keeps out what can be told from the text alone.
 */
export function isPublicHttpsUrl(text: string): boolean {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return false;
  }
  if (url.protocol !== "https:" || url.port !== "" || url.username !== "" || url.password !== "") return false;
  if (url.search !== "" || url.hash !== "") return false;
  const labels = url.hostname.split(".");
  if (labels.length < 2 || labels.some((label) => label === "")) return false;
  if (url.hostname.includes(":") || url.hostname.startsWith("[")) return false;
  const last = labels.at(-1) ?? "";
  // A top-level name has a letter: what has none is an address.
  return (
    /[a-z]/.test(last) &&
    !["localhost", "local", "internal", "test", "invalid", "example", "home", "lan", "onion", "arpa"].includes(last)
  );
}
