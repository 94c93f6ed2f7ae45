import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mapFile } from "../../src/domain/imports/import-map.ts";
import type { OrgDb } from "../../src/db/org-db.ts";
import { SystemDb } from "../../src/db/system-db.ts";
import type { Statement, Transport } from "../../src/db/transport.ts";
import { sha256, hexOf } from "../../src/lib/bytes.ts";
import { canonicalJson } from "../../src/lib/canonical-json.ts";
import { type NumberHasher, numberHasher } from "../../src/lib/number-hash.ts";
import { type IntakeWorld, openIntake } from "./intake-world.ts";

const leadsCsv = new Uint8Array(await readFile(new URL("../../dev/data/leads.csv", import.meta.url)));
const expected = JSON.parse(await readFile(new URL("../../dev/data/leads.expected.json", import.meta.url), "utf8"));
const map = mapFile.parse(JSON.parse(await readFile(new URL("../../dev/data/leads.map.json", import.meta.url), "utf8")));
const small = {
  columns: { phone: "Phone", state: "State", consent_at: "Date", consent_text: "Text", external_id: "Id" },
  attestation: map.attestation,
};
const goodText = "I agree that Acme Sun may call me with an automated or AI voice; consent is not a condition of purchase.";
const csv = (...rows: readonly string[]) => new TextEncoder().encode(["Id,Phone,State,Date,Text", ...rows].join("\n"));
const good = (id: string, phone: string, date = "2026-01-02T03:04:05Z") => `${id},${phone},CA,${date},"${goodText}"`;

/** Everything that a re-import must not change, without ids and instants. */
async function state(world: IntakeWorld) {
  const [persons] = await world.sql(
    "select count(*)::int as n, sum(facts_version)::int as versions from persons where org_id = $1",
    [world.orgId],
  );
  const [consents] = await world.sql(
    "select count(*)::int as n, md5(string_agg(encode(c.digest, 'hex'), ',' order by p.e164_hmac, c.digest)) as digest from consent_events c join persons p using (org_id) where p.id = c.person_id and c.org_id = $1",
    [world.orgId],
  );
  const [leads] = await world.sql(
    `select count(*)::int as n, md5(string_agg(concat_ws('|', l.e164, l.line, l.external_id, l.first_name, l.last_name, l.email, l.city, l.state, l.zip,
      l.source, l.notes, l.candidate_states, l.status, l.ineligible_reason), E'\n' order by l.e164)) as digest from leads l where l.org_id = $1`,
    [world.orgId],
  );
  return { persons, consents, leads };
}

const countsOf = (found: Awaited<ReturnType<IntakeWorld["find"]>>) => ({
  rows: found.rowsDone,
  accepted: found.accepted,
  rejected: found.rejected,
  eligible: found.eligible,
  ineligible: found.ineligible,
  states_differ: found.statesDiffer,
  timezone_unknown: found.timezoneUnknown,
});

