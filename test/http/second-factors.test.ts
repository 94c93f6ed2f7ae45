/** An authenticator's codes, recovery codes, and what a session may do before and after one is shown. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createApp } from "../../src/http/app.ts";
import { operations, type Rule } from "../../src/domain/access/operations.ts";
import { quotasOf } from "../../src/http/quotas.ts";
import { addSeconds, type Instant, instantOf, secondsOf } from "../../src/lib/instant.ts";
import { publicId } from "../../src/lib/ids.ts";
import { qrRows } from "../../src/lib/qr-code.ts";
import { readDocument } from "../hostile/operations.ts";
import { Authenticator } from "../support/authenticator.ts";
import type { BrowserAnswer } from "../support/browser.ts";
import { FactorBrowser, type SignedInPerson, signInPerson } from "../support/factor-holder.ts";
import { memoryLimits } from "../support/rate-limits.ts";
import { reportAccess } from "../support/report.ts";
import { totpCodeAt } from "../support/totp.ts";
import { testOrigin } from "../support/users.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";
import { chainOf } from "./signed-in.ts";

let api: Api;
let org: Caller;
let clock: Instant = realNow;
const later = (seconds: number): void => void (clock = addSeconds(clock, seconds));
beforeAll(async () => {
  api = await openApi({ now: () => clock });
  org = await api.seed();
});
afterAll(() => api?.close());
beforeEach(() => {
  clock = realNow;
});

const told = ({ status, json }: BrowserAnswer) => ({ status, code: json.code, pointer: json.errors?.[0]?.pointer });
const refused = { status: 403, code: "factor_refused", pointer: "/code" };
const missing = { status: 403, code: "second_factor_missing" };
/** The same text but for its own id: what two answers say. */
const bytes = ({ status, text }: BrowserAnswer) => `${status} ${text.replaceAll(/req_[0-9a-z]{26}/g, "req")}`;

interface Holder extends SignedInPerson {
  readonly base32: string;
  readonly codes: readonly string[];
}
/** A person with an authenticator whose last code was taken a minute before `clock`. */
async function holder(more: Parameters<typeof signInPerson>[1] = {}): Promise<Holder> {
  const person = await signInPerson(api, { orgId: org.orgId, at: clock, ...more });
  const started = await person.browser.send("POST", "/v1/me/totp");
  expect(started.status, started.text).toBe(201);
  const { base32 } = started.json.secret;
  const confirmed = await person.browser.send("POST", "/v1/me/totp/confirm", { code: totpCodeAt(base32, clock) });
  expect(confirmed.status, confirmed.text).toBe(200);
  later(60);
  return { ...person, base32, codes: confirmed.json.secret.recovery_codes };
}
const due = (person: Holder, more: Parameters<typeof signInPerson>[1] = {}) =>
  signInPerson(api, { person, stage: "factor_due", at: clock, ...more });

const platform = "00000000-0000-0000-0000-000000000000";
/** What the platform's chain says of this type about the person. */
const platformTold = async (type: string, { userId }: SignedInPerson) =>
  (await chainOf(api, platform))
    .filter((entry) => entry.type === type && entry.subject === publicId("user", userId))
    .map(({ facts }) => facts);

