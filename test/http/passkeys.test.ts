/** Passkeys end to end: each ceremony with an authenticator in software, whole, and with one part of it wrong. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { userHandleOf } from "../../src/domain/factors/check-passkey.ts";
import { publicId, uuidOf } from "../../src/lib/ids.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { Authenticator, cbor, type Created, type Wrong } from "../support/authenticator.ts";
import { makeMaker } from "../support/certificate.ts";
import { FactorBrowser, type SignedInPerson, signInPerson } from "../support/factor-holder.ts";
import { reportAccess } from "../support/report.ts";
import { livesOf, sessionLives, testOrigin } from "../support/users.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";

let api: Api;
let org: Caller;
let clock: Instant = realNow;
beforeAll(async () => {
  api = await openApi({ now: () => clock });
  org = await api.seed();
});
/** Of what is wrong in one thing; beside it how often the whole one was taken. */
const figures: Record<string, number> = {};
afterAll(async () => {
  await api?.close();
  if (Object.keys(figures).length === 6) reportAccess("passkeys", figures);
});
beforeEach(() => {
  clock = realNow;
});

const refused = { status: 403, code: "factor_refused", pointer: "/credential" };
type Answer = Awaited<ReturnType<FactorBrowser["send"]>>;
const told = ({ status, json }: Answer) => ({ status, code: json.code, pointer: json.errors?.[0]?.pointer });
const passkeys = async (userId: string) =>
  (await api.db.admin("select * from passkeys where user_id = $1 order by id", [userId])).rows;

/** A person with one passkey. */
async function holder(
  algorithm: ConstructorParameters<typeof Authenticator>[1] = "ES256",
  more: ConstructorParameters<typeof Authenticator>[2] = {},
): Promise<SignedInPerson & { authenticator: Authenticator; passkeyId: string }> {
  const person = await signInPerson(api, { orgId: org.orgId });
  const authenticator = new Authenticator(testOrigin, algorithm, more);
  const added = await person.browser.addPasskey(authenticator);
  expect(added.status, `${added.text} ${JSON.stringify(api.faults.at(-1))}`).toBe(201);
  return { ...person, authenticator, passkeyId: added.json.id };
}

/** How many of the answers were the refusal, to the letter. */
const refusals = (answers: readonly Answer[]): number =>
  answers.filter((answer) => JSON.stringify(told(answer)) === JSON.stringify(refused)).length;

