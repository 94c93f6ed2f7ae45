import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLeads, newLead } from "../../src/domain/leads/create-leads.ts";
import { mapFile } from "../../src/domain/imports/import-map.ts";
import { snapshotDesk } from "../../src/domain/decisions/snapshot.ts";
import { judgeStale } from "../../src/domain/standing/judge-stale.ts";
import { phoneMemo } from "../../src/lib/phone.ts";
import { publicId } from "../../src/lib/ids.ts";
import { zoneBook } from "../../src/lib/time-zones.ts";
import { buildWorld } from "../support/world.ts";
import { type IntakeWorld, openIntake } from "./intake-world.ts";

const map = mapFile.parse({
  columns: { phone: "Phone", state: "State", consent_at: "Date", consent_text: "Text" },
  seller: { registered_name: "Acme Solar LLC", trade_names: ["Acme Sun"] },
  attestation: { purpose: "marketing", basis: "pewc", signature: "web_form_submit" },
}); // prettier-ignore
const text = "I agree that Acme Sun may call me with an automated or AI voice; consent is not a condition of purchase.";
const csv = (...rows: readonly string[]) => new TextEncoder().encode(["Phone,State,Date,Text", ...rows].join("\n"));
const poor = (phone: string) => `${phone},CA,,`;
const good = (phone: string) => `${phone},CA,2026-01-02T03:04:05Z,"${text}"`;
const wrong = (phone: string) => `${phone},CA,2026-01-03T03:04:05Z,"I agree to mail."`;

let world: IntakeWorld;
const desk = snapshotDesk(zoneBook(), phoneMemo());
beforeAll(async () => {
  world = await openIntake();
});
afterAll(() => world.close());

const imported = async (...rows: readonly string[]) => {
  const { id } = await world.upload(csv(...rows), map);
  expect(await world.run(id)).toBe("succeeded");
  return world.find(id);
};
const judge = () => judgeStale(desk, world.org, () => false);
const leadOf = async (phone: string) =>
  (
    await world.sql<{ status: string; reason: string | null }>(
      "select status, ineligible_reason as reason from leads where org_id = $1 and e164 = $2",
      [world.orgId, `+1${phone}`],
    )
  )[0];
const admissions = () =>
  world.sql<{ facts: string }>(
    `select p.facts_text as facts from audit.entry e join audit.payload p on p.org_id = e.org_id and p.seq = e.seq
      where e.org_id = $1 and e.event_type = 'lead.batch_admitted' order by e.seq`,
    [world.orgId],
  );

describe("a rejected duplicate whose evidence is better than its lead's own", () => {
  it("makes the lead eligible: from the same chunk, from a later file, and by API, with one audit entry a batch", async () => {
    const counts = await imported(
      poor("2125550101"),
      good("2125550101"),
      poor("2125550102"),
      poor("2125550103"),
      good("2125550104"),
    );
    expect(counts).toMatchObject({ accepted: 4, eligible: 1, rejected: { duplicate_in_file: 1 } });
    await imported(good("2125550102"));
    const consent = {
      seller_id: publicId("seller", world.sellerId), obtained_at: "2026-05-01T10:00:00Z", basis: "pewc", purpose: "marketing", signature: "web_form_submit", text,
    }; // prettier-ignore
    const [offered] = await createLeads(world.org, world, [newLead.parse({ phone: "2125550103", state: "CA", consent })]);
    expect(offered).toMatchObject({ ok: false, code: "duplicate_in_org" });
    const [versions] = await world.sql("select sum(facts_version)::int as n from persons where org_id = $1", [world.orgId]);
    expect(await judge()).toMatchObject({ kept: 3, ends: "done" });
    for (const phone of ["2125550101", "2125550102", "2125550103", "2125550104"])
      expect(await leadOf(phone), phone).toEqual({ status: "eligible", reason: null });
    expect(await world.sql("select sum(facts_version)::int as n from persons where org_id = $1", [world.orgId])).toEqual([
      versions,
    ]);
    const entries = await admissions();
    expect(entries.map(({ facts }) => JSON.parse(facts).admitted)).toEqual([3]);
    expect(entries[0]?.facts).not.toMatch(/212555/);
  });

  it("leaves it refused where the evidence does not pass, or a stop stands, and asks no more", async () => {
    await imported(poor("2125550111"), wrong("2125550111"), poor("2125550112"));
    const [person] = await world.sql<{ id: string }>(
      "select person_id as id from leads where org_id = $1 and e164 = '+12125550112'",
      [world.orgId],
    );
    await world.org.change({ action: "consent.revoked", subject: "x" }, async (w) => {
      await w.rows({
        name: "revoke",
        text: `insert into consent_events (org_id, id, person_id, kind, recorded_at, digest, body)
          values ((select app.org()), gen_random_uuid(), $1, 'revocation', app.now(), '\\x01', '{"channel":"mail"}')`,
        params: [person?.id],
      });
    });
    await imported(good("2125550112"));
    await judge();
    expect((await leadOf("2125550111"))?.status).toBe("ineligible");
    expect((await leadOf("2125550112"))?.status).toBe("ineligible");
    expect(await world.sql("select 1 from standing_marks where org_id = $1", [world.orgId])).toEqual([]);
    expect(await admissions()).toHaveLength(1);
  });

  it("marks nobody when rows bring nothing new", async () => {
    await imported(good("2125550121"), poor("2125550122"));
    await imported(good("2125550121"), poor("2125550122"));
    expect(await world.sql("select 1 from standing_marks where org_id = $1", [world.orgId])).toEqual([]);
  });
});

describe("a place that is held for want of a better consent", () => {
  it("waits again as soon as a later row brings one, and stays held when a row brings nothing new", async () => {
    const dialing = await buildWorld(world.db, { leads: 2 });
    const [phone, other] = await dialing.sql<{ e164: string; id: string }>(
      "select e164, id from leads where org_id = $1 order by id",
      [dialing.orgId],
    );
    const consent = {
      seller_id: publicId("seller", dialing.sellerId), obtained_at: "2026-11-10T10:00:00Z", basis: "pewc", purpose: "marketing", signature: "web_form_submit", text,
    }; // prettier-ignore
    const offer = async () => {
      await dialing.sql("update enrolments set state = 'held', reason = 'consent_expired' where org_id = $1", [dialing.orgId]);
      const [offered] = await createLeads(dialing.org, world, [newLead.parse({ phone: phone?.e164, state: "NY", consent })]);
      expect(offered).toMatchObject({ ok: false, code: "duplicate_in_org" });
    };
    const places = () => dialing.sql("select lead_id, state from enrolments where org_id = $1 order by lead_id", [dialing.orgId]);
    await offer();
    expect(await places()).toEqual([
      { lead_id: phone?.id, state: "waiting" },
      { lead_id: other?.id, state: "held" },
    ]);
    await offer();
    expect(await places()).toMatchObject([{ state: "held" }, { state: "held" }]);
  });
});
