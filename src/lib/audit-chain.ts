import { bytesOfHex, hexOf, sha256 } from "./bytes.ts";

/**
 * An org's audit chain, checked from what was exported of it and nothing else. The same bytes as `migrations/0002_audit.sql`
 * hashes; golden vectors hold both.
 */
export interface AuditEntry {
  readonly object: "audit_entry";
  readonly seq: number;
  readonly type: string;
  readonly at: string;
  /** Microseconds since 1970: what is hashed. */
  readonly at_us: number;
  readonly payload_commit: string;
  readonly previous_hash: string;
  readonly entry_hash: string;
  readonly subject: string | null;
  readonly salt_subject: string | null;
  /** Stands in for a part that was purged, so that the other one can still be proved. */
  readonly subject_digest?: string | null | undefined;
  readonly facts: string | null;
  readonly salt_facts: string | null;
  readonly facts_digest?: string | null | undefined;
}

/** A place in a chain: how many entries, and the hash of the last. */
export interface ChainHead {
  readonly seq: number;
  readonly hash: string;
}

export const chainFaultKinds = ["gap", "link", "hash", "commitment", "truncated", "rewritten"] as const;
export type ChainFaultKind = (typeof chainFaultKinds)[number];

export interface ChainFault {
  readonly kind: ChainFaultKind;
  readonly seq: number;
  readonly detail: string;
}

export interface ChainReport {
  readonly entries: number;
  /** Parts that were purged: their digests are in the chain, their words are gone. */
  readonly purged: number;
  readonly head: ChainHead;
  /** In the chain's order; no more than were asked for. */
  readonly faults: readonly ChainFault[];
}

export interface ChainQuestion {
  /** The org's uuid: part of every hash, so that no entry fits another org's chain. */
  readonly org: string;
  /** Where the export begins, when it is a later part of a chain. */
  readonly after?: ChainHead | undefined;
  /** A head that was noted outside: without one, a cut tail and a chain rewritten as a whole look like a chain. */
  readonly head?: ChainHead | undefined;
  readonly faultsMax?: number;
}

export async function verifyChain(
  entries: AsyncIterable<AuditEntry> | Iterable<AuditEntry>,
  question: ChainQuestion,
): Promise<ChainReport> {
  const { org, head, faultsMax = 20 } = question;
  let before: ChainHead = question.after ?? { seq: 0, hash: genesisHash(org) };
  const start = before.seq;
  const faults: ChainFault[] = [];
  let counted = 0;
  let purged = 0;
  let headSeen = head === undefined || (head.seq === before.seq && head.hash === before.hash);
  for await (const entry of entries) {
    const found = openEntry(org, entry);
    const own = [...placeFaults(entry, before), ...found.faults];
    if (head !== undefined && entry.seq === head.seq) {
      headSeen = true;
      if (entry.entry_hash !== head.hash)
        own.push({ kind: "rewritten", seq: entry.seq, detail: "entry_hash is not the noted head" });
    }
    counted++;
    purged += found.purged;
    if (faults.length < faultsMax) faults.push(...own.slice(0, faultsMax - faults.length));
    before = { seq: entry.seq, hash: entry.entry_hash };
  }
  if (head !== undefined && !headSeen && faults.length < faultsMax) {
    if (head.seq > before.seq)
      faults.push({ kind: "truncated", seq: before.seq, detail: `ends before the noted head at ${head.seq}` });
    else
      faults.push({ kind: head.seq > start ? "gap" : "rewritten", seq: head.seq, detail: "the noted head is not in the chain" });
  }
  return { entries: counted, purged, head: before, faults };
}

function placeFaults(entry: AuditEntry, before: ChainHead): ChainFault[] {
  const faults: ChainFault[] = [];
  if (entry.seq !== before.seq + 1) faults.push({ kind: "gap", seq: entry.seq, detail: `follows ${before.seq}` });
  if (entry.previous_hash !== before.hash)
    faults.push({ kind: "link", seq: entry.seq, detail: "previous_hash is not the hash of the entry before it" });
  return faults;
}