describe("a passkey", () => {
  test.each(["ES256", "EdDSA", "RS256"] as const)("of %s is added, signs in, and is a second factor", async (algorithm) => {
    const person = await holder(algorithm);
    const [stored] = await passkeys(person.userId);
    expect(stored).toMatchObject({ name: "Laptop", transports: ["internal", "hybrid"], last_used_at: null, backed_up: false });

    const elsewhere = new FactorBrowser(api);
    const options = await elsewhere.signInOptions();
    expect(options).toMatchObject({
      rpId: "api.dialgate.test",
      userVerification: "required",
      allowCredentials: [],
      timeout: 300_000,
    });
    const inside = await elsewhere.signIn(person.authenticator.get(options));
    expect(inside.json, inside.text).toEqual({ object: "sign_in", status: "signed_in", next: "done", go_to: null });
    expect(inside.headers.get("cache-control")).toBe("no-store");
    expect((await elsewhere.makesKey()).status).toBe(201);
    expect(await livesOf(api.db, person.userId)).toEqual(sessionLives);
    const sessions = (await elsewhere.send("GET", "/v1/sessions")).json.data as { method: string; current: boolean }[];
    expect(sessions.find((one) => one.current)).toMatchObject({ method: "passkey", status: "open" });

    const byLink = await signInPerson(api, { person, stage: "factor_due" });
    expect((await byLink.browser.send("GET", "/v1/campaigns")).json.code).toBe("second_factor_due");
    const own = await byLink.browser.ownOptions();
    expect(own.allowCredentials).toEqual([
      { type: "public-key", id: person.authenticator.id, transports: ["internal", "hybrid"] },
    ]);
    const shown = await byLink.browser.show(person.authenticator.get(own));
    expect(shown.json, shown.text).toEqual({ object: "second_factor", method: "passkey", shown_at: realNow });
    expect((await byLink.browser.makesKey()).status).toBe(201);
    expect((await passkeys(person.userId))[0]).toMatchObject({ counter: 3 });
  });

  test("that is added asks for the person's verification, names this host alone, and leaves out those that they have", async () => {
    const person = await holder();
    const options = await person.browser.creationOptions();
    expect(options).toEqual({
      challenge: expect.stringMatching(/^[A-Za-z0-9_-]{70}$/),
      rp: { id: "api.dialgate.test", name: "Dialgate" },
      user: { id: userHandleOf(person.userId), name: person.email, displayName: person.email },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: "public-key", alg })),
      timeout: 300_000,
      excludeCredentials: [{ type: "public-key", id: person.authenticator.id, transports: ["internal", "hybrid"] }],
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      attestation: "none",
    });
  });

  test("whose host a request names otherwise is asked for by the configured origin all the same", async () => {
    const person = await signInPerson(api);
    const answer = await person.browser.send("POST", "/v1/me/passkeys/options", undefined, {
      host: "evil.example",
      origin: "https://evil.example",
      "x-forwarded-host": "evil.example",
    });
    expect(answer.json.rp.id).toBe("api.dialgate.test");
    const signIn = await new FactorBrowser(api).send("POST", "/auth/passkey/options", undefined, {
      host: "evil.example",
      "x-forwarded-host": "evil.example",
    });
    expect(signIn.json.rpId).toBe("api.dialgate.test");
  });

  test("that does not count is taken again and again, one that is copied between devices says so", async () => {
    const person = await holder("ES256", { counts: false, flags: { backupEligible: true, backedUp: true } });
    for (let time = 0; time < 3; time += 1) {
      const browser = new FactorBrowser(api);
      expect((await browser.signIn(person.authenticator.get(await browser.signInOptions()))).status).toBe(200);
    }
    expect((await passkeys(person.userId))[0]).toMatchObject({ counter: 0, backup_eligible: true, backed_up: true });
    const browser = new FactorBrowser(api);
    const noLonger = person.authenticator.get(await browser.signInOptions(), { flags: { backedUp: false } });
    expect((await browser.signIn(noLonger)).status).toBe(200);
    expect((await browser.send("GET", "/v1/me/passkeys")).json.data[0]).toMatchObject({
      backed_up: false,
      last_used_at: realNow,
    });
  });

  test("attested by its own key is taken, one attested by its maker is not: certificates are neither read nor followed", async () => {
    const person = await signInPerson(api);
    const authenticator = new Authenticator(testOrigin);
    const added = await person.browser.register(authenticator.attested(await person.browser.creationOptions()));
    expect(added.status, added.text).toBe(201);
    const other = new Authenticator(testOrigin);
    const forged = other.attested(await person.browser.creationOptions(), { signWith: authenticator });
    expect(told(await person.browser.register(forged))).toEqual(refused);

    const maker = makeMaker("http://169.254.169.254/revoked.crl");
    const fetched = vi.spyOn(globalThis, "fetch");
    try {
      const whole = new Authenticator(testOrigin).attested(await person.browser.creationOptions(), {}, maker);
      expect(told(await person.browser.register(whole))).toEqual(refused);
      for (const fmt of ["tpm", "android-key", "apple", "fido-u2f", "android-safetynet", "compound", ""]) {
        const attStmt = new Map<string, unknown>([["alg", -7], ["sig", randomBytes(70)], ["x5c", [maker.certificate]]]); // prettier-ignore
        const attested = await person.browser.addPasskey(new Authenticator(testOrigin), { attestation: { fmt, attStmt } });
        expect({ fmt, ...told(attested) }).toEqual({ fmt, ...refused });
      }
      const asked = fetched.mock.calls.map(([url]) => String(url));
      // The database's endpoint alone.
      expect(asked.filter((url) => !url.startsWith("http://127.0.0.1:"))).toEqual([]);
    } finally {
      fetched.mockRestore();
    }
  });

  test("is removed after a second factor, and signs in no more", async () => {
    const person = await holder();
    const second = new Authenticator(testOrigin);
    const added = (await person.browser.addPasskey(second, {}, "Key ring")).json;
    expect((await person.browser.send("GET", "/v1/me/passkeys")).json.data.map((one: { name: string }) => one.name)).toEqual([
      "Key ring",
      "Laptop",
    ]);
    const unshown = await signInPerson(api, { person });
    expect(told(await unshown.browser.send("DELETE", `/v1/me/passkeys/${added.id}`))).toMatchObject({
      status: 403,
      code: "second_factor_missing",
    });
    const stranger = await holder();
    expect((await stranger.browser.send("DELETE", `/v1/me/passkeys/${added.id}`)).status).toBe(404);
    expect((await stranger.browser.send("GET", "/v1/me/passkeys")).json.data).toHaveLength(1);

    expect((await person.browser.send("DELETE", `/v1/me/passkeys/${added.id}`)).json).toEqual({
      id: added.id,
      object: "passkey",
      deleted: true,
    });
    expect((await person.browser.send("DELETE", `/v1/me/passkeys/${added.id}`)).status).toBe(404);
    const browser = new FactorBrowser(api);
    expect(told(await browser.signIn(second.get(await browser.signInOptions())))).toEqual(refused);
    expect((await browser.signIn(person.authenticator.get(await browser.signInOptions()))).status).toBe(200);
    const subjects = (await api.mailbox.read(person.email)).map(({ subject }) => subject);
    expect(subjects).toEqual([
      "A passkey was added to your Dialgate account",
      "A passkey was added to your Dialgate account",
      "A passkey was removed from your Dialgate account",
    ]);
  });

  test("is renamed after a second factor by its person alone", async () => {
    const [person, stranger] = [await holder(), await holder()];
    const rename = (by: SignedInPerson, id = person.passkeyId, name: unknown = " Ada's laptop ") =>
      by.browser.send("PATCH", `/v1/me/passkeys/${id}`, { name });
    const renamed = await rename(person);
    expect([renamed.status, renamed.json]).toMatchObject([
      200,
      { id: person.passkeyId, object: "passkey", name: "Ada's laptop" },
    ]);
    expect((await person.browser.send("GET", "/v1/me/passkeys")).json.data).toEqual([renamed.json]);
    const { rows } = await api.db.admin(
      "select p.facts_text as facts from audit.entry e join audit.payload p using (org_id, seq) where e.event_type = 'passkey.renamed'",
    );
    expect(rows.map(({ facts }) => JSON.parse(String(facts)))).toMatchObject([{ user: publicId("user", person.userId) }]);
    expect(JSON.stringify(rows)).not.toContain("laptop");
    const never = await rename(person, publicId("passkey", api.deps.newId()));
    const foreign = await rename(stranger);
    expect([foreign.status, foreign.json.detail]).toEqual([never.status, never.json.detail]);
    expect((await rename(person, person.passkeyId, "a\nb")).json.errors).toMatchObject([{ pointer: "/name", code: "invalid" }]);
    await api.db.admin("update sessions set factor_at = null where user_id = $1", [person.userId]);
    expect((await rename(person)).json.code).toBe("second_factor_missing");
  });

  test("of somebody else is not added, nor one that the person has", async () => {
    const [one, other] = [await holder(), await holder()];
    const again = await one.browser.addPasskey(one.authenticator);
    const stolen = await other.browser.addPasskey(one.authenticator);
    expect([told(again), told(stolen)]).toEqual([refused, refused]);
    expect((await passkeys(other.userId)).map((row) => row["id"])).toHaveLength(1);
  });

  test("beyond twenty is not added", async () => {
    const person = await holder();
    await api.db.admin(
      `insert into passkeys (id, user_id, credential_id, public_key, counter, transports, name, backup_eligible, backed_up, created_at)
        select gen_random_uuid(), $1, sha256(n::text::bytea), sha256('x'), 0, '{}', 'x', false, false, $2 from generate_series(1, 19) n`,
      [person.userId, realNow],
    );
    const one = await person.browser.addPasskey(new Authenticator(testOrigin));
    expect([one.status, one.json.errors[0].code]).toEqual([409, "too_many"]);
  });
});