describe("an authenticator", () => {
  test("is added by its first code, which brings ten recovery codes and opens the session under another token", async () => {
    const person = await signInPerson(api, { orgId: org.orgId });
    expect(told(await person.browser.makesKey())).toMatchObject(missing);
    const started = await person.browser.send("POST", "/v1/me/totp");
    expect(started.json).toEqual({
      object: "totp",
      status: "started",
      ends_at: addSeconds(realNow, 900),
      secret: { base32: expect.stringMatching(/^[A-Z2-7]{32}$/), uri: expect.any(String), qr: expect.any(Array) },
    });
    const { base32, uri, qr } = started.json.secret;
    expect(qr).toEqual(qrRows(uri));
    const read = new URL(uri);
    expect(`${read.protocol}//${read.host}${decodeURIComponent(read.pathname)}`).toBe(`otpauth://totp/Dialgate:${person.email}`);
    expect(Object.fromEntries(read.searchParams)).toEqual({
      issuer: "Dialgate",
      secret: base32,
      algorithm: "SHA1",
      digits: "6",
      period: "30",
    });
    expect(started.headers.get("cache-control")).toBe("no-store");

    // Not confirmed, it is none.
    expect((await person.browser.send("GET", "/v1/me/second_factors")).json).toEqual({
      object: "second_factors",
      passkeys: 0,
      totp_confirmed_at: null,
      recovery_codes_left: 0,
    });
    expect(told(await person.browser.totp(totpCodeAt(base32, clock)))).toEqual(refused);
    const before = person.browser.copy();
    const confirmed = await person.browser.send("POST", "/v1/me/totp/confirm", { code: totpCodeAt(base32, clock) });
    expect(confirmed.json).toMatchObject({ object: "totp", status: "confirmed", confirmed_at: realNow });
    const codes = confirmed.json.secret.recovery_codes as string[];
    expect(codes).toHaveLength(10);
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^([0-9a-hjkmnp-tv-z]{4}-){5}[0-9a-hjkmnp-tv-z]{4}$/);
    expect(person.browser.session).not.toBe(before.session);
    expect((await person.browser.makesKey()).status).toBe(201);
    expect((await before.send("GET", "/v1/me")).status).toBe(401);
    expect((await person.browser.send("GET", "/v1/me/second_factors")).json).toMatchObject({
      totp_confirmed_at: realNow,
      recovery_codes_left: 10,
    });
    const subjects = (await api.mailbox.read(person.email)).map(({ subject }) => subject);
    expect(subjects).toEqual(["An authenticator was added to your Dialgate account"]);
  });

  test("that is there is not replaced; one that waits is, and ends after fifteen minutes", async () => {
    const person = await signInPerson(api, { orgId: org.orgId });
    expect(told(await person.browser.send("POST", "/v1/me/totp/confirm", { code: "123456" })).status).toBe(409);
    const first = (await person.browser.send("POST", "/v1/me/totp")).json.secret.base32;
    const second = (await person.browser.send("POST", "/v1/me/totp")).json.secret.base32;
    expect(second).not.toBe(first);
    const confirm = (base32: string) => person.browser.send("POST", "/v1/me/totp/confirm", { code: totpCodeAt(base32, clock) });
    expect(told(await confirm(first))).toEqual(refused);
    later(900);
    const ended = await confirm(second);
    expect([ended.status, ended.json.errors[0].code]).toEqual([409, "totp_not_started"]);
    const held = await holder();
    const again = await held.browser.send("POST", "/v1/me/totp");
    expect([again.status, again.json.errors[0].code]).toEqual([409, "totp_exists"]);
  });

  test("opens a session that waits, once for each of its codes, and none before the latest that was taken", async () => {
    const person = await holder();
    const [first, second, third] = [await due(person), await due(person), await due(person)];
    const code = totpCodeAt(person.base32, clock);
    const shown = await first.browser.totp(code);
    expect(shown.json).toEqual({ object: "second_factor", method: "totp", shown_at: clock });
    expect((await first.browser.send("GET", "/v1/campaigns")).status).toBe(200);
    expect((await first.browser.makesKey()).status).toBe(201);
    // The same step again, and the one before it, which still counts by the clock.
    expect(told(await second.browser.totp(code))).toEqual(refused);
    expect(told(await second.browser.totp(totpCodeAt(person.base32, clock, -1)))).toEqual(refused);
    expect((await second.browser.send("GET", "/v1/campaigns")).json.code).toBe("second_factor_due");
    expect((await second.browser.totp(totpCodeAt(person.base32, clock, 1))).status).toBe(200);
    // And now the present one is before the latest.
    expect(told(await third.browser.totp(totpCodeAt(person.base32, clock)))).toEqual(refused);
    later(60);
    expect((await third.browser.totp(totpCodeAt(person.base32, clock))).status).toBe(200);
  });

  test("whose clock is half a minute wrong is taken, one that is further off is not", async () => {
    const person = await holder();
    const at = Math.floor(secondsOf(clock) / 30) * 30;
    for (const [steps, taken] of [[-3, false], [-2, false], [2, false], [3, false], [20, false], [-1, true], [0, true], [1, true]] as const) {
      const one = await due(person);
      const answer = await one.browser.totp(totpCodeAt(person.base32, clock, steps));
      expect([steps, answer.status]).toEqual([steps, taken ? 200 : 403]);
    }
    // At a step's first and last second the window is of the same three steps.
    for (const seconds of [300, 629]) {
      clock = instantOf(at + seconds);
      const [early, late] = [await due(person), await due(person)];
      expect(told(await early.browser.totp(totpCodeAt(person.base32, clock, -2)))).toEqual(refused);
      expect((await late.browser.totp(totpCodeAt(person.base32, clock, -1))).status).toBe(200);
      expect((await early.browser.totp(totpCodeAt(person.base32, clock, 1))).status).toBe(200);
    }
  }); // prettier-ignore

  test("of somebody else opens nothing", async () => {
    const [one, other] = [await holder(), await holder()];
    const waiting = await due(one);
    expect(told(await waiting.browser.totp(totpCodeAt(other.base32, clock)))).toEqual(refused);
    expect((await waiting.browser.totp(totpCodeAt(one.base32, clock))).status).toBe(200);
  });

  test("confirmed by a code is not signed in with by that code", async () => {
    const person = await signInPerson(api, { orgId: org.orgId });
    const { base32 } = (await person.browser.send("POST", "/v1/me/totp")).json.secret;
    const code = totpCodeAt(base32, clock);
    await person.browser.send("POST", "/v1/me/totp/confirm", { code });
    const waiting = await signInPerson(api, { person, stage: "factor_due" });
    expect(told(await waiting.browser.totp(code))).toEqual(refused);
  });

  test("takes its code with a space in the middle, and says what a code is", async () => {
    const person = await holder();
    const waiting = await due(person);
    const code = totpCodeAt(person.base32, clock);
    for (const wrong of ["", "12345", "1234567", "12345a", "１２３４５６", `${code} `, 123456, null, [code]]) {
      const answer = await waiting.browser.send("POST", "/v1/me/second_factor/totp", { code: wrong });
      expect(told(answer), String(wrong)).toMatchObject({ status: 422, pointer: "/code" });
    }
    expect((await waiting.browser.totp(`${code.slice(0, 3)} ${code.slice(3)}`)).status).toBe(200);
  });

  test("asked for in thirty requests at once, in as many sessions or in one, opens exactly one", async () => {
    const person = await holder();
    const many = await Promise.all(Array.from({ length: 30 }, () => due(person)));
    const code = totpCodeAt(person.base32, clock);
    const answers = await Promise.all(many.map(({ browser }) => browser.totp(code)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter((answer) => told(answer).code === "factor_refused")).toHaveLength(29);
    later(60);
    const one = await due(person);
    const next = totpCodeAt(person.base32, clock);
    const inOne = await Promise.all(Array.from({ length: 9 }, () => one.browser.copy().totp(next)));
    expect(inOne.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(inOne.filter(({ status }) => status === 401 || status === 403)).toHaveLength(8);
    expect(api.faults).toEqual([]);
  });
});

describe("a recovery code", () => {
  test("opens a session once, whoever types it how, is told by mail, and stands on the chain", async () => {
    const person = await holder();
    const [first, second, third] = [await due(person), await due(person), await due(person)];
    const [code = "", other = ""] = person.codes;
    const shown = await first.browser.recover(code);
    expect(shown.json).toEqual({ object: "second_factor", method: "recovery_code", shown_at: clock });
    expect((await first.browser.makesKey()).status).toBe(201);
    expect(told(await second.browser.recover(code))).toEqual(refused);
    expect(
      (await second.browser.recover(` ${other.toUpperCase().replaceAll("-", " ").replaceAll("0", "O").replaceAll("1", "l")}`))
        .status,
    ).toBe(200);
    expect((await second.browser.send("GET", "/v1/me/second_factors")).json.recovery_codes_left).toBe(8);
    expect(told(await third.browser.recover(other))).toEqual(refused);
    const letters = await api.mailbox.read(person.email);
    expect(letters.map(({ subject }) => subject)).toEqual([
      "An authenticator was added to your Dialgate account",
      "A recovery code was used at your Dialgate account",
      "A recovery code was used at your Dialgate account",
    ]);
    expect(letters.at(-1)?.text).toContain("8 codes of the set are left.");
    for (const letter of letters) for (const one of person.codes) expect(letter.text.includes(one)).toBe(false);
    const { rows } = await api.db.admin(
      "select facts_text as facts from audit.payload where subject_text = $1 and facts_text like '%codes_left%'",
      [publicUser(person)],
    );
    expect(rows.map((row) => JSON.parse(String(row["facts"])).codes_left)).toEqual([9, 8]);
  });

  test("that is wrong, used, another's or of nobody is one answer, byte for byte, and so is a wrong code of an authenticator", async () => {
    const [person, other] = [await holder(), await holder()];
    const [used = "", fresh = ""] = person.codes;
    expect((await (await due(person)).browser.recover(used)).status).toBe(200);
    const nobody = await signInPerson(api, { stage: "factor_due" });
    const answers = [];
    for (const code of [used, other.codes[0] ?? "", "0000-0000-0000-0000-0000-0000", "x", "ﬀ", "'; drop table users; --"]) {
      answers.push(bytes(await (await due(person)).browser.recover(code)));
    }
    answers.push(bytes(await nobody.browser.recover(fresh)));
    answers.push(bytes(await nobody.browser.totp("123456")));
    const wrong = await due(person);
    for (const steps of [30, -30]) answers.push(bytes(await wrong.browser.totp(totpCodeAt(person.base32, clock, steps))));
    expect(new Set(answers).size).toBe(1);
    expect((await (await due(person)).browser.recover(fresh)).status).toBe(200);
  });

  test("of a set that was renewed is worth nothing, and only who has shown a factor renews it", async () => {
    const person = await holder();
    const waiting = await due(person);
    expect(told(await waiting.browser.send("POST", "/v1/me/recovery_codes")).code).toBe("second_factor_due");
    const open = await due(person, { stage: "open" });
    expect(told(await open.browser.send("POST", "/v1/me/recovery_codes"))).toMatchObject(missing);
    const renewed = await person.browser.send("POST", "/v1/me/recovery_codes");
    expect([renewed.status, renewed.json.object, renewed.headers.get("cache-control")]).toEqual([
      201,
      "recovery_codes",
      "no-store",
    ]);
    const codes = renewed.json.secret.recovery_codes as string[];
    expect(codes.filter((code) => person.codes.includes(code))).toEqual([]);
    expect(told(await waiting.browser.recover(person.codes[0] ?? ""))).toEqual(refused);
    expect((await waiting.browser.recover(codes[0] ?? "")).status).toBe(200);
    expect((await api.mailbox.read(person.email)).map(({ subject }) => subject)).toContain(
      "New recovery codes for your Dialgate account",
    );
  });

  test("stands in for a factor that there is, and for none", async () => {
    const bare = await signInPerson(api, { orgId: org.orgId });
    const { clear, hashes } = await api.deps.recoveryCodes.mint(bare.userId);
    const insert = "insert into recovery_codes (user_id, code_hash, created_at) values ($1, decode($2, 'hex'), $3)";
    await api.db.admin(insert, [bare.userId, Buffer.from(hashes[0] ?? []).toString("hex"), realNow]);
    expect(told(await bare.browser.recover(clear[0] ?? ""))).toEqual(refused);
    expect((await bare.browser.addPasskey(new Authenticator(testOrigin))).status).toBe(201);
    expect((await bare.browser.recover(clear[0] ?? "")).status).toBe(200);
  });

  test("asked for in thirty requests at once opens exactly one", async () => {
    const person = await holder();
    const many = await Promise.all(Array.from({ length: 30 }, () => due(person)));
    const answers = await Promise.all(many.map(({ browser }) => browser.recover(person.codes[3] ?? "")));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await person.browser.send("GET", "/v1/me/second_factors")).json.recovery_codes_left).toBe(9);
  });
});