describe("importing the sample file", () => {
  let world: IntakeWorld;
  let importId: string;
  beforeAll(async () => {
    world = await openIntake();
    const queued = await world.upload(leadsCsv, map);
    importId = queued.id;
    await world.run(importId);
  });
  afterAll(() => world.close());

  it("counts exactly what the offline check counts", async () => {
    expect(countsOf(await world.find(importId))).toEqual(expected);
  });

  it("has stored what it counted: leads by status, rejects by code, evidence once per digest", async () => {
    const leads = await world.sql(
      "select status, ineligible_reason, count(*)::int as n from leads where org_id = $1 group by 1, 2",
      [world.orgId],
    );
    const byReason = Object.fromEntries(
      leads.filter((row) => row["status"] === "ineligible").map((row) => [row["ineligible_reason"], row["n"]]),
    );
    expect(byReason).toEqual(expected.ineligible);
    expect(leads.find((row) => row["status"] === "eligible")?.["n"]).toBe(expected.eligible);
    const rejects = await world.sql("select code, count(*)::int as n from import_rejects where import_id = $1 group by 1", [
      importId,
    ]);
    expect(Object.fromEntries(rejects.map((row) => [row["code"], row["n"]]))).toEqual(expected.rejected);
  });

  it("knows the file by its digest", async () => {
    expect(hexOf((await world.find(importId)).fileSha256 ?? new Uint8Array())).toBe(hexOf(sha256(leadsCsv)));
  });

  it("reports progress to the last byte and the last row", async () => {
    const found = await world.find(importId);
    expect(found).toMatchObject({
      status: "succeeded",
      bytesDone: leadsCsv.length,
      bytesTotal: leadsCsv.length,
      rowsDone: 3000,
      leaseUntil: null,
    });
    expect(found.chunksDone).toBeGreaterThan(1);
  });

  it("leaves one audit entry for each chunk, whose counts add up", async () => {
    const entries = await world.sql<{ type: string }>(
      "select event_type as type from audit.entry where org_id = $1 order by seq",
      [world.orgId],
    );
    const types = entries.map((entry) => entry.type).filter((type) => type.startsWith("import."));
    expect(types).toEqual(["import.created", "import.file_stored", "import.started", "import.chunk_applied", "import.succeeded"]);
  });

  it("stores evidence whose digest anyone can make again from its body", async () => {
    const events = await world.sql<{ body: object; digest: string }>(
      "select body, encode(digest, 'hex') as digest from consent_events where org_id = $1",
      [world.orgId],
    );
    expect(events.length).toBeGreaterThan(2_000);
    for (const { body, digest } of events) expect(digest).toBe(hexOf(sha256(canonicalJson({ kind: "grant", ...body }))));
  });

  it("changes nothing when the same file is imported again", async () => {
    const before = await state(world);
    const again = await world.upload(leadsCsv, map);
    expect(await world.run(again.id)).toBe("succeeded");
    expect(await state(world)).toEqual(before);
    const found = await world.find(again.id);
    expect(found).toMatchObject({ accepted: 0, eligible: 0, rowsDone: 3000 });
    expect(found.rejected).toEqual({
      row_malformed: 54,
      phone_invalid: 149,
      phone_not_us: 103,
      phone_not_geographic: 93,
      duplicate_in_org: 2442 + 159,
    });
  });
});

describe("an import that breaks off", () => {
  let reference: Awaited<ReturnType<typeof state>>;
  let shared: IntakeWorld;
  beforeAll(async () => {
    shared = await openIntake();
    const { id } = await shared.upload(leadsCsv, map);
    await shared.run(id);
    reference = await state(shared);
  });
  afterAll(() => shared.close());

  /** A transport that dies at the n-th request, before it reaches the database or after its commit. */
  function dyingAt(transport: Transport, request: number, when: "before" | "after"): Transport {
    let seen = 0;
    return {
      transaction: (work) => transport.transaction(work),
      async batch(statements: readonly Statement[]) {
        seen += 1;
        if (seen === request && when === "before") throw new Error("the database went away");
        const answers = await transport.batch(statements);
        if (seen === request) throw new Error("the answer was lost");
        return answers;
      },
    };
  }

  for (const when of ["before", "after"] as const) {
    for (const request of [1, 2, 3]) {
      it(`ends as if it had not, when request ${request} is lost ${when} its commit`, async () => {
        const world = await openIntake(shared);
        const { id } = await world.upload(leadsCsv, map);
        const org = world.orgOver(dyingAt(world.transport, request, when));
        await expect(world.run(id, { bind: () => org })).rejects.toThrow(
          when === "before" ? "the database went away" : "the answer was lost",
        );
        await world.sql("update imports set lease_until = null where id = $1", [id]);
        const end = await world.run(id);
        // Where only the last answer was lost there is nothing left to do.
        expect(end).toBe(request === 3 && when === "after" ? "not_ours" : "succeeded");
        expect(await state(world)).toEqual(reference);
        expect(countsOf(await world.find(id))).toEqual(expected);
      });
    }
  }

  it("ends as if it had not, when the file's stream breaks", async () => {
    const world = await openIntake(shared);
    const { id } = await world.upload(leadsCsv, map);
    world.files.breakAfter = 1_000_000;
    await expect(world.run(id)).rejects.toThrow("the store went away");
    expect((await world.find(id)).chunksDone).toBe(1);
    world.files.breakAfter = null;
    expect(await world.run(id)).toBe("succeeded");
    expect(await state(world)).toEqual(reference);
  });

  it("lets go when its time is nearly over, and goes on from there", async () => {
    const world = await openIntake(shared);
    const { id } = await world.upload(leadsCsv, map);
    let calls = 0;
    expect(await world.run(id, { elapsedMs: () => (calls++ === 0 ? 0 : 10_000_000) })).toBe("again");
    expect(await world.find(id)).toMatchObject({ status: "running", chunksDone: 1, leaseUntil: null, rowsDone: 2500 });
    expect(await world.run(id)).toBe("succeeded");
    expect(await state(world)).toEqual(reference);
  });

  it("is worked on by one consumer at a time", async () => {
    const world = await openIntake(shared);
    const { id } = await world.upload(leadsCsv, map);
    const ends = await Promise.all([world.run(id), world.run(id)]);
    expect(ends.toSorted()).toEqual(["not_ours", "succeeded"]);
    expect(await state(world)).toEqual(reference);
  });
});

