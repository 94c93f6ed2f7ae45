/**
 * Whom an address stands for. Only `CF-Connecting-IP` is read: Cloudflare sets it itself, whatever a client sends. An IPv6
 * customer owns at least a /64 and could use another address of it for each request, so that the /64 counts as one; an
 * IPv4 address that is written as IPv6 (RFC 4291, 2.5.5.2) is the IPv4 address.
 *
 * Without a readable address all requests share one bucket: behind Cloudflare there is none without.
 */
export function clientAddress(header: string | undefined): string {
  const text = header?.trim() ?? "";
  if (isIpv4(text)) return text;
  const groups = groupsOf(text);
  if (groups === null) return unknownAddress;
  const [high = 0, low = 0] = groups.slice(6);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return [high >> 8, high & 0xff, low >> 8, low & 0xff].join(".");
  }
  return `${spelled(groups.slice(0, 4))}/64`;
}

/** The network that an address, as `clientAddress` spells it, is of: the /24 or the /48, which is what a site is given (RFC 6177). */
export function networkOf(address: string): string | null {
  if (address === unknownAddress) return null;
  if (address.includes(".")) return `${address.split(".").slice(0, 3).join(".")}.0/24`;
  const groups = groupsOf(address.slice(0, address.indexOf("/")));
  return groups === null ? null : `${spelled(groups.slice(0, 3))}/48`;
}

/** A network by its first groups, as RFC 5952 spells it. */
function spelled(groups: readonly number[]): string {
  const whole = [...groups, ...Array.from({ length: 8 - groups.length }, () => 0)];
  return new URL(`http://[${whole.map((group) => group.toString(16)).join(":")}]/`).hostname.slice(1, -1);
}

export const unknownAddress = "unknown";

// Without leading zeros, which some read as octal (RFC 6943, 3.1.1).
const decimalByte = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ipv4 = new RegExp(`^${decimalByte}(\\.${decimalByte}){3}$`);
const isIpv4 = (text: string): boolean => ipv4.test(text);

/** The eight groups of an IPv6 address in any of its spellings. The URL parser reads it (WHATWG URL, "IPv6 parser"), and spells it one way. */
function groupsOf(text: string): number[] | null {
  if (!/^[0-9a-f:.]{2,45}$/i.test(text) || !text.includes(":") || !URL.canParse(`http://[${text}]/`)) return null;
  const [before = "", after] = new URL(`http://[${text}]/`).hostname.slice(1, -1).split("::");
  const groups = (part: string) => part.split(":").flatMap((group) => (group === "" ? [] : [Number.parseInt(group, 16)]));
  if (after === undefined) return groups(before);
  const [head, tail] = [groups(before), groups(after)];
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}