describe("a session whose second factor is due", () => {
  test("does nothing else: every operation of the document but those of showing it", async () => {
    const person = await holder();
    const [waiting, leaving] = [await due(person), await due(person)];
    const document = await readDocument(api.deps);
    const whileDue = new Set(Object.entries<Rule>(operations).flatMap(([id, rule]) => (rule.whileDue !== undefined ? [id] : [])));
    const paths = (await (await createApp().request("/openapi.json", {}, api.deps)).json()) as {
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    // Asked one and all, whatever the table says of them: what is open is what did not answer that a factor is due.
    const open: string[] = [];
    let closed = 0;
    for (const { method, path, isPublic } of document.operations) {
      const id = paths.paths[path]?.[method.toLowerCase()]?.operationId ?? "";
      if (isPublic) continue;
      const isFile = path.endsWith("/file");
      const answer = await (id === "sessions.end" ? leaving : waiting).browser.send(
        method,
        path.replace("{id}", id === "sessions.end" ? publicId("session", leaving.sessionId) : "x"),
        isFile ? "x" : method === "GET" || method === "DELETE" ? undefined : {},
        { "idempotency-key": `due-${closed}`, ...(isFile ? { "content-type": "text/csv", "content-length": "1" } : {}) },
      );
      if (answer.status === 403 && answer.json?.code === "second_factor_due") closed += 1;
      else open.push(id);
    }
    expect(closed).toBeGreaterThan(60);
    expect(open.toSorted()).toEqual([...whileDue].toSorted());
    expect(open.toSorted()).toEqual([
      "me.get",
      "second_factors.get",
      "second_factors.passkey",
      "second_factors.passkey_options",
      "second_factors.recovery_code",
      "second_factors.totp",
      "sessions.end",
    ]);
    const path = `/v1/sessions/${publicId("session", person.sessionId)}`;
    // None but itself.
    expect((await waiting.browser.send("DELETE", path)).json).toMatchObject({ status: 403, code: "second_factor_due" });
    expect((await person.browser.send("GET", "/v1/sessions")).status).toBe(200);
    expect((await waiting.browser.totp(totpCodeAt(person.base32, clock))).status).toBe(200);
    expect((await waiting.browser.send("GET", "/v1/campaigns")).status).toBe(200);
    reportAccess("factor_due", { operations_refused: closed, operations_open: open.length });
  });

  test("comes of signing in by a link with a factor behind the account, and of none without", async () => {
    const [person, bare] = [await holder(), await signInPerson(api)];
    const { rows } = await api.db.admin("select app.has_factor($1) as held, app.has_factor($2) as bare", [
      person.userId,
      bare.userId,
    ]);
    expect(rows[0]).toEqual({ held: true, bare: false });
  });
});

describe("after a second factor the session goes on under another token", () => {
  test("and the one of before is worth nothing at once, nor is it worth more than it was", async () => {
    const person = await holder();
    const waiting = await due(person);
    const thief = waiting.browser.copy();
    expect((await thief.send("GET", "/v1/me")).status).toBe(200);
    const shown = await waiting.browser.totp(totpCodeAt(person.base32, clock));
    expect(shown.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-dialgate-session=dgs_\w+; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ]);
    expect((await thief.send("GET", "/v1/me")).status).toBe(401);
    expect((await thief.makesKey()).status).toBe(401);
    expect((await waiting.browser.makesKey()).status).toBe(201);
    expect((await waiting.browser.send("GET", "/v1/me")).json.second_factor_at).toBe(clock);
  });

  test("with an Idempotency-Key, and while a change of role is due, one token is given and it works", async () => {
    const person = await holder();
    const waiting = await due(person);
    await api.db.admin("update sessions set rotation_due = true where id = $1", [waiting.sessionId]);
    const body = { code: totpCodeAt(person.base32, clock) };
    const shown = await waiting.browser.send("POST", "/v1/me/second_factor/totp", body, { "idempotency-key": "one" });
    expect([shown.status, shown.headers.getSetCookie().length], shown.text).toEqual([200, 1]);
    const again = await waiting.browser.send("POST", "/v1/me/second_factor/totp", body, { "idempotency-key": "one" });
    expect([again.status, again.headers.get("idempotent-replayed"), again.headers.getSetCookie()]).toEqual([200, "true", []]);
    expect((await waiting.browser.makesKey()).status).toBe(201);
  });

  test("is true of that session alone: by its Idempotency-Key another one is not told so", async () => {
    const person = await holder();
    const [one, other] = [await due(person), await due(person)];
    const show = ({ browser }: SignedInPerson) =>
      browser.send(
        "POST",
        "/v1/me/second_factor/totp",
        { code: totpCodeAt(person.base32, clock) },
        { "idempotency-key": "shown" },
      );
    expect((await show(one)).status).toBe(200);
    expect(told(await show(other))).toEqual(refused);
    expect((await other.browser.send("GET", "/v1/me")).json.session.status).toBe("second_factor_due");
    expect((await show(one)).headers.get("idempotent-replayed")).toBe("true");
  });

  test("a secret is told once: a repetition by Idempotency-Key gets null in its place", async () => {
    const person = await signInPerson(api, { orgId: org.orgId });
    const key = (name: string) => ({ "idempotency-key": name });
    const start = () => person.browser.send("POST", "/v1/me/totp", undefined, key("start"));
    const { base32 } = (await start()).json.secret;
    expect((await start()).json).toMatchObject({ status: "started", secret: null });
    const body = { code: totpCodeAt(base32, clock) };
    const confirm = () => person.browser.send("POST", "/v1/me/totp/confirm", body, key("confirm"));
    expect((await confirm()).json.secret.recovery_codes).toHaveLength(10);
    expect((await confirm()).json).toMatchObject({ status: "confirmed", secret: null });
    const renew = () => person.browser.send("POST", "/v1/me/recovery_codes", undefined, key("renew"));
    expect((await renew()).json.secret.recovery_codes).toHaveLength(10);
    expect((await renew()).json).toEqual({ object: "recovery_codes", secret: null });
  });
});