const coseMap = (entries: readonly (readonly [number, unknown])[]) => cbor(new Map(entries));

describe("a registration in which one thing is wrong adds nothing", () => {
  /** Each: what is made wrong, or what is done to the finished answer. */
  const wrongs: readonly (readonly [what: string, wrong: Wrong, after?: (created: Created) => Created])[] = [
    ["another origin", { clientData: { origin: "https://evil.example" } }],
    ["a subdomain's origin", { clientData: { origin: "https://x.api.dialgate.test" } }],
    ["the origin without TLS", { clientData: { origin: "http://api.dialgate.test" } }],
    ["the origin with a port", { clientData: { origin: "https://api.dialgate.test:8443" } }],
    ["an origin that begins as ours", { clientData: { origin: "https://api.dialgate.test.evil.example" } }],
    ["another rpID", { rpId: "evil.example" }],
    ["a parent's rpID", { rpId: "dialgate.test" }],
    ["an assertion's type", { clientData: { type: "webauthn.get" } }],
    ["no type", { clientData: { type: undefined } }],
    ["another challenge", { clientData: { challenge: randomBytes(52).toString("base64url") } }],
    ["no challenge", { clientData: { challenge: undefined } }],
    ["an empty challenge", { clientData: { challenge: "" } }],
    ["inside another site's page", { clientData: { crossOrigin: true } }],
    ["inside a named site's page", { clientData: { crossOrigin: true, topOrigin: "https://evil.example" } }],
    ["a top origin alone", { clientData: { topOrigin: "https://evil.example" } }],
    ["nobody present", { flags: { userPresent: false } }],
    ["nobody verified", { flags: { userVerified: false } }],
    ["backed up and not eligible for it", { flags: { backupEligible: false, backedUp: true } }],
    ["an algorithm that was not asked for", { coseKey: coseMap([[1, 2], [3, -35], [-1, 2], [-2, randomBytes(48)], [-3, randomBytes(48)]]) }],
    ["no algorithm", { coseKey: coseMap([[1, 2], [-1, 1], [-2, randomBytes(32)], [-3, randomBytes(32)]]) }],
    ["a key that is no map", { coseKey: cbor([1, 2, 3]) }],
    ["another id than the attested one", { id: randomBytes(32).toString("base64url") }],
    ["a raw id that is another", { rawId: randomBytes(32).toString("base64url") }],
    ["an id of fifteen bytes", { credentialId: Buffer.alloc(15, 1), id: Buffer.alloc(15, 1).toString("base64url") }],
    ["bytes behind the authenticator's data", { authenticatorData: (bytes) => Buffer.concat([bytes, Buffer.of(0)]) }],
    ["the authenticator's data cut off", { authenticatorData: (bytes) => bytes.subarray(0, 36) }],
    ["no attested credential", { authenticatorData: (bytes) => Buffer.concat([bytes.subarray(0, 32), Buffer.of(5), bytes.subarray(33, 37)]) }],
    ["none, with a statement", { attestation: { fmt: "none", attStmt: new Map([["sig", randomBytes(8)]]) } }],
    ["an attestation that is no CBOR", {}, (created) => ({ ...created, response: { ...created.response, attestationObject: "____" } })],
    ["client data that is no JSON", {}, (created) => ({ ...created, response: { ...created.response, clientDataJSON: "____" } })],
  ]; // prettier-ignore

  test(`${wrongs.length} of them, and the whole one beside each`, async () => {
    const person = await signInPerson(api);
    const answers: Answer[] = [];
    let added = 0;
    for (const [what, wrong, after = (created: Created) => created] of wrongs) {
      const broken = after(new Authenticator(testOrigin).create(await person.browser.creationOptions(), wrong));
      const answer = await person.browser.register(broken);
      answers.push(answer);
      expect({ what, ...told(answer) }).toEqual({ what, ...refused });
      expect(await passkeys(person.userId), what).toHaveLength(0);
    }
    for (const _ of wrongs.slice(0, 10))
      added += (await person.browser.addPasskey(new Authenticator(testOrigin))).status === 201 ? 1 : 0;
    figures["registrations_refused"] = refusals(answers);
    figures["registrations_honest"] = added;
    console.log(`hostile registrations: ${refusals(answers)} refused; honest ones: ${added} of 10 added`);
    expect(added).toBe(10);
    expect(api.faults).toEqual([]);
  });

  test("by another session, later than five minutes, twice, or with a challenge of another use", async () => {
    const person = await signInPerson(api);
    const options = await person.browser.creationOptions();
    const other = await signInPerson(api, { person });
    expect(told(await other.browser.register(new Authenticator(testOrigin).create(options)))).toEqual(refused);
    const stranger = await signInPerson(api);
    expect(told(await stranger.browser.register(new Authenticator(testOrigin).create(options)))).toEqual(refused);
    const forSignIn = await person.browser.signInOptions();
    expect(
      told(await person.browser.register(new Authenticator(testOrigin).create({ ...options, challenge: forSignIn.challenge }))),
    ).toEqual(refused);
    const forFactor = await person.browser.ownOptions();
    expect(
      told(await person.browser.register(new Authenticator(testOrigin).create({ ...options, challenge: forFactor.challenge }))),
    ).toEqual(refused);

    clock = addSeconds(realNow, 300);
    expect(told(await person.browser.register(new Authenticator(testOrigin).create(options)))).toEqual(refused);
    clock = addSeconds(realNow, 299);
    const taken = new Authenticator(testOrigin).create(options);
    expect((await person.browser.register(taken)).status).toBe(201);
    expect(told(await person.browser.register(new Authenticator(testOrigin).create(options)))).toEqual(refused);
    expect(await passkeys(person.userId)).toHaveLength(1);
  });
});

