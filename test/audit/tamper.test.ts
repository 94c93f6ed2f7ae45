import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exitCodes, run } from "../../cli/verify.ts";
import {
  type AuditEntry,
  type ChainFaultKind,
  type ChainHead,
  entryHash,
  genesisHash,
  partDigest,
  verifyChain,
} from "../../src/lib/audit-chain.ts";
import { bytesOfHex, hexOf, sha256 } from "../../src/lib/bytes.ts";
import golden from "./golden.json" with { type: "json" };

const org = "0190aaaa-0000-7000-8000-000000000001";
const otherOrg = "0190aaaa-0000-7000-8000-000000000002";
const length = 52;

type Content = Pick<AuditEntry, "type" | "subject" | "facts">;

async function chained(forOrg: string, contents: readonly Content[]): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  let previous = genesisHash(forOrg);
  for (const [index, { type, subject, facts }] of contents.entries()) {
    const salt = (tag: string): string => createHash("sha256").update(`${tag} ${forOrg} ${index}`).digest("hex");
    const [salt_subject, salt_facts] = [salt("subject"), salt("facts")];
    const parts = [partDigest(1, bytesOfHex(salt_subject), subject ?? ""), partDigest(2, bytesOfHex(salt_facts), facts ?? "")];
    const atUs = 1_700_000_000_000_000 + index;
    const fields = {
      seq: index + 1,
      type,
      at_us: atUs,
      payload_commit: hexOf(sha256(new Uint8Array(Buffer.concat(parts)))),
      previous_hash: previous,
    };
    previous = entryHash(forOrg, fields);
    const at = `2023-11-14T22:13:20.${String(index).padStart(6, "0")}Z`;
    entries.push({ object: "audit_entry", ...fields, at, entry_hash: previous, subject, salt_subject, facts, salt_facts });
  }
  return entries;
}

const contents = (who: string): Content[] =>
  Array.from({ length }, (_, index) => ({ type: "call.placed", subject: `${who}_${index}`, facts: `{"n":${index}}` }));

let chain: AuditEntry[];
let other: AuditEntry[];
let head: ChainHead;
let folder: string;