describe("from another country", () => {
  test("a session shows a factor again before it touches credentials, by code or passkey, and signs in no less", async () => {
    const person = await holder();
    const authenticator = new Authenticator(testOrigin);
    expect((await person.browser.addPasskey(authenticator)).status).toBe(201);
    const home = person.browser.copy({ country: "US" });
    // Where it came from was not known yet: it is from there that it moves.
    await api.db.admin("update sessions set country = 'US' where id = $1", [person.sessionId]);
    expect((await home.makesKey()).status).toBe(201);
    const away = home.copy({ country: "BR" });
    expect(told(await away.makesKey())).toMatchObject(missing);
    expect((await away.send("GET", "/v1/campaigns")).status).toBe(200);
    expect(told(await away.send("DELETE", "/v1/me/totp"))).toMatchObject(missing);
    expect(told(await away.send("POST", "/v1/me/passkeys/options"))).toMatchObject(missing);
    later(60);
    expect((await away.totp(totpCodeAt(person.base32, clock))).status).toBe(200);
    expect((await away.makesKey()).status).toBe(201);
    const back = away.copy({ country: "US" });
    expect(told(await back.makesKey())).toMatchObject(missing);
    expect((await back.show(authenticator.get(await back.ownOptions()))).status).toBe(200);
    expect((await back.makesKey()).status).toBe(201);
  });
});