describe("an answer of a passkey in which one thing is wrong opens nothing", () => {
  const wrongs: readonly (readonly [what: string, wrong: (own: Holder, other: Holder) => Wrong | ((whole: Created) => Created)])[] = [
    ["another origin", () => ({ clientData: { origin: "https://evil.example" } })],
    ["a subdomain's origin", () => ({ clientData: { origin: "https://x.api.dialgate.test" } })],
    ["the origin without TLS", () => ({ clientData: { origin: "http://api.dialgate.test" } })],
    ["another rpID", () => ({ rpId: "evil.example" })],
    ["a registration's type", () => ({ clientData: { type: "webauthn.create" } })],
    ["another challenge", () => ({ clientData: { challenge: randomBytes(52).toString("base64url") } })],
    ["inside another site's page", () => ({ clientData: { crossOrigin: true } })],
    ["a top origin", () => ({ clientData: { topOrigin: "https://evil.example" } })],
    ["nobody present", () => ({ flags: { userPresent: false } })],
    ["nobody verified", () => ({ flags: { userVerified: false } })],
    ["backup that it was not eligible for", () => ({ flags: { backupEligible: true } })],
    ["a counter that stood still", ({ authenticator }) => ({ counter: authenticator.counter - 1 })],
    ["a counter that went back", () => ({ counter: 1 })],
    ["a counter that begins anew", () => ({ counter: 0 })],
    ["another's user handle", (_, other) => ({ userHandle: userHandleOf(other.userId) })],
    ["a made-up user handle", () => ({ userHandle: randomBytes(16).toString("base64url") })],
    ["another's key", (_, other) => ({ signWith: other.authenticator })],
    ["an unknown id", () => ({ id: randomBytes(32).toString("base64url") })],
    ["another's id", (_, other) => ({ id: other.authenticator.id })],
    ["a raw id that is another", () => ({ rawId: randomBytes(32).toString("base64url") })],
    ["a signature with one bit turned", () => ({ signature: (bytes) => Buffer.from(bytes.map((byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte))) })],
    ["a signature of another form", () => ({ signature: () => randomBytes(64) })],
    ["an empty signature in DER", () => ({ signature: () => Buffer.from("3006020100020100", "hex") })],
    ["flags that were changed after it was signed", () => (whole) => changed(whole, "authenticatorData", (bytes) => bytes.fill(bytes[32] ?? 0, 33, 34))],
    ["client data that was changed after it was signed", () => (whole) => changed(whole, "clientDataJSON", (bytes) => Buffer.from(`${bytes.toString()} `))],
    ["the authenticator's data cut off", () => ({ authenticatorData: (bytes) => bytes.subarray(0, 36) })],
    ["bytes behind the authenticator's data", () => ({ authenticatorData: (bytes) => Buffer.concat([bytes, Buffer.of(0)]) })],
    ["client data that is no JSON", () => (whole) => changed(whole, "clientDataJSON", () => Buffer.from("x"))],
    ["client data in another encoding", () => (whole) => changed(whole, "clientDataJSON", (bytes) => Buffer.from(bytes.toString(), "utf16le"))],
  ]; // prettier-ignore
  type Holder = SignedInPerson & { readonly authenticator: Authenticator };
  const changed = (whole: Created, part: string, change: (bytes: Buffer) => Buffer): Created => ({
    ...whole,
    response: {
      ...whole.response,
      [part]: change(Buffer.from(String(whole.response[part]), "base64url")).toString("base64url"),
    },
  });
  const answerOf = (own: Holder, options: Parameters<Authenticator["get"]>[0], wrong: Wrong | ((whole: Created) => Created)) =>
    typeof wrong === "function" ? wrong(own.authenticator.get(options)) : own.authenticator.get(options, wrong);

  test(`signing in: ${wrongs.length} of them, and the whole one after each`, async () => {
    const [own, other] = [await holder(), await holder()];
    own.authenticator.counter = 10;
    const sessions = async () => Number((await api.db.admin("select count(*) as n from sessions")).rows[0]?.["n"]);
    const answers: Answer[] = [];
    let healthy = 0;
    for (const [what, wrong] of wrongs) {
      const before = await sessions();
      const browser = new FactorBrowser(api);
      const answer = await browser.signIn(answerOf(own, await browser.signInOptions(), wrong(own, other)));
      answers.push(answer);
      expect({ what, ...told(answer) }).toEqual({ what, ...refused });
      expect([await sessions(), browser.session], what).toEqual([before, ""]);
      const honest = await browser.signIn(own.authenticator.get(await browser.signInOptions()));
      healthy += honest.status === 200 ? 1 : 0;
    }
    // Without a handle nobody has said who they are.
    const browser = new FactorBrowser(api);
    answers.push(await browser.signIn(own.authenticator.get(await browser.signInOptions(), { userHandle: null })));
    expect(answers.map(told).at(-1)).toEqual(refused);
    figures["sign_ins_refused"] = refusals(answers);
    figures["sign_ins_honest"] = healthy;
    console.log(`hostile passkey sign-ins: ${refusals(answers)} refused; honest ones: ${healthy} of ${wrongs.length}`);
    expect(healthy).toBe(wrongs.length);
    expect(api.faults).toEqual([]);
  });

  test(`as a second factor: ${wrongs.length} of them, and the whole one after each`, async () => {
    const [own, other] = [await holder(), await holder()];
    own.authenticator.counter = 10;
    const answers: Answer[] = [];
    let healthy = 0;
    for (const [what, wrong] of wrongs) {
      const due = await signInPerson(api, { person: own, stage: "factor_due" });
      const answer = await due.browser.show(answerOf(own, await due.browser.ownOptions(), wrong(own, other)));
      answers.push(answer);
      expect({ what, ...told(answer) }).toEqual({ what, ...refused });
      expect((await due.browser.send("GET", "/v1/campaigns")).json.code, what).toBe("second_factor_due");
      // In a session of one's own the handle may be left out: a key that holds no resident credentials has none.
      const honest = await due.browser.show(own.authenticator.get(await due.browser.ownOptions(), { userHandle: null }));
      healthy += honest.status === 200 ? 1 : 0;
    }
    figures["second_factors_refused"] = refusals(answers);
    figures["second_factors_honest"] = healthy;
    console.log(`hostile second factors by passkey: ${refusals(answers)} refused; honest ones: ${healthy} of ${wrongs.length}`);
    expect(healthy).toBe(wrongs.length);
    expect(api.faults).toEqual([]);
  });

  test("twice, by another browser, by another session, late, or with a challenge of another use", async () => {
    const own = await holder();
    const browser = new FactorBrowser(api);
    const options = await browser.signInOptions();
    const first = own.authenticator.get(options);
    expect(told(await new FactorBrowser(api).signIn(first))).toEqual(refused);
    const foreign = new FactorBrowser(api);
    await foreign.signInOptions();
    expect(told(await foreign.signIn(first))).toEqual(refused);
    const kept = browser.copy();
    expect((await browser.signIn(first)).status).toBe(200);
    // The very bytes again, and another answer to the same challenge.
    expect(told(await kept.signIn(first))).toEqual(refused);
    expect(told(await kept.signIn(own.authenticator.get(options)))).toEqual(refused);

    const late = new FactorBrowser(api);
    const lateOptions = await late.signInOptions();
    clock = addSeconds(realNow, 300);
    expect(told(await late.signIn(own.authenticator.get(lateOptions)))).toEqual(refused);
    clock = realNow;

    const due = await signInPerson(api, { person: own, stage: "factor_due" });
    const another = await signInPerson(api, { person: own, stage: "factor_due" });
    const answered = own.authenticator.get(await due.browser.ownOptions());
    expect(told(await another.browser.show(answered))).toEqual(refused);
    const signIn = await due.browser.signInOptions();
    expect(told(await due.browser.show(own.authenticator.get(signIn)))).toEqual(refused);
    const forFactor = await due.browser.ownOptions();
    expect(told(await due.browser.signIn(own.authenticator.get(forFactor)))).toEqual(refused);
    expect((await due.browser.show(own.authenticator.get(await due.browser.ownOptions()))).status).toBe(200);
  });

  test("a passkey of somebody else opens no session that waits for its person's", async () => {
    const [victim, thief] = [await holder(), await holder()];
    const stolen = await signInPerson(api, { person: victim, stage: "factor_due" });
    const options = await stolen.browser.ownOptions();
    const own = thief.authenticator.get({ ...options, allowCredentials: [] });
    expect(told(await stolen.browser.show(own))).toEqual(refused);
    expect((await stolen.browser.send("GET", "/v1/campaigns")).json.code).toBe("second_factor_due");
    // It signed something true, and is what it was to its own person.
    expect((await passkeys(thief.userId))[0]).toMatchObject({ last_used_at: null });
    const theirs = await signInPerson(api, { person: thief, stage: "factor_due" });
    expect((await theirs.browser.show(thief.authenticator.get(await theirs.browser.ownOptions()))).status).toBe(200);
    expect((await stolen.browser.show(victim.authenticator.get(await stolen.browser.ownOptions()))).status).toBe(200);
  });

  test("a challenge is used up by an answer that does not hold, too", async () => {
    const own = await holder();
    const browser = new FactorBrowser(api);
    const options = await browser.signInOptions();
    expect(told(await browser.signIn(own.authenticator.get(options, { flags: { userVerified: false } })))).toEqual(refused);
    expect(told(await browser.signIn(own.authenticator.get(options)))).toEqual(refused);
    expect((await browser.signIn(own.authenticator.get(await browser.signInOptions()))).status).toBe(200);
  });

  test("of two at once to one challenge one holds, and of two copies of a counter one", async () => {
    const own = await holder();
    const browser = new FactorBrowser(api);
    const options = await browser.signInOptions();
    const answers = await Promise.all(Array.from({ length: 8 }, () => browser.copy().signIn(own.authenticator.get(options))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);

    const counter = own.authenticator.counter + 5;
    const browsers = Array.from({ length: 8 }, () => new FactorBrowser(api));
    const copies = await Promise.all(
      browsers.map(async (one) => one.signIn(own.authenticator.get(await one.signInOptions(), { counter }))),
    );
    expect(copies.filter(({ status }) => status === 200)).toHaveLength(1);
    const { rows } = await api.db.admin(
      "select count(*)::integer as n from audit.entry where event_type = 'passkey.counter_regressed'",
    );
    expect(rows[0]?.["n"]).toBeGreaterThanOrEqual(7);
    expect((await api.mailbox.read(own.email)).map(({ subject }) => subject)).toContain(
      "A passkey was refused at your Dialgate account",
    );
    // The mail's sender is woken, whether it would have signed in or been a second factor.
    const due = await signInPerson(api, { person: own, stage: "factor_due" });
    for (const attempt of [
      async () => browser.signIn(own.authenticator.get(await browser.signInOptions(), { counter })),
      async () => due.browser.show(own.authenticator.get(await due.browser.ownOptions(), { counter })),
    ]) {
      api.woken.length = 0;
      expect(told(await attempt())).toEqual(refused);
      expect(api.woken).toEqual([{ orgId: "", work: "mail" }]);
    }
  });

  test("of somebody whose account is disabled signs nobody in", async () => {
    const own = await holder();
    await api.db.admin("update users set disabled_at = $2 where id = $1", [own.userId, realNow]);
    const browser = new FactorBrowser(api);
    expect(told(await browser.signIn(own.authenticator.get(await browser.signInOptions())))).toEqual(refused);
  });

  test("from another site changes nothing", async () => {
    const own = await holder();
    for (const from of [{ "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }]) {
      expect((await new FactorBrowser(api).send("POST", "/auth/passkey/options", undefined, from)).json.code).toBe("cross_site");
      const browser = new FactorBrowser(api);
      const credential = own.authenticator.get(await browser.signInOptions());
      expect((await browser.send("POST", "/auth/passkey", { credential }, from)).json.code).toBe("cross_site");
    }
  });

  test("that is no answer at all is told by its fields", async () => {
    const browser = new FactorBrowser(api);
    const empty = await browser.send("POST", "/auth/passkey", { credential: { id: "a+b", type: "x", response: {} } });
    expect(empty.status).toBe(422);
    expect(empty.json.errors.map((fault: { pointer: string }) => fault.pointer)).toEqual([
      "/credential/id",
      "/credential/rawId",
      "/credential/type",
      "/credential/response/clientDataJSON",
      "/credential/response/authenticatorData",
      "/credential/response/signature",
    ]);
    expect((await browser.send("POST", "/auth/passkey", { credential: "x".repeat(40_000) })).status).toBe(413);
  });
});

test("nobody who asks for options makes a row, and whoever signs in stands on the platform's chain", async () => {
  const own = await holder();
  const rows = async () => Number((await api.db.admin("select count(*) as n from webauthn_challenges")).rows[0]?.["n"]);
  const before = await rows();
  const browser = new FactorBrowser(api);
  for (let asked = 0; asked < 5; asked += 1) await browser.signInOptions();
  expect(await rows()).toBe(before);
  await browser.signIn(own.authenticator.get(await browser.signInOptions()));
  const sessions = (await browser.send("GET", "/v1/sessions")).json.data as { id: string; current: boolean }[];
  const inside = sessions.find((one) => one.current);
  expect(await rows()).toBe(before + 1);
  // And has shown a factor in this browser, by which it is known from now on.
  const { rows: devices } = await api.db.admin(
    "select d.factor_at is not null as known from known_devices d join sessions s on s.device_id = d.id where s.id = $1",
    [uuidOf("session", inside?.id ?? "")],
  );
  expect(devices).toEqual([{ known: true }]);
  clock = addSeconds(realNow, 1_200);
  await browser.send("POST", "/auth/passkey", { credential: own.authenticator.get(await browser.signInOptions()) });
  // What nobody could use any more was swept; up to twenty at once.
  expect(await rows()).toBeLessThan(before + 2);
  const { rows: entries } = await api.db.admin(
    `select p.facts_text as facts, e.event_type as type from audit.entry e join audit.payload p using (org_id, seq)
      where e.org_id = app.platform() and p.subject_text = any ($1) order by e.seq`,
    [[inside?.id, own.passkeyId]],
  );
  expect(entries.map((entry) => entry["type"])).toEqual([
    "passkey.added",
    "passkey.used",
    "session.started",
    "passkey.used",
    "session.ended",
  ]);
  expect(JSON.parse(String(entries[2]?.["facts"]))).toMatchObject({
    method: "passkey",
    status: "open",
    user: publicId("user", own.userId),
  });
  const { rows: people } = await api.db.admin("select last_sign_in_at from users where id = $1", [own.userId]);
  expect(people[0]?.["last_sign_in_at"]).not.toBeNull();
});
