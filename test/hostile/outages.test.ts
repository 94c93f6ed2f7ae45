/** Whatever is down, nothing is dialed that was not decided, nothing is dialed twice, and the caller is told what is down. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { neonTransport } from "../../src/db/transport.ts";
import { reconcile } from "../../src/dispatch/reconcile.ts";
import { run } from "../../src/dispatch/run.ts";
import { mintApiKey } from "../../src/lib/api-key.ts";
import { publicId } from "../../src/lib/ids.ts";
import { type House, openHouse } from "../support/live-house.ts";
import { type Operation, readDocument } from "./operations.ts";

const anyId = publicId("lead", "019a9b2c-7d00-7000-8000-000000000001");
const dials = (house: House) => house.left.filter(({ url }) => /create-phone-call|outbound-call/.test(url));
/** Every operation once, with a body that would be read. */
const ask = (house: House, { method, path }: Operation, key: string) => {
  const to = path.replace("{id}", anyId);
  if (path.endsWith("/file")) return house.api.send(method, to, { key, raw: "x", headers: { "content-type": "text/csv", "content-length": "1" } });
  const headers: Record<string, string> = method === "POST" ? { "idempotency-key": house.api.deps.newId() } : {};
  return house.api.send(method, to, { key, headers, ...(method === "GET" || method === "DELETE" ? {} : { body: {} }) });
}; // prettier-ignore

describe("an empty database", () => {
  let house: House;
  beforeAll(async () => {
    house = await openHouse();
  }, 60_000);
  afterAll(() => house.close());

  test("answers every operation with 401 or 404, breaks nowhere, and has no work for anyone", async () => {
    const { clear } = mintApiKey(house.api.deps.newId(), false, new Uint8Array(32).fill(1));
    const { operations } = await readDocument(house.api.deps);
    for (const operation of operations.filter(({ isPublic }) => !isPublic)) {
      const answer = await ask(house, operation, clear);
      expect({ name: operation.name, status: answer.status, code: answer.json?.code }).toEqual({ name: operation.name, status: 401, code: "unauthorized" });
    }
    for (const path of [`/webhooks/voice/${anyId}`, `/webhooks/voice/${publicId("connection", house.api.deps.newId())}/stop`]) {
      expect((await house.api.send("POST", path, { raw: "{}" })).status, path).toBe(404);
    }
    expect((await house.api.send("GET", "/healthz")).status).toBe(200);
    for (const work of ["dial", "import", "reconcile", "permits", "inbox", "outbox", "scrub", "test_clock"] as const) {
      expect(await house.api.deps.system.dueOrgs(work, "2026-11-20T09:00:00Z" as never, 100), work).toEqual([]);
    }
    expect(house.api.faults).toEqual([]);
  }, 60_000); // prettier-ignore
});

describe("a dead database", () => {
  test("is 503 for every operation, with Retry-After; no work is done and nothing is dialed", async () => {
    const house = await openHouse();
    const org = await house.open("Acme");
    await org.leads([{ phone: "+12122340001" }]);
    await house.work(org);
    const campaign = await org.launch(org.retell);
    const { operations } = await readDocument(house.api.deps);
    const before = house.left.length;
    await house.api.db.endpoint.close();
    for (const operation of operations.filter(({ path }) => path !== "/openapi.json")) {
      const answer = await ask(house, operation, org.apiKey);
      // What needs no row to be refused is refused as ever; nothing else is answered at all.
      if (operation.isPublic && answer.status !== 503) {
        expect([200, 404], operation.name).toContain(answer.status);
        continue;
      }
      expect({ name: operation.name, status: answer.status, code: answer.json?.code }).toEqual({ name: operation.name, status: 503, code: "database_unavailable" });
      expect(answer.headers.get("retry-after"), operation.name).toBe("5");
      expect(answer.headers.get("content-type"), operation.name).toBe("application/problem+json");
    }
    expect((await house.api.send("POST", `/webhooks/voice/${org.retell}`, { raw: "{}" })).status).toBe(503);
    await expect(run(house.dispatch, org.org, 5)).rejects.toMatchObject({ name: "DbError" });
    await expect(reconcile(house.dispatch, org.org)).rejects.toMatchObject({ name: "DbError" });
    expect(house.left.length).toBe(before);
    expect(campaign).toMatch(/^camp_/);
    await house.close().catch(() => undefined);
  }, 120_000); // prettier-ignore
});