describe("adding and removing", () => {
  const startTotp = (browser: FactorBrowser) => browser.send("POST", "/v1/me/totp");
  test("a first factor takes a session of the last fifteen minutes", async () => {
    const person = await signInPerson(api);
    later(899);
    expect((await person.browser.send("POST", "/v1/me/passkeys/options")).status).toBe(200);
    const options = await person.browser.creationOptions();
    const { base32 } = (await startTotp(person.browser)).json.secret;
    later(1);
    const old = { status: 403, code: "session_not_recent" };
    expect(told(await startTotp(person.browser))).toMatchObject(old);
    expect(told(await person.browser.send("POST", "/v1/me/passkeys/options"))).toMatchObject(old);
    // What was begun before is not ended after.
    expect(told(await person.browser.register(new Authenticator(testOrigin).create(options)))).toMatchObject(old);
    expect(told(await person.browser.send("POST", "/v1/me/totp/confirm", { code: totpCodeAt(base32, clock) }))).toMatchObject(
      old,
    );
    const anew = await signInPerson(api, { person, at: clock });
    expect((await anew.browser.addPasskey(new Authenticator(testOrigin))).status).toBe(201);
  });

  test("a further one takes a session that has shown one, also when the first came meanwhile", async () => {
    const person = await signInPerson(api, { orgId: org.orgId });
    const thief = await signInPerson(api, { person });
    const [options, others] = [await thief.browser.creationOptions(), await thief.browser.creationOptions()];
    const { base32 } = (await startTotp(thief.browser)).json.secret;
    expect((await person.browser.addPasskey(new Authenticator(testOrigin))).status).toBe(201);
    const waits = { status: 403, code: "second_factor_due" };
    expect(told(await thief.browser.register(new Authenticator(testOrigin).create(options)))).toMatchObject(waits);
    expect(told(await thief.browser.send("POST", "/v1/me/totp/confirm", { code: totpCodeAt(base32, clock) }))).toMatchObject(
      waits,
    );
    // Nor in one that is open all the same, and has shown none.
    await api.db.admin("update sessions set stage = 'open' where id = $1", [thief.sessionId]);
    expect(told(await thief.browser.register(new Authenticator(testOrigin).create(others)))).toMatchObject(missing);
    expect(told(await thief.browser.send("POST", "/v1/me/totp/confirm", { code: totpCodeAt(base32, clock) }))).toMatchObject(
      missing,
    );
    expect(told(await startTotp(thief.browser))).toMatchObject(missing);
    expect(told(await thief.browser.send("POST", "/v1/me/passkeys/options"))).toMatchObject(missing);
    expect(told(await thief.browser.send("POST", "/v1/me/recovery_codes"))).toMatchObject(missing);
    // Positive control: the session that added the first adds another.
    expect((await person.browser.addPasskey(new Authenticator(testOrigin))).status).toBe(201);
    expect((await startTotp(person.browser)).status).toBe(201);
  });

  test.each(["passkey", "authenticator"])(
    "the first, %s, closes every other session of the person until it is shown there",
    async (kind) => {
      const person = await signInPerson(api, { orgId: org.orgId });
      const others = [await signInPerson(api, { person }), await signInPerson(api, { person, factor: true })];
      const stranger = await signInPerson(api, { orgId: org.orgId });
      const authenticator = new Authenticator(testOrigin);
      const { base32 } = (await startTotp(person.browser)).json.secret;
      for (const { browser } of others) expect((await browser.send("GET", "/v1/campaigns")).status).toBe(200);
      const added =
        kind === "passkey"
          ? await person.browser.addPasskey(authenticator)
          : await person.browser.send("POST", "/v1/me/totp/confirm", { code: totpCodeAt(base32, clock) });
      expect(added.status, added.text).toBeLessThan(300);
      for (const { browser } of others) expect((await browser.send("GET", "/v1/campaigns")).json.code).toBe("second_factor_due");
      const { rows } = await api.db.admin(
        "select count(*)::integer as n from sessions where user_id = $1 and factor_at is not null",
        [person.userId],
      );
      expect(rows).toEqual([{ n: 1 }]);
      const { rows: noted } = await api.db.admin(
        `select p.facts_text as facts from audit.entry e join audit.payload p using (org_id, seq)
          where e.org_id = app.platform() and e.event_type = 'sessions.factor_due' and p.subject_text = $1`,
        [publicId("user", person.userId)],
      );
      expect(noted.map(({ facts }) => JSON.parse(String(facts)).sessions)).toEqual([2]);
      // Its own session goes on, and so does everybody else's.
      expect((await person.browser.send("GET", "/v1/campaigns")).status).toBe(200);
      expect((await stranger.browser.send("GET", "/v1/campaigns")).status).toBe(200);
      expect((await api.mailbox.read(person.email)).at(-1)?.text).toContain("Your other sessions (2) open nothing any more");
      later(60);
      const [first] = others;
      const shown =
        kind === "passkey"
          ? await first?.browser.show(authenticator.get(await first.browser.ownOptions()))
          : await first?.browser.totp(totpCodeAt(base32, clock));
      expect(shown?.status, shown?.text).toBe(200);
      expect((await first?.browser.send("GET", "/v1/campaigns"))?.status).toBe(200);
      // A further factor closes nothing.
      expect((await person.browser.addPasskey(new Authenticator(testOrigin))).status).toBe(201);
      expect((await first?.browser.send("GET", "/v1/campaigns"))?.status).toBe(200);
    },
  );

  test("of two first ones at once, in two sessions, one is added", async () => {
    for (let round = 0; round < 3; round += 1) {
      const person = await signInPerson(api);
      const other = await signInPerson(api, { person });
      const credentials = await Promise.all(
        [person, other].map(async ({ browser }) => new Authenticator(testOrigin).create(await browser.creationOptions())),
      );
      const answers = await Promise.all([person, other].map(({ browser }, at) => browser.register(credentials[at] as never)));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 403]);
    }
  });

  test("the last one closes what it had opened: in every session, with the recovery codes, and for those that wait", async () => {
    const person = await holder();
    const [other, waiting] = [await due(person), await due(person)];
    expect((await other.browser.totp(totpCodeAt(person.base32, clock))).status).toBe(200);
    expect((await other.browser.makesKey()).status).toBe(201);
    const unshown = await due(person, { stage: "open" });
    expect(told(await unshown.browser.send("DELETE", "/v1/me/totp"))).toMatchObject(missing);
    expect((await person.browser.send("DELETE", "/v1/me/totp")).json).toEqual({ object: "totp", deleted: true });
    // Signed in they are, and members as before; credentials, members and policy they touch no more.
    for (const { browser } of [person, other]) {
      expect((await browser.send("GET", "/v1/campaigns")).status).toBe(200);
      expect(told(await browser.makesKey())).toMatchObject(missing);
      expect(told(await browser.send("PATCH", "/v1/policy", {}))).toMatchObject(missing);
    }
    expect((await waiting.browser.send("GET", "/v1/me")).status).toBe(401);
    expect(told(await person.browser.recover(person.codes[0] ?? ""))).toEqual(refused);
    expect((await person.browser.send("GET", "/v1/me/second_factors")).json).toMatchObject({
      passkeys: 0,
      totp_confirmed_at: null,
      recovery_codes_left: 0,
    });
    expect((await person.browser.send("DELETE", "/v1/me/totp")).json.code).toBe("second_factor_missing");
    // Nor is another factor added in a session that is no longer recent.
    later(900);
    expect(told(await startTotp(person.browser))).toMatchObject({ code: "session_not_recent" });
    const anew = await signInPerson(api, { person, at: clock });
    expect((await anew.browser.addPasskey(new Authenticator(testOrigin))).status).toBe(201);
    expect((await anew.browser.makesKey()).status).toBe(201);
    expect((await api.mailbox.read(person.email)).map(({ subject }) => subject)).toContain(
      "The authenticator was removed from your Dialgate account",
    );
  });

  test("one that is removed is worth nothing in the session that it opened either: each other one waits for what is left", async () => {
    const person = await holder();
    const stolen = new Authenticator(testOrigin);
    const { json: passkey } = await person.browser.addPasskey(stolen);
    const thief = new FactorBrowser(api);
    expect((await thief.signIn(stolen.get(await thief.signInOptions()))).status).toBe(200);
    expect((await thief.send("GET", "/v1/me")).json.session.status).toBe("open");
    expect((await person.browser.send("DELETE", `/v1/me/passkeys/${passkey.id}`)).status).toBe(200);
    const due = { status: 403, code: "second_factor_due" };
    const adding = () => thief.send("POST", "/v1/me/passkeys/options");
    for (const tried of [await thief.makesKey(), await adding(), await startTotp(thief), await thief.send("GET", "/v1/campaigns")])
      expect(told(tried)).toMatchObject(due);
    expect((await person.browser.makesKey()).status).toBe(201);
    const mail = (await api.mailbox.read(person.email)).find(({ subject }) => subject.startsWith("A passkey was removed"));
    expect(mail?.text).toContain("Your other sessions (1) open nothing any more until a factor that you still have is shown in them.");
    expect(await platformTold("sessions.factor_due", person)).toMatchObject([{ sessions: 1 }]);
    expect((await thief.totp(totpCodeAt(person.base32, clock))).status).toBe(200);
    expect((await thief.makesKey()).status).toBe(201);
  }); // prettier-ignore

  test("the last passkey ends what passkeys began: nobody adds another of theirs there", async () => {
    const person = await signInPerson(api, { orgId: org.orgId, at: clock });
    const stolen = new Authenticator(testOrigin);
    const { json: passkey } = await person.browser.addPasskey(stolen);
    const thief = new FactorBrowser(api);
    expect((await thief.signIn(stolen.get(await thief.signInOptions()))).status).toBe(200);
    expect((await person.browser.send("DELETE", `/v1/me/passkeys/${passkey.id}`)).status).toBe(200);
    expect((await thief.send("GET", "/v1/me")).status).toBe(401);
    expect((await person.browser.send("GET", "/v1/me")).json.session.status).toBe("open");
  });

  test("one of two leaves the other, its codes and what was shown", async () => {
    const person = await holder();
    const authenticator = new Authenticator(testOrigin);
    expect((await person.browser.addPasskey(authenticator)).status).toBe(201);
    expect((await person.browser.send("DELETE", "/v1/me/totp")).status).toBe(200);
    expect((await person.browser.makesKey()).status).toBe(201);
    expect((await person.browser.send("DELETE", "/v1/me/totp")).status).toBe(404);
    expect((await person.browser.send("GET", "/v1/me/second_factors")).json).toMatchObject({
      passkeys: 1,
      recovery_codes_left: 10,
    });
    const waiting = await due(person);
    expect(told(await waiting.browser.totp(totpCodeAt(person.base32, clock)))).toEqual(refused);
    expect((await waiting.browser.recover(person.codes[0] ?? "")).status).toBe(200);
  });

  test("is for people: a key is told so", async () => {
    for (const [method, path, body] of [
      ["POST", "/v1/me/totp", {}],
      ["POST", "/v1/me/totp/confirm", { code: "123456" }],
      ["DELETE", "/v1/me/totp", undefined],
      ["POST", "/v1/me/recovery_codes", {}],
      ["GET", "/v1/me/passkeys", undefined],
      ["GET", "/v1/me/second_factors", undefined],
      ["POST", "/v1/me/second_factor/totp", { code: "123456" }],
      ["POST", "/v1/me/second_factor/recovery_code", { code: "x" }],
      ["POST", "/v1/me/passkeys/options", {}],
    ] as const) {
      const answer = await api.send(method, path, { key: org.apiKey, ...(body === undefined ? {} : { body }) });
      expect([path, answer.status, answer.json.code]).toEqual([path, 403, "people_only"]);
    }
  });
});