beforeAll(async () => {
  chain = await chained(org, contents("call"));
  other = await chained(otherOrg, contents("other"));
  head = { seq: length, hash: chain.at(-1)?.entry_hash ?? "" };
  folder = await mkdtemp(join(tmpdir(), "dialgate-verify-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function verifyFile(text: string, ...options: string[]): Promise<{ code: number; out: string; err: string }> {
  const file = join(folder, "chain.jsonl");
  await writeFile(file, text);
  const [out, err]: [string[], string[]] = [[], []];
  const io = {
    lines: (async function* () {})(),
    bytes: (async function* () {})(),
    out: (line: string) => void out.push(line),
    err: (line: string) => void err.push(line),
  };
  const code = await run([file, "--org", org, ...options], io);
  return { code, out: out.join("\n"), err: err.join("\n") };
}
const lines = (entries: readonly AuditEntry[]): string => entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");

const flip = (hex: string): string => (hex.startsWith("0") ? `1${hex.slice(1)}` : `0${hex.slice(1)}`);
const edited = (entries: readonly AuditEntry[], at: number, edit: (entry: AuditEntry) => Partial<AuditEntry>): AuditEntry[] =>
  entries.map((entry, index) => (index === at ? { ...entry, ...edit(entry) } : entry));
const moved = (entries: readonly AuditEntry[], from: number, to: number): AuditEntry[] => {
  const rest = entries.filter((_, index) => index !== from);
  const entry = entries[from];
  return entry === undefined ? rest : rest.toSpliced(to, 0, entry);
};
const at = (entries: readonly AuditEntry[], index: number): AuditEntry => {
  const entry = entries[index];
  if (entry === undefined) throw new Error("no such entry");
  return entry;
};

const digestOf = (tag: number, salt: string | null, text: string | null): string =>
  hexOf(partDigest(tag, bytesOfHex(salt ?? ""), text ?? ""));

/** Each at every position but the last, where a neighbour is needed. */
const tamperings: Record<string, { kind: ChainFaultKind; tamper: (index: number) => AuditEntry[] }> = {
  "edit seq": { kind: "gap", tamper: (i) => edited(chain, i, ({ seq }) => ({ seq: seq + 1 })) },
  "edit type": { kind: "hash", tamper: (i) => edited(chain, i, () => ({ type: "call.blocked" })) },
  "edit at": { kind: "hash", tamper: (i) => edited(chain, i, () => ({ at: "2023-11-14T22:13:19.000000Z" })) },
  "edit at within its second": { kind: "hash", tamper: (i) => edited(chain, i, () => ({ at: "2023-11-14T22:13:20.9Z" })) },
  "edit at_us": { kind: "hash", tamper: (i) => edited(chain, i, ({ at_us }) => ({ at_us: at_us + 1 })) },
  "re-time, at and at_us": {
    kind: "hash",
    tamper: (i) => edited(chain, i, () => ({ at_us: 1_700_000_100_000_000, at: "2023-11-14T22:15:00Z" })),
  },
  "edit payload_commit": {
    kind: "hash",
    tamper: (i) => edited(chain, i, ({ payload_commit }) => ({ payload_commit: flip(payload_commit) })),
  },
  "edit previous_hash": {
    kind: "link",
    tamper: (i) => edited(chain, i, ({ previous_hash }) => ({ previous_hash: flip(previous_hash) })),
  },
  "edit entry_hash": { kind: "hash", tamper: (i) => edited(chain, i, ({ entry_hash }) => ({ entry_hash: flip(entry_hash) })) },
  "edit subject": { kind: "commitment", tamper: (i) => edited(chain, i, ({ subject }) => ({ subject: `${subject}0` })) },
  "edit facts": { kind: "commitment", tamper: (i) => edited(chain, i, ({ facts }) => ({ facts: `${facts} ` })) },
  "edit salt_subject": {
    kind: "commitment",
    tamper: (i) => edited(chain, i, ({ salt_subject }) => ({ salt_subject: flip(salt_subject ?? "") })),
  },
  "edit salt_facts": {
    kind: "commitment",
    tamper: (i) => edited(chain, i, ({ salt_facts }) => ({ salt_facts: flip(salt_facts ?? "") })),
  },
  "move bytes from subject to facts": {
    kind: "commitment",
    tamper: (i) =>
      edited(chain, i, ({ subject, facts }) => ({
        subject: subject?.slice(0, -1) ?? "",
        facts: `${subject?.slice(-1)}${facts}`,
      })),
  },
  "purge one part without its digest": {
    kind: "commitment",
    tamper: (i) => edited(chain, i, () => ({ subject: null, salt_subject: null })),
  },
  "purge a part and forge its digest": {
    kind: "commitment",
    tamper: (i) => edited(chain, i, ({ entry_hash }) => ({ subject: null, salt_subject: null, subject_digest: entry_hash })),
  },
  "give a part that is there a digest, too": {
    kind: "commitment",
    tamper: (i) => edited(chain, i, ({ subject, salt_subject }) => ({ subject_digest: digestOf(1, salt_subject, subject) })),
  },
  "drop a salt alone": { kind: "commitment", tamper: (i) => edited(chain, i, () => ({ salt_facts: null })) },
  delete: { kind: "gap", tamper: (i) => chain.toSpliced(i, 1) },
  "delete and renumber": {
    kind: "link",
    tamper: (i) => chain.toSpliced(i, 1).map((entry, index) => ({ ...entry, seq: index + 1 })),
  },
  "insert a copy": { kind: "gap", tamper: (i) => chain.toSpliced(i, 0, at(chain, i)) },
  "insert another org's and renumber": {
    kind: "link",
    tamper: (i) => chain.toSpliced(i + 1, 0, at(other, i + 1)).map((entry, index) => ({ ...entry, seq: index + 1 })),
  },
  "swap neighbours": { kind: "gap", tamper: (i) => moved(chain, i, i + 1) },
  "swap neighbours and renumber": {
    kind: "link",
    tamper: (i) => moved(chain, i, i + 1).map((entry, index) => ({ ...entry, seq: index + 1 })),
  },
  "splice another org's entry": { kind: "link", tamper: (i) => edited(chain, i, () => at(other, i)) },
  "swap two payloads": {
    kind: "commitment",
    tamper: (i) => {
      const payload = ({ subject, salt_subject, facts, salt_facts }: AuditEntry): Partial<AuditEntry> => ({
        subject,
        salt_subject,
        facts,
        salt_facts,
      });
      return edited(
        edited(chain, i, () => payload(at(chain, i + 1))),
        i + 1,
        () => payload(at(chain, i)),
      );
    },
  },
  "swap two salts": {
    kind: "commitment",
    tamper: (i) => edited(chain, i, ({ salt_subject, salt_facts }) => ({ salt_subject: salt_facts, salt_facts: salt_subject })),
  },
  "swap subject and facts": {
    kind: "commitment",
    tamper: (i) =>
      edited(chain, i, ({ subject, salt_subject, facts, salt_facts }) => ({
        subject: facts,
        facts: subject,
        salt_subject: salt_facts,
        salt_facts: salt_subject,
      })),
  },
  "recompute the edited entry's own hash": {
    kind: "link",
    tamper: (i) => edited(chain, i, ({ entry_hash }) => ({ entry_hash: createHash("sha256").update(entry_hash).digest("hex") })),
  },
};

test("an untouched chain is whole, as JSON lines, as a list and as the API's list", async () => {
  for (const text of [
    lines(chain),
    JSON.stringify(chain),
    JSON.stringify(chain, null, 2),
    JSON.stringify({ object: "list", data: chain, has_more: false }, null, 1),
  ]) {
    const { code, out, err } = await verifyFile(text, "--head", `${head.seq}:${head.hash}`);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain(`whole: ${length} entries`);
  }
});

describe("pages that a loop has fetched", () => {
  const page = (from: number, to: number) => ({ object: "list", data: chain.slice(from, to), has_more: to < length });
  const pages = () => [page(0, 20), page(20, 40), page(40, length), page(length, length)];
  const forms: Readonly<Record<string, () => string>> = {
    "a line each": () =>
      pages()
        .map((one) => `${JSON.stringify(one)}\n`)
        .join(""),
    "behind each other on one line": () =>
      pages()
        .map((one) => JSON.stringify(one))
        .join(""),
    "each printed over many lines": () =>
      pages()
        .map((one) => JSON.stringify(one, null, 2))
        .join("\n"),
    "the end of one on the line of the next": () =>
      pages()
        .map((one) => JSON.stringify(one, null, 1))
        .join(""),
  };
  test.each(Object.keys(forms))("are whole: %s", async (name) => {
    const { code, out, err } = await verifyFile(forms[name]?.() ?? "", "--head", `${head.seq}:${head.hash}`);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain(`whole: ${length} entries`);
  });

  test("in several files are whole in the chain's order, and not with one left out", async () => {
    const files = pages().map((_, index) => join(folder, `page-${index}.json`));
    for (const [index, file] of files.entries()) await writeFile(file, JSON.stringify(pages()[index]));
    const io = { lines: (async function* () {})(), bytes: (async function* () {})(), out: () => undefined, err: () => undefined };
    expect(await run([...files, "--org", org], io)).toBe(0);
    expect(await run([...files.toSpliced(1, 1), "--org", org], io)).toBe(exitCodes.gap);
  });

  test("of which one was cut in the middle, or is an error page, are named by their line", async () => {
    const cut = `${JSON.stringify(pages()[0])}\n${JSON.stringify(pages()[1]).slice(0, -40)}`;
    expect(await verifyFile(cut)).toMatchObject({ code: 1, err: expect.stringContaining("line 2") });
    const problem = `${JSON.stringify(pages()[0])}\n{"type":"about:blank","status":401}\n`;
    expect(await verifyFile(problem)).toMatchObject({ code: 1, err: expect.stringContaining("line 2") });
    const html = `${JSON.stringify(pages()[0])}\n<html>\n`;
    expect(await verifyFile(html)).toMatchObject({ code: 1, err: expect.stringContaining("line 2") });
  });
});

test("an instant in fewer digits is the same one, and a purged part with its digest is whole", async () => {
  const shorter = edited(chain, 0, () => ({ at: "2023-11-14T22:13:20Z" }));
  const purged = edited(shorter, 1, ({ subject, salt_subject }) => ({
    subject: null,
    salt_subject: null,
    subject_digest: digestOf(1, salt_subject, subject),
  }));
  expect(await verifyChain(purged, { org, head })).toEqual({ entries: length, purged: 1, head, faults: [] });
});

test("no more faults are told than were asked for", async () => {
  const broken = chain.map((entry) => ({ ...entry, type: "call.blocked", previous_hash: flip(entry.previous_hash) }));
  expect((await verifyChain(broken, { org, faultsMax: 5 })).faults).toHaveLength(5);
});

test("the golden vectors, from the independent implementation, are whole", async () => {
  for (const { org: itsOrg, entries } of golden) {
    const report = await verifyChain(entries as AuditEntry[], { org: itsOrg });
    expect(report).toMatchObject({ faults: [], entries: entries.length, purged: 0 });
  }
});

describe("tampering is detected at every position, without a checkpoint", () => {
  test.each(Object.entries(tamperings))("%s", async (name, { kind, tamper }) => {
    for (let index = 0; index < length - 1; index++) {
      const kinds = (await verifyChain(tamper(index), { org })).faults.map((fault) => fault.kind);
      expect(kinds.length, `${name} at ${index}`).toBeGreaterThan(0);
      expect(kinds, `${name} at ${index}`).toContain(kind);
    }
  });

  test("another org's whole chain", async () => {
    expect((await verifyChain(other, { org })).faults[0]?.kind).toBe("link");
  });

  test("a chain whose beginning was cut", async () => {
    expect((await verifyChain(chain.slice(1), { org })).faults[0]?.kind).toBe("gap");
  });
});

describe("the two that need a checkpoint", () => {
  test("a cut tail is whole without the noted head and truncated with it", async () => {
    for (const kept of [0, 1, length - 1]) {
      expect((await verifyFile(lines(chain.slice(0, kept)))).code).toBe(kept === 0 ? 1 : 0);
      expect((await verifyFile(lines(chain.slice(0, kept)), "--head", `${head.seq}:${head.hash}`)).code).toBe(
        exitCodes.truncated,
      );
    }
  });

  test("a head that was noted before the part at hand, or where nothing stands any more, is missed as such", async () => {
    const [tail, after] = [chain.slice(20), { seq: 20, hash: at(chain, 19).entry_hash }];
    const noted = async (entries: readonly AuditEntry[], seq: number, hash: string) =>
      (await verifyChain(entries, { org, after, head: { seq, hash } })).faults.filter((fault) => fault.seq === seq);
    expect(await noted(tail, 20, after.hash)).toEqual([]);
    const missed = (kind: ChainFaultKind, seq: number) => [{ kind, seq, detail: "the noted head is not in the chain" }];
    expect(await noted(tail, 20, flip(after.hash))).toEqual(missed("rewritten", 20));
    expect(await noted(tail, 10, at(chain, 9).entry_hash)).toEqual(missed("rewritten", 10));
    expect(await noted(tail.toSpliced(9, 1), 30, at(chain, 29).entry_hash)).toEqual(missed("gap", 30));
  });

  test("a chain rewritten as a whole is whole without the noted head and rewritten with it", async () => {
    const forged = await chained(
      org,
      contents("call").with(3, { type: "call.placed", subject: "call_3", facts: '{"n":"forged"}' }),
    );
    expect((await verifyFile(lines(forged))).code).toBe(0);
    expect((await verifyFile(lines(forged), "--head", `${head.seq}:${head.hash}`)).code).toBe(exitCodes.rewritten);
  });
});

describe("dialgate verify", () => {
  test("each fault has an exit code of its own, and none is one of success, bad input or bad use", async () => {
    expect(new Set([0, 1, 2, ...Object.values(exitCodes)]).size).toBe(3 + Object.keys(exitCodes).length);
    const shown: [ChainFaultKind, AuditEntry[]][] = [
      ["link", chain.toSpliced(9, 1).map((entry, index) => ({ ...entry, seq: index + 1 }))],
      ["hash", edited(chain, 9, () => ({ type: "call.blocked" }))],
      ["gap", chain.toSpliced(9, 1)],
      ["commitment", edited(chain, 9, () => ({ subject: "someone else" }))],
    ];
    for (const [kind, entries] of shown) {
      const { code, err } = await verifyFile(lines(entries));
      expect(code).toBe(exitCodes[kind]);
      expect(err).toContain(`${kind} at seq`);
      expect(err).not.toContain("someone else");
    }
  });

  test("a later part of a chain is checked from the place that it follows", async () => {
    const before = at(chain, 19);
    expect((await verifyFile(lines(chain.slice(20)), "--after", `20:${before.entry_hash}`)).code).toBe(0);
    expect((await verifyFile(lines(chain.slice(20)), "--after", `20:${flip(before.entry_hash)}`)).code).toBe(exitCodes.link);
  });

  test("what is no entry is named by its line and never shown", async () => {
    const { code, err } = await verifyFile(`${lines(chain.slice(0, 2))}{"object":"audit_entry","subject":"+12125550123"}\n`);
    expect(code).toBe(1);
    expect(err).toContain("line 3");
    expect(err).not.toContain("2125550123");
    expect(err).toContain("seq: A whole number is needed. type: Required: a text.");
    for (const [text, says] of [
      ["not json\n", "it is not JSON."],
      ["[1]", "the value: Expected: an object."],
      ['{"code":"unauthorized","status":401}', "object: Required, one of: audit_entry."],
      [
        lines(chain.slice(0, 1)).replace(/"entry_hash":"../, '"entry_hash":"ZZ'),
        "entry_hash: 64 lower-case hexadecimal digits are needed.",
      ],
    ] as const) {
      const read = await verifyFile(text);
      expect(read).toMatchObject({ code: 1, err: expect.stringContaining(says) });
      expect(read.err, "no library's words").not.toMatch(/Invalid |received|expected /);
    }
  });

  test("used wrongly it says how it is used", async () => {
    const err: string[] = [];
    const io = {
      lines: (async function* () {})(),
      bytes: (async function* () {})(),
      out: () => undefined,
      err: (line: string) => void err.push(line),
    };
    for (const args of [[], ["FILE"], ["FILE", "--org", "someone"], ["FILE", "--org", org, "--head", "12"], ["FILE", "--nope"]]) {
      expect(await run(args, io)).toBe(2);
    }
    expect(err.at(-1)).toContain("usage: dialgate verify");
    expect(await run([join(folder, "missing.jsonl"), "--org", org], io)).toBe(1);
  });

  test("an export without an entry is no whole chain", async () => {
    const { code, err } = await verifyFile("");
    expect(code).toBe(1);
    expect(err).toContain("there is no entry to check");
  });
});