describe("a dead provider", () => {
  let house: House;
  beforeAll(async () => {
    house = await openHouse();
    neonTransport(house.api.db.connectionString, { address: `127.0.0.1:${house.api.db.endpoint.port}` });
  }, 60_000);
  afterAll(() => house.close());
  const rows = async (text: string, orgId: string) => (await house.api.db.admin(text, [orgId])).rows;

  test("of do-not-call lists: an incident and a halt are recorded once, the org is told, and no dial leaves until a person ends it", async () => {
    const org = await house.open("Acme");
    await org.leads([{ phone: "+12122340001" }]);
    await house.work(org);
    await org.launch(org.retell);
    await house.work(org);
    // The healthy system does dial.
    expect(dials(house)).toHaveLength(1);
    await org.leads([{ phone: "+12122350001" }]);
    const { account } = org;
    house.simulators.register({ account, vendor: "http_dnc", api_key: `dnc_token_${org.orgId.replaceAll("-", "")}`, webhook_secret: org.keys.dnc, dnc_mode: "down" });
    await house.work(org);
    await house.work(org);
    expect(await rows("select code, severity from incidents where org_id = $1", org.orgId)).toEqual([{ code: "dnc_source_failing", severity: 2 }]);
    expect(await rows("select reason from halts where org_id = $1 and ended_at is null", org.orgId)).toEqual([{ reason: "incident_open" }]);
    expect((await org.post(`/v1/connections/${org.dnc}/test`)).json).toMatchObject({ passed: false });
    expect((await org.get("/v1/account")).text).toMatch(/dnc|halt|incident/i);
    await org.launch(org.retell, { name: "again" });
    await house.work(org);
    expect(dials(house)).toHaveLength(1);
    const [decision] = await rows("select verdict, reason_codes from decisions where org_id = $1 order by id desc limit 1", org.orgId);
    expect(decision).toMatchObject({ verdict: expect.stringMatching(/block|defer/), reason_codes: expect.arrayContaining(["incident_open"]) });
  }, 60_000); // prettier-ignore

  test("of calls: each attempt ends unknown or failed, none is dialed again, and a connection's test says so", async () => {
    const org = await house.open("Borealis");
    await org.leads([{ phone: "+13122340001", state: "IL" }, { phone: "+13122350001", state: "IL" }]);
    await house.work(org);
    const before = dials(house).length;
    await house.simulators.close();
    for (const id of [org.retell, org.elevenlabs, org.dnc]) {
      const tested = await org.post(`/v1/connections/${id}/test`);
      expect(tested.status).toBe(200);
      expect(tested.json).toMatchObject({ passed: false });
    }
    const launched = await org.launch(org.elevenlabs).catch((error: Error) => error.message);
    // A launch that asks the provider first may say no; then nothing is dialed at all.
    await run(house.dispatch, org.org, 5);
    await house.api.db.admin("update dial_attempts set settle_after = clock_timestamp() where org_id = $1", [org.orgId]);
    await reconcile(house.dispatch, org.org);
    await run(house.dispatch, org.org, 5);
    const attempts = await rows("select state, reason, provider_call_id from dial_attempts where org_id = $1", org.orgId);
    expect(attempts).toHaveLength(launched.startsWith("camp_") ? 2 : 0);
    for (const attempt of attempts) expect(attempt).toMatchObject({ state: "unknown", provider_call_id: null });
    expect(dials(house).length - before).toBe(attempts.length);
    expect(house.api.faults).toEqual([]);
  }, 60_000); // prettier-ignore
});
