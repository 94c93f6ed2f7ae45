/** What a key or token says of itself, and what it may really do: never more than whoever answers for it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accessBy, accessUnder } from "../../src/domain/access/with-access.ts";
import { allowedOperations, roles } from "../../src/domain/access/operations.ts";
import { scopes } from "../../src/domain/access/scopes.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { makeMember, makePerson, makeSession } from "../support/users.ts";
import { mintToken, signerOf } from "../support/tokens.ts";
import { realNow } from "./api.ts";
import { openTokenGround, registered, type TokenGround } from "./token-ground.ts";

let ground: TokenGround;
beforeAll(async () => {
  ground = await openTokenGround();
});
afterAll(() => ground.close());

/** A person of that role, and the API asked in their session. */
async function personAs(role: "owner" | "admin") {
  const { api, org } = ground;
  const { userId } = await makePerson(api.db);
  await makeMember(api.db, org.orgId, userId, role);
  const { headers } = await makeSession(api.db, api.deps.hashApiKey, userId, realNow, { factor: true, org: org.orgId });
  const asked = async (method: string, path: string, body?: unknown) =>
    (await api.send(method, path, { headers: { ...headers }, ...(body === undefined ? {} : { body }) })).json;
  return { id: publicId("user", userId), asked, become: (to: "admin" | "member" | "viewer") => makeMember(api.db, org.orgId, userId, to) };
} // prettier-ignore
const lead = { phone: "+12122300001", state: "NY" };

describe("a key of someone whose role was taken away", () => {
  test("says so where it is shown, tells who answers for it where it is refused, and is whole again once another rotates it", async () => {
    const { api, org } = ground;
    const sponsor = await personAs("admin");
    const made = await sponsor.asked("POST", "/v1/api_keys", { name: "CRM", scopes: ["leads:write", "leads:read", "halts:write"] });
    expect(made).toMatchObject({ limited_by_sponsor: false, effective_scopes: made.scopes, sponsor_id: sponsor.id });
    const shown = async () => (await org.get(`/v1/api_keys/${made.id}`)).json;

    // A member may start a halt and not end it: of the scope something is left.
    await sponsor.become("member");
    expect(await shown()).toMatchObject({ status: "active", limited_by_sponsor: true, effective_scopes: made.scopes });
    await sponsor.become("viewer");
    const limited = { scopes: made.scopes, limited_by_sponsor: true, effective_scopes: ["leads:read"] };
    expect(await shown()).toMatchObject(limited);
    expect((await org.get("/v1/api_keys")).json.data.find((one: { id: string }) => one.id === made.id)).toMatchObject(limited);

    const refused = (await api.send("POST", "/v1/leads", { key: made.secret, body: lead })).json;
    expect(refused).toMatchObject({ status: 403, code: "role_missing", detail: expect.stringContaining(`role member, and ${sponsor.id}, who answers`) }); // prettier-ignore
    expect(refused.detail).toContain("rotates the key");
    const me = (await api.send("GET", "/v1/me", { key: made.secret })).json;
    expect(me.machine).toMatchObject({ id: made.id, sponsor_id: sponsor.id, limited_by_sponsor: true, effective_scopes: ["leads:read"] });
    expect(me.organisations[0].operations).not.toContain("leads.create");

    const other = await personAs("owner");
    const next = await other.asked("POST", `/v1/api_keys/${made.id}/rotate`, {});
    expect(next).toMatchObject({ sponsor_id: other.id, limited_by_sponsor: false, effective_scopes: made.scopes });
    expect((await api.send("POST", "/v1/leads", { key: next.secret, body: lead })).status).toBe(201);
    expect((await org.delete(`/v1/api_keys/${made.id}`)).json).toMatchObject({ limited_by_sponsor: false, effective_scopes: [] });
  }); // prettier-ignore

  test("an issuer says the same, and its tokens are told the same", async () => {
    const { api, org } = ground;
    const sponsor = await personAs("admin");
    const signer = signerOf("EdDSA");
    const body = { name: "CRM", issuer: "https://crm.acme-solar.com", alg: "EdDSA", public_key: signer.jwk, scopes: ["leads:write", "leads:read"] };
    const made = await sponsor.asked("POST", "/v1/token_issuers", body);
    expect(made).toMatchObject({ limited_by_sponsor: false, effective_scopes: made.scopes });
    await sponsor.become("viewer");
    expect((await org.get(`/v1/token_issuers/${made.id}`)).json).toMatchObject({ limited_by_sponsor: true, effective_scopes: ["leads:read"] });
    const token = mintToken({ id: made.id, signer, issuer: body.issuer, subject: "x", audience: made.audience, keyId: null } as never, ground.now);
    const refused = (await api.send("POST", "/v1/leads", { key: token, body: lead })).json;
    expect(refused).toMatchObject({ status: 403, code: "role_missing", detail: expect.stringContaining(sponsor.id) });
    // Who lacks the scope learns nothing of whoever answers.
    expect((await api.send("POST", "/v1/sellers", { key: token, body: {} })).text).not.toContain(sponsor.id);
    // A person is told of no other.
    expect((await sponsor.asked("POST", "/v1/leads", lead)).detail).toBe("This takes the role member.");
  }); // prettier-ignore

  test("what is shown is what is let in, for each scope and role", () => {
    for (const scope of scopes)
      for (const role of roles) {
        const allowed = allowedOperations({ role, scopes: [scope] }).length;
        const named = allowedOperations({ role: null, scopes: [scope] }).length;
        // `me.get` is everyone's.
        const least = allowedOperations({ role, scopes: [] }).length;
        const expected = { effectiveScopes: allowed > least ? [scope] : [], limitedBySponsor: allowed < named };
        expect(accessBy([scope], role), `${scope} ${role}`).toEqual(expected);
      }
    expect(accessBy(["audit:read"], null)).toEqual({ effectiveScopes: ["audit:read"], limitedBySponsor: false });
    expect(accessUnder(["audit:read"], undefined)).toEqual({ effectiveScopes: [], limitedBySponsor: true });
  });
});