describe("attempts", () => {
  test("are five in fifteen minutes for a person in a session at an address: then 429, and nobody else is kept out", async () => {
    const person = await holder();
    const limited = { ...api.deps, quotas: quotasOf(), rateLimits: memoryLimits(() => secondsOf(clock) * 1000) };
    const app = createApp();
    const ask = async (browser: FactorBrowser, code: string, address = "198.51.100.7") => {
      const answer = await app.request("/v1/me/second_factor/totp", {
        method: "POST",
        headers: { cookie: `__Host-dialgate-session=${browser.session}`, "sec-fetch-site": "same-origin", "content-type": "application/json", "cf-connecting-ip": address },
        body: JSON.stringify({ code }),
      }, limited); // prettier-ignore
      return {
        status: answer.status,
        code: ((await answer.json()) as { code?: string }).code,
        after: answer.headers.get("retry-after"),
      };
    };
    const [guesser, owner] = [await due(person), await due(person)];
    for (let n = 0; n < 5; n += 1)
      expect(await ask(guesser.browser, "000000")).toMatchObject({ status: 403, code: "factor_refused" });
    const right = totpCodeAt(person.base32, clock);
    expect(await ask(guesser.browser, right)).toEqual({ status: 429, code: "rate_limited", after: "900" });
    // Not looked at: the code is still good for its owner, in their own session, at the same address and at another.
    expect((await ask(owner.browser, right)).status).toBe(200);
    const elsewhere = await due(person);
    expect((await ask(elsewhere.browser, totpCodeAt(person.base32, clock, 1), "203.0.113.250")).status).toBe(200);
    later(900);
    expect((await ask(guesser.browser, totpCodeAt(person.base32, clock))).status).toBe(200);
  });

  test("that cannot be counted are not looked at", async () => {
    const person = await holder();
    const waiting = await due(person);
    const limits = memoryLimits();
    limits.answering = false;
    const answer = await createApp().request("/v1/me/second_factor/totp", {
      method: "POST",
      headers: { cookie: `__Host-dialgate-session=${waiting.browser.session}`, "sec-fetch-site": "same-origin", "content-type": "application/json" },
      body: JSON.stringify({ code: totpCodeAt(person.base32, clock) }),
    }, { ...api.deps, rateLimits: limits, report: () => undefined }); // prettier-ignore
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([503, "limits_unavailable"]);
    expect((await waiting.browser.totp(totpCodeAt(person.base32, clock))).status).toBe(200);
  });

  test("of which ten do not hold end their session and no other, and tell the person", async () => {
    const person = await holder();
    const [guesser, owner] = [await due(person), await due(person)];
    const stranger = await holder();
    expect((await person.browser.makesKey()).status).toBe(201);
    for (let n = 0; n < 10; n += 1) {
      const answer = n % 2 === 0 ? await guesser.browser.totp("000000") : await guesser.browser.recover("wrong");
      expect([n, told(answer)]).toEqual([n, refused]);
      // The one that was one too many says so.
      expect([n, answer.json.detail.includes("this session has ended: sign in again")]).toEqual([n, n === 9]);
    }
    expect((await guesser.browser.totp(totpCodeAt(person.base32, clock))).status).toBe(401);
    expect((await owner.browser.totp(totpCodeAt(person.base32, clock))).status).toBe(200);
    // Whoever is in another session of theirs shows a factor again before they touch credentials; nobody else does.
    expect(told(await person.browser.makesKey())).toMatchObject(missing);
    expect((await person.browser.send("GET", "/v1/campaigns")).status).toBe(200);
    expect((await stranger.browser.makesKey()).status).toBe(201);
    const { rows } = await api.db.admin("select ended_why from sessions where id = $1", [guesser.sessionId]);
    expect(rows).toEqual([{ ended_why: "factor_failures" }]);
    const failed = (await chainOf(api, platform)).filter(
      ({ type, subject }) => type === "second_factor.failed" && subject === publicId("session", guesser.sessionId),
    );
    expect(failed.map(({ facts }) => facts["failures"])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect((await api.mailbox.read(person.email)).map(({ subject }) => subject)).toContain(
      "Failed attempts to sign in to Dialgate",
    );
    const { rows: entries } = await api.db.admin(
      "select count(*)::integer as n from audit.entry e join audit.payload p using (org_id, seq) where e.event_type = 'second_factor.failed' and p.subject_text like 'ses_%' and p.facts_text like $1",
      [`%${publicUser(person)}%`],
    );
    expect(rows.length + (entries[0]?.["n"] as number)).toBe(11);
  });

  test("that hold begin the count anew", async () => {
    const person = await holder();
    const waiting = await due(person);
    for (let n = 0; n < 9; n += 1) await waiting.browser.totp("000000");
    expect((await waiting.browser.totp(totpCodeAt(person.base32, clock))).status).toBe(200);
    for (let n = 0; n < 9; n += 1) await waiting.browser.totp("000000");
    expect((await waiting.browser.send("GET", "/v1/campaigns")).status).toBe(200);
  });
});

describe("no secret can be read anywhere", () => {
  test("in the database, in problem documents, in reports of faults or on the chain", async () => {
    const person = await holder();
    const authenticator = new Authenticator(testOrigin);
    await person.browser.addPasskey(authenticator);
    const waiting = await due(person);
    const texts: string[] = [];
    for (const answer of [
      await waiting.browser.totp(totpCodeAt(person.base32, clock, 9)),
      await waiting.browser.recover(person.codes[1] ?? ""),
      await waiting.browser.recover(person.codes[1] ?? ""),
      await waiting.browser.send("GET", "/v1/me/second_factors"),
      await waiting.browser.send("GET", "/v1/me/passkeys"),
      await waiting.browser.send("GET", "/v1/me"),
      await waiting.browser.send("GET", "/v1/sessions"),
    ]) texts.push(answer.text); // prettier-ignore
    const { rows: tables } = await api.db.admin(
      "select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and n.nspname in ('public', 'audit', 'app')",
    );
    const stored: string[] = [];
    for (const { name } of tables as { name: string }[]) {
      const { rows } = await api.db.admin(`select t::text as row from ${name} t`);
      stored.push(...rows.map((row) => String(row["row"])));
    }
    expect(tables.length).toBeGreaterThan(50);
    const everything = [...texts, ...stored, JSON.stringify(api.faults)].join("\n");
    // Positive control: what is not secret is found by the same search.
    expect(everything).toContain(authenticator.credentialId.toString("hex"));
    expect(everything).toContain(person.email);
    const secrets = [
      person.base32,
      Buffer.from(person.base32).toString("base64").slice(0, 40),
      Buffer.from(person.base32).toString("hex"),
      ...person.codes.flatMap((code) => [code, code.replaceAll("-", "")]),
      person.browser.session,
      waiting.browser.session,
    ];
    expect(secrets.filter((secret) => everything.includes(secret))).toEqual([]);
    console.log(
      `secrets of second factors: ${secrets.length} looked for in ${stored.length} rows of ${tables.length} tables, 0 found`,
    );
  });
});

const publicUser = ({ userId }: { readonly userId: string }): string => publicId("user", userId);
