import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLeads, newLead } from "../../src/domain/leads/create-leads.ts";
import { publicId } from "../../src/lib/ids.ts";
import { type IntakeWorld, openIntake } from "./intake-world.ts";

const text = "I agree that Acme Solar LLC may call me using an artificial voice. Consent is not a condition of purchase.";

describe("creating leads", () => {
  let world: IntakeWorld;
  beforeAll(async () => {
    world = await openIntake();
  });
  afterAll(() => world.close());

  const consent = (over: object = {}) => ({
    seller_id: publicId("seller", world.sellerId),
    obtained_at: "2026-05-01T10:00:00Z",
    basis: "pewc",
    purpose: "marketing",
    signature: "web_form_submit",
    text,
    ...over,
  });
  const create = (...leads: readonly object[]) =>
    createLeads(
      world.org,
      world,
      leads.map((lead) => newLead.parse(lead)),
    );
  const entries = async () =>
    (
      await world.sql<{ type: string }>("select event_type as type from audit.entry where org_id = $1 order by seq", [
        world.orgId,
      ])
    ).map((row) => row.type);

  it("answers each row by itself, in order: created, refused, duplicate", async () => {
    const results = await create(
      { phone: "(212) 555-0101", state: "NY", consent: consent() },
      { phone: "123" },
      { phone: "2125550101" },
      { phone: "2125550102" },
      { phone: "8005550101" },
      { phone: "2125550103", consent: consent({ seller_id: "sell_00000000000000000000000000" }) },
    );
    const [first] = results;
    expect(results).toMatchObject([
      { ok: true, status: "eligible", ineligibleReason: null },
      { ok: false, code: "phone_invalid" },
      { ok: false, code: "duplicate_in_org", leadId: first?.ok === true ? first.leadId : "" },
      { ok: true, status: "ineligible", ineligibleReason: "consent_missing" },
      { ok: false, code: "phone_not_geographic" },
      { ok: false, code: "seller_unknown" },
    ]);
    const [lead] = await world.sql("select candidate_states, import_id, line from leads where e164 = '+12125550101'");
    expect(lead).toEqual({ candidate_states: "NY", import_id: null, line: null });
    expect((await entries()).at(-1)).toBe("lead.batch_created");
  });

  let taken = 0;
  it.each([
    ["consent_invalid", { obtained_at: "2027-01-01" }],
    ["consent_invalid", { obtained_at: "soon" }],
    ["consent_unproven", { text: null }],
    ["consent_unproven", { signature: null }],
    ["consent_unproven", { basis: "pec" }],
    ["consent_scope_mismatch", { text: text.replace("Acme Solar LLC", "Brightside Inc.") }],
    ["consent_scope_mismatch", { text: `${text} Call 212-555-9999.` }],
  ])("takes a lead as ineligible for %s", async (reason, over) => {
    taken += 1;
    expect(await create({ phone: `212555${1000 + taken}`, consent: consent(over) })).toMatchObject([
      { ok: true, status: "ineligible", ineligibleReason: reason },
    ]);
  });

  it("writes one audit entry for a lead, and where nothing changed none but that a known number was told", async () => {
    await create({ phone: "2125550201", consent: consent() });
    const before = await entries();
    expect(before.at(-1)).toBe("lead.created");
    await create({ phone: "n/a" });
    expect(await entries()).toEqual(before);
    await create({ phone: "2125550201", consent: consent() });
    expect(await entries()).toEqual([...before, "customer_data_accessed"]);
    await create({ phone: "2125550201", consent: consent({ obtained_at: "2026-06-01T00:00:00Z" }) });
    expect(await entries()).toEqual([...before, "customer_data_accessed", "customer_data_accessed", "consent.kept"]);
  });

  it("takes a thousand at once and no more", async () => {
    const many = Array.from({ length: 1_000 }, (_, index) => ({ phone: `213555${String(index).padStart(4, "0")}` }));
    const results = await create(...many);
    expect(results.filter((result) => result.ok)).toHaveLength(1_000);
    await expect(create(...many, { phone: "2135559999" })).rejects.toThrow(RangeError);
  });

  it.each([
    { phone: "2125550301", first_name: "a\u0000b" },
    { phone: "2125550301", notes: "\ud800" },
    { phone: "2125550301", nickname: "x" },
    { first_name: "x" },
  ])("refuses at the door what the database could not hold: %j", (lead) => {
    expect(newLead.safeParse(lead).success).toBe(false);
  });
});