describe("what an import refuses and keeps", () => {
  let world: IntakeWorld;
  beforeAll(async () => {
    world = await openIntake();
  });
  afterAll(() => world.close());
  const importOf = async (bytes: Uint8Array, over: Partial<typeof small> = {}) => {
    const { id } = await world.upload(bytes, { ...small, ...over });
    const end = await world.run(id);
    return { id, end, found: await world.find(id) };
  };

  it("tells a number of this file from one that the org had before", async () => {
    const first = await importOf(csv(good("a", "2125550101"), good("b", "(212) 555-0101"), good("c", "2125550102")));
    expect(first.found.rejected).toEqual({ duplicate_in_file: 1 });
    const second = await importOf(
      csv(good("d", "2125550102"), good("e", "2125550103"), good("f", "+1 212 555 0103"), good("g", "2125550102")),
    );
    expect(second.found.rejected).toEqual({ duplicate_in_org: 2, duplicate_in_file: 1 });
    const details = await world.sql("select line::int, code, detail from import_rejects where import_id = $1 order by line", [
      second.id,
    ]);
    expect(details[1]).toEqual({ line: 4, code: "duplicate_in_file", detail: "the same number as line 3" });
  });

  it("keeps a duplicate's evidence for its person once, and moves the person's version only then", async () => {
    await importOf(csv(good("a", "2125550201")));
    const version = async () =>
      (
        await world.sql(
          "select facts_version::int as v from persons p join leads l on l.person_id = p.id where l.e164 = '+12125550201'",
        )
      )[0]?.["v"];
    const events = async () =>
      (
        await world.sql(
          "select count(*)::int as n from consent_events c join leads l on l.person_id = c.person_id where l.e164 = '+12125550201'",
        )
      )[0]?.["n"];
    expect([await version(), await events()]).toEqual([1, 1]);
    await importOf(csv(good("b", "2125550201", "2026-05-05T05:05:05Z")));
    expect([await version(), await events()]).toEqual([2, 2]);
    await importOf(csv(good("c", "2125550201", "2026-05-05T05:05:05Z")));
    expect([await version(), await events()]).toEqual([2, 2]);
  });

  /** By workers that hold these peppers, on a platform that uses no others. The other tests' workers hold the first alone. */
  async function servedBy(numbers: NumberHasher, work: (bind: () => OrgDb) => Promise<void>): Promise<void> {
    await world.sql("delete from pepper_versions");
    const system = new SystemDb(world.transport, () => world.org.newId(), numbers.held);
    await system.registerPeppers();
    const { now } = await world.org.bound();
    await work(() => system.asOrg(world.orgId, { type: "job", id: "run-import" }, "req_test", now));
    await world.sql("delete from pepper_versions");
    await world.system.registerPeppers();
  }

  it("finds a person who was recorded under an older pepper", async () => {
    await importOf(csv(good("a", "2125550301")));
    const numbers = await numberHasher(
      new Map([
        [1, new Uint8Array(32).fill(7)],
        [2, new Uint8Array(32).fill(8)],
      ]),
    );
    const { id } = await world.upload(csv(good("b", "2125550301"), good("c", "2125550302")), small);
    await servedBy(numbers, async (bind) => expect(await world.run(id, { numbers, bind })).toBe("succeeded"));
    expect((await world.find(id)).rejected).toEqual({ duplicate_in_org: 1 });
    const [made] = await world.sql(
      "select pepper_version from persons p join leads l on l.person_id = p.id where l.e164 = '+12125550302'",
    );
    expect(made?.["pepper_version"]).toBe(2);
  });

  it("finds a person through an alias, and makes the others, also where a chunk brings no number at all", async () => {
    await importOf(csv(good("a", "2125550311"), good("b", "2125550312")));
    const numbers = await numberHasher(new Map([[2, new Uint8Array(32).fill(8)]]));
    await world.sql(
      `insert into person_aliases (org_id, e164_hmac, person_id, pepper_version)
        select l.org_id, decode($1, 'hex'), l.person_id, 2 from leads l where l.e164 = '+12125550312'`,
      numbers.hexAll("+12125550312"),
    );
    const { id } = await world.upload(csv(good("c", "2125550313"), good("d", "2125550312"), good("e", "2125550314")), small);
    const refused = await world.upload(csv(good("f", "n/a")), small);
    await servedBy(numbers, async (bind) => {
      expect(await world.run(id, { numbers, bind })).toBe("succeeded");
      expect(await world.run(refused.id, { numbers, bind })).toBe("succeeded");
    });
    expect((await world.find(id)).rejected).toEqual({ duplicate_in_org: 1 });
    expect((await world.find(refused.id)).rejected).toEqual({ phone_invalid: 1 });
  });

  it("accepts two leads that carry the same external id: numbers, not vendors' ids, make a lead one", async () => {
    const { found } = await importOf(csv(good("same", "2125550401"), good("same", "2125550402")));
    expect(found.accepted).toBe(2);
  });

  it("rejects a row with broken bytes and keeps its neighbours", async () => {
    const bytes = csv(good("a", "2125550501"), "");
    const broken = new Uint8Array([
      ...bytes,
      ...new TextEncoder().encode("b,2125550502,C"),
      0xe9,
      ...new TextEncoder().encode(",,\nc,2125550503,CA,\u0000,\n"),
      ...new TextEncoder().encode(good("d", "2125550504")),
    ]);
    const { found, id } = await importOf(broken);
    expect(found).toMatchObject({ rowsDone: 4, accepted: 2, rejected: { row_malformed: 2 } });
    const details = await world.sql("select detail from import_rejects where import_id = $1 order by line", [id]);
    expect(details.map((row) => row["detail"])).toEqual(["bytes that are not UTF-8", "a NUL byte"]);
  });

  it.each([
    ["UTF-16 with its mark", new Uint8Array(Buffer.from(`\ufeffId,Phone\n1,2125550101\n`, "utf16le")), "encoding_not_utf8"],
    ["UTF-16 without it", new Uint8Array(Buffer.from("Id,Phone\n1,2125550101\n", "utf16le")), "encoding_not_utf8"],
    ["a spreadsheet file", new Uint8Array([0x50, 0x4b, 3, 4, 0, 0, 0xff, 0xfe, 10, 1, 2, 3]), "encoding_not_utf8"],
    ["nothing but line ends", new TextEncoder().encode("\r\n\n\n"), "header_missing"],
    ["no line end in a megabyte", new Uint8Array(1_000_000).fill(97), "file_not_csv"],
    ["no such column", new TextEncoder().encode("Id,Telephone\n1,2125550101\n"), "column_missing"],
    ["one column twice", new TextEncoder().encode("Id,Phone,State,Date,Text,Phone\n"), "column_repeated"],
  ])("fails with a reason for a file that cannot be read: %s", async (_name, bytes, reason) => {
    const { end, found } = await importOf(bytes);
    expect(end).toBe("failed");
    expect(found).toMatchObject({ status: "failed", statusReason: reason, leaseUntil: null });
    expect(found.finishedAt).not.toBeNull();
  });

  it("names the column that a file lacks", async () => {
    const { found } = await importOf(new TextEncoder().encode("Id,Telephone\n1,2125550101\n"));
    expect(found.statusDetail).toContain('"Phone"');
  });

  it("succeeds with nothing for a file that has a header alone", async () => {
    expect(await importOf(csv())).toMatchObject({ end: "succeeded", found: { rowsDone: 0, accepted: 0 } });
  });

  it("fails when the stored file is gone or is not the one that was stored", async () => {
    const gone = await world.upload(csv(good("a", "2125550601")), small);
    world.files.files.delete(gone.fileKey);
    expect(await world.run(gone.id)).toBe("failed");
    expect((await world.find(gone.id)).statusReason).toBe("file_missing");
    const cut = await world.upload(csv(good("a", "2125550602")), small);
    world.files.files.set(cut.fileKey, csv(good("a", "2125550602")).subarray(0, 60));
    expect(await world.run(cut.id)).toBe("failed");
    expect(await world.find(cut.id)).toMatchObject({ statusReason: "file_changed", accepted: 0 });
  });

  it("takes the import's text where a row has none, and never gathers clauses from both", async () => {
    const attestation = { ...map.attestation, text: goodText };
    const { found } = await importOf(
      csv("a,2125550701,CA,2026-01-02,", 'b,2125550702,CA,2026-01-02,"I agree to calls by an AI voice."'),
      { attestation },
    );
    expect(found).toMatchObject({ eligible: 1, ineligible: { consent_unproven: 1 } });
    const [event] = await world.sql<{ source: string }>(
      "select c.body->>'source' as source from consent_events c join leads l on l.person_id = c.person_id where l.e164 = '+12125550701'",
    );
    expect(event?.source).toBe("import");
  });

  it("keeps the character that parts the columns out of every column", async () => {
    const { found, id } = await importOf(csv(`a\u007fb,2125550751,C\u007fA,2026-01-02,"x\u007f${goodText}"`, "n\u007fo,12,CA,,"));
    expect(found).toMatchObject({ rowsDone: 2, accepted: 1, rejected: { phone_invalid: 1 } });
    const [lead] = await world.sql("select external_id, state from leads where e164 = '+12125550751'");
    expect(lead).toEqual({ external_id: "a b", state: "C A" });
    const [reject] = await world.sql("select raw from import_rejects where import_id = $1", [id]);
    expect(reject?.["raw"]).toBe("n\ufffdo,12,CA,,");
  });

  it("judges an ordinary row's consent as the gate does, whatever is attested", async () => {
    const attestation = { ...map.attestation, basis: "pec" as const };
    expect((await importOf(csv(good("a", "2125550801")), { attestation })).found).toMatchObject({
      eligible: 0,
      ineligible: { consent_unproven: 1 },
    });
    const informational = { ...attestation, purpose: "informational" as const };
    expect((await importOf(csv(good("b", "2125550802")), { attestation: informational })).found).toMatchObject({ eligible: 1 });
  });

  it("writes no person, number or row into the audit log", async () => {
    const rows = await world.sql<{ facts: string }>("select facts_text as facts from audit.payload where org_id = $1", [
      world.orgId,
    ]);
    expect(rows.length).toBeGreaterThan(5);
    for (const row of rows) expect(row.facts ?? "").not.toMatch(/21255501|Acme Sun may call/);
  });
});