/** What an entry says of itself: its hash, its time in words, and its payload. */
function openEntry(org: string, entry: AuditEntry): { faults: ChainFault[]; purged: number } {
  const faults: ChainFault[] = [];
  const subject = partOf(0x01, entry.salt_subject, entry.subject, entry.subject_digest);
  const facts = partOf(0x02, entry.salt_facts, entry.facts, entry.facts_digest);
  if (entryHash(org, entry) !== entry.entry_hash)
    faults.push({ kind: "hash", seq: entry.seq, detail: "entry_hash is not the hash of the entry" });
  if (!saysSameTime(entry.at, entry.at_us))
    faults.push({ kind: "hash", seq: entry.seq, detail: "at is not the instant of at_us" });
  const purged = (subject === "purged" || subject === "gone" ? 1 : 0) + (facts === "purged" || facts === "gone" ? 1 : 0);
  const digests = [entry.subject_digest, entry.facts_digest];
  if (subject === "broken" || facts === "broken" || (subject === "gone") !== (facts === "gone")) {
    faults.push({
      kind: "commitment",
      seq: entry.seq,
      detail: "the payload is not whole: a text, its salt or a purged part's digest is missing",
    });
  } else if (subject !== "gone" || facts !== "gone") {
    const parts = [subject, facts].map((part, index) => (typeof part === "string" ? bytesOfHex(digests[index] ?? "") : part));
    if (hexOf(sha256(joined(parts))) !== entry.payload_commit)
      faults.push({ kind: "commitment", seq: entry.seq, detail: "the payload does not open payload_commit" });
  }
  return { faults, purged };
}

/** A part's digest; or that it was purged and left one, is gone with both parts' digests, or is not whole. */
function partOf(
  tag: number,
  salt: string | null,
  text: string | null,
  digest: string | null | undefined,
): Uint8Array<ArrayBuffer> | "purged" | "gone" | "broken" {
  if ((salt === null) !== (text === null)) return "broken";
  if (salt === null || text === null) return digest ? "purged" : "gone";
  return digest ? "broken" : partDigest(tag, bytesOfHex(salt), text);
}

/** SHA-256 of the part's tag, its salt and its text. */
export function partDigest(tag: number, salt: Uint8Array<ArrayBuffer>, text: string): Uint8Array<ArrayBuffer> {
  return sha256(joined([Uint8Array.of(tag), salt, new TextEncoder().encode(text)]));
}

export function entryHash(
  org: string,
  entry: Pick<AuditEntry, "seq" | "type" | "at_us" | "payload_commit" | "previous_hash">,
): string {
  const type = new TextEncoder().encode(entry.type);
  const fields = [
    new TextEncoder().encode("audit/v1"),
    orgBytes(org),
    int64(entry.seq),
    int32(type.length),
    type,
    int64(entry.at_us),
    bytesOfHex(entry.payload_commit),
    bytesOfHex(entry.previous_hash),
  ];
  return hexOf(sha256(joined(fields)));
}

/** What the first entry follows. */
export function genesisHash(org: string): string {
  return hexOf(sha256(joined([new TextEncoder().encode("audit/v1/genesis"), orgBytes(org)])));
}

/** `at` may carry fewer digits than at_us; those that it has must agree. */
function saysSameTime(at: string, atMicroseconds: number): boolean {
  const parts = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?Z$/.exec(at);
  if (parts === null) return false;
  const seconds = Math.floor(atMicroseconds / 1_000_000);
  const fraction = String(atMicroseconds - seconds * 1_000_000).padStart(6, "0");
  return Date.parse(`${parts[1]}Z`) === seconds * 1000 && fraction.startsWith(parts[2] ?? "");
}

function orgBytes(org: string): Uint8Array<ArrayBuffer> {
  const bytes = bytesOfHex(org.replaceAll("-", ""));
  if (bytes.length !== 16) throw new RangeError("not a uuid");
  return bytes;
}

function int64(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt(value));
  return bytes;
}

function int32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value);
  return bytes;
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