describe("GET /v1/me says what asks", () => {
  test("a key: its own id, by which it rotates itself, its end, and that it answers for itself", async () => {
    const { api, org } = ground;
    const ends = addSeconds(realNow, 600);
    const made = (await org.post("/v1/api_keys", { name: "Own", scopes: ["api_keys:write"], expires_at: ends })).json;
    const { machine } = (await api.send("GET", "/v1/me", { key: made.secret })).json;
    const said = { id: made.id, name: "Own", subject: null, expires_at: ends, sponsor_id: null };
    expect(machine).toEqual({ ...said, effective_scopes: ["api_keys:write"], limited_by_sponsor: false });
    const rotated = await api.send("POST", `/v1/api_keys/${machine.id}/rotate`, {
      key: made.secret,
      body: { overlap_seconds: 0 },
    });
    expect(rotated.json).toMatchObject({ rotated_from: made.id, effective_scopes: ["api_keys:write"] });
  });

  test("a token: its issuer, its own end, and whom it is for as the audit log has them", async () => {
    const { api, org } = ground;
    const issuer = await registered(org, signerOf("EdDSA"));
    const token = mintToken(issuer, ground.now, { claims: { scope: "leads:read", exp: ground.now + 300 } });
    const { machine, organisations } = (await api.send("GET", "/v1/me", { key: token })).json;
    const said = { id: issuer.id, name: "CRM", expires_at: addSeconds(realNow, 300), sponsor_id: null };
    expect(machine).toMatchObject({ ...said, subject: expect.stringMatching(/^hmac:/), effective_scopes: ["leads:read"] });
    expect(organisations[0].scopes).toEqual(["leads:read"]);
  });

  test("a person: none", async () => {
    expect((await (await personAs("owner")).asked("GET", "/v1/me")).machine).toBeNull();
  });
});
