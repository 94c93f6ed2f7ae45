import { ok, refuse, type Result } from "./result.ts";

/** Why a text is no address that mail can be sent to. */
export type AddressFault = "not_one_at" | "too_long" | "local_part" | "domain";

/** RFC 5321 §4.5.3.1: 64 octets before the at sign, and a path of 256 with its brackets. */
const localOctetsMax = 64;
const addressOctetsMax = 254;
const domainOctetsMax = 253;

// RFC 5322's dot-atom. Quoted local parts, comments and routes are used by nobody but those who try readers.
const localPart = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i;
/** Whatever ends or leads a host inside a URL, or is read as something else there. */
const noHost = /[\s\p{C}/\\?#@:%[\]<>"'`|^{}()*+,;=!$&~_]/u;
const domainName = /^(?=.*\.)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?=[a-z])[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The one form in which an address is kept, compared and written to: trimmed, lower case, its domain in Punycode by the
 * browsers' own rules (WHATWG URL, UTS #46, which also makes it NFC). Mail goes to this form and no other, so that two
 * spellings of one address are one account, and a spelling that only looks like one is none. Local parts are ASCII: mail
 * services send to no others without SMTPUTF8, and outside ASCII lower-casing makes different letters one (the Kelvin sign
 * becomes a k).
 *
 * Dots and `+tags` are the receiving domain's matter: they stay.
 */
export function readEmailAddress(text: string): Result<string, AddressFault> {
  const parts = text.trim().split("@");
  const [local = "", domain = ""] = parts;
  if (parts.length !== 2) return refuse("not_one_at");
  if (local.length > localOctetsMax) return refuse("too_long");
  if (!localPart.test(local)) return refuse("local_part");
  const host = hostOf(domain);
  if (host === null) return refuse("domain");
  const address = `${local.toLowerCase()}@${host}`;
  return address.length > addressOctetsMax ? refuse("too_long") : ok(address);
}

function hostOf(domain: string): string | null {
  if (domain.length > domainOctetsMax || noHost.test(domain) || !URL.canParse(`http://${domain}/`)) return null;
  const { hostname } = new URL(`http://${domain}/`);
  // A number is an address of a machine (the parser has written it out), and a name without a dot is of this network alone.
  return hostname.length <= domainOctetsMax && domainName.test(hostname) ? hostname : null;
}
