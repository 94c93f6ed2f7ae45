/** Signing in by a link in a mail: what it takes, what it gives, and what nobody gets by it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { consumeLink } from "../../src/db/queries/sign-in.ts";
import { hashOfSecret } from "../../src/domain/sign-in/link-secrets.ts";
import { sessionCookie } from "../../src/http/authenticate.ts";
import { uuidOf } from "../../src/lib/ids.ts";
import { instantOf, secondsOf } from "../../src/lib/instant.ts";
import { type Browser, type BrowserOptions, newestLink, openBrowser, tokenOf } from "../support/browser.ts";
import { livesOf, makeMember, sessionLives, testOrigin } from "../support/users.ts";
import { type Api, openApi, realNow } from "./api.ts";

let api: Api;
let now = realNow;
const later = (seconds: number): void => void (now = instantOf(secondsOf(now) + seconds));
beforeAll(async () => {
  api = await openApi({ now: () => now });
});
afterAll(() => api?.close());
afterEach(() => {
  now = realNow;
});

let people = 0;
const newAddress = (): string => `ada.${(people += 1)}@people.test`;
const browser = (options?: BrowserOptions): Browser => openBrowser(api.deps, options);
async function ask(from: Browser, email: string, more: object = {}): Promise<string> {
  const asked = await from.send("POST", "/auth/link", { email, ...more });
  expect(asked.status, asked.text).toBe(202);
  return newestLink(api.mailbox, email.trim().toLowerCase());
}
const open = (from: Browser, link: string, headers: Record<string, string> = {}) =>
  from.send("POST", "/auth/link/open", { token: tokenOf(link) }, headers);
const me = async (from: Browser) => (await from.send("GET", "/v1/me")).json;
const linkRow = async (email: string) =>
  (await api.db.admin("select relay_tries, consumed_at from sign_in_links where email = $1", [email])).rows[0];
const sessionsOf = async (email: string) =>
  (
    await api.db.admin(
      "select s.* from sessions s join users u on u.id = s.user_id where u.email = $1 order by s.created_at, s.id",
      [email],
    )
  ).rows;
const entries = async (type: string) =>
  (
    await api.db.admin(
      "select p.subject_text as subject, p.facts_text as facts from audit.payload p join audit.entry e using (org_id, seq) where e.event_type = $1 order by p.seq",
      [type],
    )
  ).rows.map((row) => ({ subject: row["subject"] as string, facts: JSON.parse(row["facts"] as string) }));

describe("a link", () => {
  test("is used up by the statement that uses it, and by nobody but the browser that asked, whatever was read before", async () => {
    const [ada, email] = [browser(), newAddress()];
    const token = tokenOf(await ask(ada, email));
    const verifier = ada.cookies.get("__Host-dialgate-signin") ?? "";
    const use = async (by: string) => {
      const [used] = await api.deps.system.query(consumeLink(hashOfSecret(token), hashOfSecret(by), now));
      return used?.rows.length;
    };
    expect([await use("A".repeat(43)), await use(verifier), await use(verifier)]).toEqual([0, 1, 0]);
  });

  test("signs in the browser that asked for it, and makes an account of an address that has none", async () => {
    const [ada, email] = [browser(), newAddress()];
    const link = await ask(ada, ` ${email.toUpperCase()} `);
    expect(link).toMatch(/^\/auth\/link#[\w-]{43}$/);
    const signedIn = await open(ada, link);
    expect(signedIn.json).toEqual({ object: "sign_in", status: "signed_in", next: "done", go_to: null });
    expect(signedIn.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-dialgate-session=dgs_\w+; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
      expect.stringMatching(/^__Host-dialgate-device=[\w-]{43}; Max-Age=31536000; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
      "__Host-dialgate-signin=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax",
    ]);
    expect((await me(ada)).user.email).toBe(email);
    const [made] = (await entries("user.created")).slice(-1);
    expect(made?.subject).toBe((await me(ada)).user.id);
    expect((await entries("session.started")).at(-1)?.facts).toMatchObject({ method: "link", user: made?.subject });
  });

  test("signs in whoever has an account already, as themselves", async () => {
    const [first, second, email] = [browser(), browser(), newAddress()];
    await open(first, await ask(first, email));
    await open(second, await ask(second, email));
    expect((await me(second)).user.id).toBe((await me(first)).user.id);
    expect((await sessionsOf(email)).map((row) => row["ended_at"])).toEqual([null, null]);
  });

  test("is stored as digests alone: token, browser and code are in no row", async () => {
    const [ada, email] = [browser(), newAddress()];
    const token = tokenOf(await ask(ada, email));
    const code = (await open(browser(), `#${token}`)).json.code as string;
    const { rows } = await api.db.admin("select l::text as l, m::text as m from sign_in_links l, mails m where l.email = $1", [email]);
    const stored = JSON.stringify(rows);
    expect(stored).toContain(email);
    for (const secret of [token, code, code.replace("-", ""), ada.cookies.get("__Host-dialgate-signin") ?? "?"])
      expect(stored).not.toContain(secret);
    expect((await api.db.admin("select 1 from sign_in_links where token_hash = sha256($1::text::bytea)", [token])).rows).toHaveLength(1);
  }); // prettier-ignore

  test("works once, and after that is answered as one that never was", async () => {
    const [ada, email] = [browser(), newAddress()];
    const link = await ask(ada, email);
    expect((await open(ada, link)).status).toBe(200);
    const again = [await open(ada, link), await open(browser(), link), await open(browser(), `#${"A".repeat(43)}`), await open(ada, "#short")];
    for (const { status, json } of again) expect({ ...json, instance: "" }).toEqual({ ...again[0]?.json, instance: "", status });
    expect(again[0]?.json).toMatchObject({ status: 422, code: "invalid_request", errors: [{ pointer: "/token", code: "link_invalid" }] });
    expect(await sessionsOf(email)).toHaveLength(1);
  }); // prettier-ignore

  test("works to the second before its end, and not at it", async () => {
    const [ada, email] = [browser(), newAddress()];
    const link = await ask(ada, email);
    later(15 * 60);
    expect((await open(ada, link)).json.code).toBe("invalid_request");
    expect((await open(browser(), link)).json.code).toBe("invalid_request");
    later(-1);
    expect((await open(ada, link)).json.status).toBe("signed_in");
  });

  test("lives as long as the deployment says", async () => {
    const [ada, email] = [openBrowser({ ...api.deps, magicLinkMinutes: 10 }), newAddress()];
    const asked = await ada.send("POST", "/auth/link", { email });
    expect([asked.status, asked.headers.get("cache-control")]).toEqual([202, "no-store"]);
    expect(asked.json).toEqual({ object: "sign_in_link", minutes: 10 });
    expect(asked.headers.getSetCookie()[0]).toMatch(/^__Host-dialgate-signin=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    const link = await newestLink(api.mailbox, email);
    expect((await api.mailbox.read(email))[0]?.text).toContain("within 10 minutes");
    later(600);
    expect((await open(ada, link)).status).toBe(422);
    later(-1);
    expect((await open(ada, link)).status).toBe(200);
  }); // prettier-ignore

  test("is the only live one of its browser and address: the one before it has ended, another browser's has not", async () => {
    const [ada, elsewhere, email, other] = [browser(), browser(), newAddress(), newAddress()];
    const [old, foreign, sibling] = [await ask(ada, email), await ask(elsewhere, email), await ask(ada, other)];
    const fresh = await ask(ada, email);
    expect((await open(ada, old)).status).toBe(422);
    expect((await open(elsewhere, foreign)).status).toBe(200);
    // Of another address: the browser's one secret is for both.
    const twin = browser();
    for (const [name, value] of ada.cookies) twin.cookies.set(name, value);
    expect((await open(ada, fresh)).status).toBe(200);
    expect((await open(twin, sibling)).status).toBe(200);
  });

  test("asked for again in the same browser works, whether the one before was used up or its code mistyped five times", async () => {
    const [ada, phone, email] = [browser(), browser(), newAddress()];
    const first = await ask(ada, email);
    const verifier = ada.cookies.get("__Host-dialgate-signin") ?? "";
    expect((await open(ada, first)).status).toBe(200);
    expect((await linkRow(email))?.["consumed_at"]).not.toBeNull();
    // As a browser has it that lost the answer.
    ada.cookies.set("__Host-dialgate-signin", verifier);
    const second = await ask(ada, email);
    expect(ada.cookies.get("__Host-dialgate-signin")).toBe(verifier);
    const { code } = (await open(phone, second)).json as { code: string };
    const wrong = `${code.startsWith("A") ? "B" : "A"}${code.slice(1)}`;
    const enter = (typed: string) => ada.send("POST", "/auth/link/relay", { code: typed });
    for (let n = 0; n < 5; n += 1) expect((await enter(wrong)).status).toBe(422);
    expect((await enter(code)).status).toBe(422);
    const third = await ask(ada, email);
    expect((await enter((await open(phone, third)).json.code)).json).toMatchObject({ status: "signed_in" });
    ada.cookies.set("__Host-dialgate-signin", verifier);
    expect((await open(ada, await ask(ada, email))).json).toMatchObject({ status: "signed_in" });
  });

  test("leads to the configured origin, whatever host the request names", async () => {
    const [ada, email] = [browser(), newAddress()];
    await ada.send(
      "POST",
      "/auth/link",
      { email },
      { host: "evil.example", "x-forwarded-host": "evil.example", forwarded: "host=evil.example" },
    );
    const request = new Request("https://evil.example/auth/link", {
      method: "POST", body: JSON.stringify({ email }), headers: { "content-type": "application/json", "sec-fetch-site": "same-origin" },
    }); // prettier-ignore
    const { createApp } = await import("../../src/http/app.ts");
    expect((await createApp().fetch(request, api.deps)).status).toBe(202);
    const letters = await api.mailbox.read(email);
    expect(letters).toHaveLength(2);
    for (const { text, html } of letters) {
      expect(text + html).toContain(`${testOrigin}/auth/link#`);
      expect(text + html).not.toContain("evil");
    }
  });

  test("of a disabled account signs nobody in, and is answered as one that does not work", async () => {
    const [ada, email] = [browser(), newAddress()];
    await open(ada, await ask(ada, email));
    const link = await ask(ada, email);
    await api.db.admin("update users set disabled_at = now() where email = $1", [email]);
    const refused = await open(ada, link);
    expect([refused.status, refused.json.errors[0].code]).toEqual([422, "link_invalid"]);
    expect((await sessionsOf(email)).length).toBe(1);
    expect((await linkRow(email))?.["consumed_at"]).not.toBeNull();
  });

  test("with a second factor behind it opens nothing before that is shown", async () => {
    const [ada, email] = [browser(), newAddress()];
    const link = await ask(ada, email);
    // What the migration of factors puts in place of it.
    await api.db.admin("create or replace function app.has_factor(of_user uuid) returns boolean stable language sql as $$ select true $$");
    const answer = await open(ada, link);
    await api.db.admin("create or replace function app.has_factor(of_user uuid) returns boolean stable language sql as $$ select false $$");
    expect(answer.json).toMatchObject({ status: "signed_in", next: "second_factor" });
    expect((await entries("session.started")).at(-1)?.facts).toMatchObject({ method: "link", status: "second_factor_due" });
    expect((await ada.send("GET", "/v1/sessions")).json.code).toBe("second_factor_due");
  }); // prettier-ignore

  test("rows that ended long ago are swept by those who ask", async () => {
    const [ada, email] = [browser(), newAddress()];
    await ask(ada, email);
    later(2 * 86_400);
    await ask(browser(), newAddress());
    expect(await linkRow(email)).toBeUndefined();
  });
});

describe("another browser", () => {
  test("is shown a code, which the asking one takes; the link is not used up by it", async () => {
    const [laptop, phone, email] = [browser(), browser(), newAddress()];
    const link = await ask(laptop, email);
    const shown = await open(phone, link);
    expect(shown.json).toEqual({ object: "sign_in", status: "relay", code: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/) });
    expect(shown.headers.getSetCookie()).toEqual([]);
    expect((await open(phone, link)).json.code).toBe(shown.json.code);
    expect(await linkRow(email)).toMatchObject({ consumed_at: null, relay_tries: 0 });
    const typed = shown.json.code.toLowerCase().replace("-", " ").replaceAll("0", "o").replaceAll("1", "l");
    const entered = await laptop.send("POST", "/auth/link/relay", { code: typed });
    expect(entered.json).toMatchObject({ status: "signed_in", next: "done" });
    expect((await me(laptop)).user.email).toBe(email);
    expect((await me(phone)).code).toBe("unauthorized");
    expect((await open(laptop, link)).status).toBe(422);
  }); // prettier-ignore

  test("gets no session with the code, with or without a browser's secret of its own", async () => {
    const [laptop, phone, email] = [browser(), browser(), newAddress()];
    const { code } = (await open(phone, await ask(laptop, email))).json;
    const enter = (from: Browser) => from.send("POST", "/auth/link/relay", { code });
    const refused = await enter(phone);
    expect(refused.json.errors).toEqual([expect.objectContaining({ pointer: "/code", code: "code_invalid" })]);
    await ask(phone, newAddress());
    expect({ ...(await enter(phone)).json, instance: "" }).toEqual({ ...refused.json, instance: "" });
    expect(await linkRow(email)).toMatchObject({ consumed_at: null, relay_tries: 0 });
    expect((await enter(laptop)).status).toBe(200);
  });

  test.each([4, 5])("whose code comes after %i wrong ones: five are compared, and no more", async (wrong) => {
    const [laptop, phone, email] = [browser(), browser(), newAddress()];
    const link = await ask(laptop, email);
    const { code } = (await open(phone, link)).json as { code: string };
    const enter = (typed: string) => laptop.send("POST", "/auth/link/relay", { code: typed });
    const other = (n: number) => `${"ABCDEFGH"[n] === code[0] ? "Z" : "ABCDEFGH"[n]}${code.slice(1)}`;
    // What cannot be a code is no try.
    expect((await enter("UUUU-UUUU")).status).toBe(422);
    const told = [];
    for (let n = 0; n < wrong; n += 1) told.push((await enter(other(n))).json.errors);
    expect(await linkRow(email)).toMatchObject({ relay_tries: wrong });
    const right = await enter(code);
    expect(right.status).toBe(wrong < 5 ? 200 : 422);
    if (wrong < 5) return;
    expect(right.json.errors).toEqual(told[0]);
    // The link itself is no guess, and still works where it was asked for.
    expect((await open(laptop, link)).status).toBe(200);
  });

  test("whose link has ended has a code no more: it works to the second before, and is no try after", async () => {
    const [laptop, phone, email] = [browser(), browser(), newAddress()];
    const { code } = (await open(phone, await ask(laptop, email))).json;
    const enter = () => laptop.send("POST", "/auth/link/relay", { code });
    later(15 * 60);
    const late = await enter();
    expect([late.status, late.json.errors[0].code]).toEqual([422, "code_invalid"]);
    expect(await linkRow(email)).toMatchObject({ consumed_at: null, relay_tries: 0 });
    later(-1);
    expect((await enter()).json).toMatchObject({ status: "signed_in" });
    expect((await me(laptop)).user.email).toBe(email);
  });

  test("guesses that come at once are five, too", async () => {
    const [laptop, email] = [browser(), newAddress()];
    await ask(laptop, email);
    const guesses = Array.from({ length: 40 }, (_, n) => laptop.send("POST", "/auth/link/relay", { code: `0000-00${String(n).padStart(2, "0")}` }));
    expect((await Promise.all(guesses)).every(({ status }) => status === 422)).toBe(true);
    expect(await linkRow(email)).toMatchObject({ relay_tries: 5 });
    expect((await entries("sign_in.failed")).filter(({ facts }) => facts.user === null).length).toBeGreaterThanOrEqual(5);
  }); // prettier-ignore
});

describe("a session that was there before", () => {
  test("is never kept: what someone planted, or had, ends when its browser signs in", async () => {
    const [attacker, victim, email] = [browser(), browser(), newAddress()];
    await open(attacker, await ask(attacker, newAddress()));
    const planted = attacker.cookies.get(sessionCookie) ?? "";
    victim.cookies.set(sessionCookie, planted);
    await open(victim, await ask(victim, email));
    expect(victim.cookies.get(sessionCookie)).not.toBe(planted);
    expect((await me(victim)).user.email).toBe(email);
    expect((await me(attacker)).code).toBe("unauthorized");
    expect((await entries("session.ended")).at(-1)?.facts.by).toBe("another sign-in in its browser");
  });

  test("and had ended already is not ended once more", async () => {
    const [ada, email] = [browser(), newAddress()];
    await open(ada, await ask(ada, email));
    const cookie = ada.cookies.get(sessionCookie) ?? "";
    await ada.send("DELETE", `/v1/sessions/${(await me(ada)).session.id}`);
    const [ends, told] = [(await sessionsOf(email))[0]?.["ended_at"], (await entries("session.ended")).length];
    ada.cookies.set(sessionCookie, cookie);
    later(60);
    expect((await open(ada, await ask(ada, email))).status).toBe(200);
    expect([(await sessionsOf(email))[0]?.["ended_at"], (await entries("session.ended")).length]).toEqual([ends, told]);
  });

  test("is not ended by someone who knows its id alone", async () => {
    const [ada, stranger] = [browser(), browser()];
    await open(ada, await ask(ada, newAddress()));
    const token = ada.cookies.get(sessionCookie) ?? "";
    stranger.cookies.set(sessionCookie, `${token.slice(0, -60)}${"0".repeat(60)}`);
    expect((await open(stranger, await ask(stranger, newAddress()))).status).toBe(200);
    expect((await me(ada)).object).toBe("me");
  });

  test("is ended by its token of before while that is answered, and not by one that was superseded", async () => {
    for (const seconds of [9, 10]) {
      now = realNow;
      const [ada, stranger] = [browser(), browser()];
      await open(ada, await ask(ada, newAddress()));
      const { session, user } = await me(ada);
      const [id, userId] = [uuidOf("session", session.id) ?? "", uuidOf("user", user.id) ?? ""];
      const renewed = await api.deps.mintSession(userId, id);
      await api.db.admin(
        "update sessions set previous_hash = secret_hash, previous_until = $2::timestamptz + interval '10 s', secret_hash = decode($3, 'hex') where id = $1",
        [id, now, Buffer.from(renewed.hash).toString("hex")],
      );
      stranger.cookies.set(sessionCookie, ada.cookies.get(sessionCookie) ?? "");
      ada.cookies.set(sessionCookie, renewed.clear);
      const link = await ask(stranger, newAddress());
      later(seconds);
      expect((await open(stranger, link)).status).toBe(200);
      expect((await me(ada)).code, `after ${seconds} s`).toBe(seconds === 9 ? "unauthorized" : undefined);
    }
  });
});

describe("a session that a link began", () => {
  test("ends after an hour without a request, and twelve hours after it began however much it is used", async () => {
    const [ada, email] = [browser(), newAddress()];
    await open(ada, await ask(ada, email));
    expect(await livesOf(api.db, uuidOf("user", (await me(ada)).user.id) ?? "")).toEqual(sessionLives);
    // To the minute it is written down that it was used.
    for (let hour = 0; hour < 12; hour += 1) {
      later(3_599);
      expect((await me(ada)).object, `after ${hour + 1} hours`).toBe("me");
    }
    later(11);
    expect((await me(ada)).object).toBe("me");
    later(1);
    expect((await me(ada)).code).toBe("unauthorized");
    await open(ada, await ask(ada, email));
    later(3_600);
    expect((await me(ada)).code).toBe("unauthorized");
  });
});

describe("another site", () => {
  test.each([
    ["cross-site", { "sec-fetch-site": "cross-site" }],
    ["same-site", { "sec-fetch-site": "same-site" }],
    ["a form of its own", { "sec-fetch-site": "cross-site", "content-type": "text/plain" }],
  ])("signs nobody in with its own link (%s), and asks for none in a visitor's browser", async (_, headers) => {
    const [attacker, victim, email] = [browser(), browser(), newAddress()];
    const [token, mine] = [tokenOf(await ask(attacker, newAddress())), await ask(victim, email)];
    for (const [path, body] of [
      ["/auth/link/open", { token }],
      ["/auth/link", { email: newAddress() }],
      ["/auth/link/relay", { code: "0000-0000" }],
    ] as const) {
      const refused = await victim.send("POST", path, body, headers);
      expect([refused.status, refused.json.code]).toEqual([403, "cross_site"]);
      expect(refused.headers.getSetCookie()).toEqual([]);
    }
    // Lured to our own page with the attacker's link, the victim is shown a code, and stays who they are.
    expect((await victim.send("POST", "/auth/link/open", { token })).json.status).toBe("relay");
    expect(victim.cookies.has(sessionCookie)).toBe(false);
    expect((await open(victim, mine)).status).toBe(200);
    expect((await me(victim)).user.email).toBe(email);
  });
});

test("a program that does not say from where it comes is told which header says so", async () => {
  const send = (headers: Record<string, string>) => api.send("POST", "/auth/link", { body: { email: newAddress() }, headers });
  const { code, detail, type } = (await send({})).json;
  const origin = "https://api.dialgate.test";
  expect({ code, detail }).toEqual({
    code: "cross_site",
    detail: `Nothing says where this comes from. A program sends the header \`Origin: ${origin}\`.`,
  });
  expect((await api.send("GET", new URL(type).pathname)).json.fix).toContain("`Origin`");
  expect((await send({ origin })).status).toBe(202);
});

describe("where to go on", () => {
  test.each(["/v1/me", "/v1/sessions"])("%s is ours", async (next) => {
    const [ada, email] = [browser(), newAddress()];
    expect((await open(ada, await ask(ada, email, { next }))).json.go_to).toBe(next);
  });
  test.each([
    "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "/%2fevil.example", "/v1/me/../../evil", "/v1/me?x=//evil.example",
    "javascript:alert(1)", "data:text/html,x", " /v1/me", "/v1/me\t", "/\t/evil.example", "/v1/me#x", "v1/me", "", "/.evil.example", "/v1/me%00", "https:/v1/me",
  ])("%j is not, and nothing is sent", async (next) => {
    const email = newAddress();
    const refused = await browser().send("POST", "/auth/link", { email, next });
    expect([refused.status, refused.json.errors[0].pointer]).toEqual([422, "/next"]);
    expect(await api.mailbox.read(email)).toEqual([]);
  }); // prettier-ignore
  test("is what was asked for last", async () => {
    const [ada, email] = [browser(), newAddress()];
    await ask(ada, email, { next: "/v1/me" });
    expect((await open(ada, await ask(ada, email))).json.go_to).toBeNull();
  });
  test("what a row holds of an older build leads nowhere", async () => {
    const [ada, email] = [browser(), newAddress()];
    const link = await ask(ada, email);
    await api.db.admin("update sign_in_links set next_path = '//evil.example' where email = $1", [email]);
    expect((await open(ada, link)).json.go_to).toBeNull();
  });
});

describe("a new browser or country", () => {
  const chrome =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
  const warnings = async (email: string) =>
    (await api.mailbox.read(email)).filter(({ subject }) => subject.startsWith("New sign-in"));

  test("is told to its person by mail and to the chain; the first of all, and one that is known, are not", async () => {
    const email = newAddress();
    const home = browser({ country: "DE" });
    await open(home, await ask(home, email));
    later(3_600);
    await open(home, await ask(home, email));
    expect(await warnings(email)).toEqual([]);
    const away = browser({ country: "BR", userAgent: chrome });
    await open(away, await ask(away, email));
    const [letter, ...more] = await warnings(email);
    expect(more).toEqual([]);
    expect(letter?.text).toContain("“Chrome on Windows”, from “BR”");
    const entry = (await entries("session.new_device")).at(-1);
    expect(entry?.facts).toMatchObject({ new_device: true, new_country: true, user: (await me(away)).user.id });
    expect(uuidOf("session", entry?.subject ?? "")).toBe((await sessionsOf(email)).at(-1)?.["id"]);
    expect(api.woken.at(-1)).toEqual({ orgId: "", work: "mail" });
  });

  test("a known browser in a new country is told once; one whose country nobody knows is not", async () => {
    const email = newAddress();
    const home = browser({ country: "DE" });
    await open(home, await ask(home, email));
    const visit = async (country?: string) => {
      later(3_600);
      const same = browser(country === undefined ? {} : { country });
      for (const name of ["__Host-dialgate-device"]) same.cookies.set(name, home.cookies.get(name) ?? "");
      await open(same, await ask(same, email));
      return (await warnings(email)).length;
    };
    expect([await visit(), await visit("FR"), await visit("DE"), await visit("FR"), await visit("BR")]).toEqual([0, 1, 1, 1, 2]);
    expect((await entries("session.new_device")).at(-1)?.facts).toMatchObject({ new_device: false, new_country: true });
    const { rows } = await api.db.admin("select d.countries from known_devices d join users u on u.id = d.user_id where u.email = $1", [email]);
    expect(rows).toEqual([{ countries: ["DE", "FR", "BR"] }]);
  }); // prettier-ignore

  test("begins without a second factor shown, so that credentials wait for one", async () => {
    const org = await api.seed();
    const [home, away, email] = [browser(), browser(), newAddress()];
    await open(home, await ask(home, email));
    const { user } = await me(home);
    await makeMember(api.db, org.orgId, uuidOf("user", user.id) ?? "", "owner");
    await open(away, await ask(away, email));
    const refused = await away.send("POST", "/v1/api_keys", { name: "x", scopes: ["leads:read"] });
    expect(refused.json.code).toBe("second_factor_missing");
    expect((await sessionsOf(email)).map((row) => row["factor_at"])).toEqual([null, null]);
  });

  test("what a browser says it is, is kept to three hundred characters", async () => {
    const [email, long] = [newAddress(), `Mozilla/5.0 ${"x".repeat(400)}`];
    const ada = browser({ userAgent: long });
    await open(ada, await ask(ada, email));
    expect((await sessionsOf(email)).map((row) => row["user_agent"])).toEqual([long.slice(0, 300)]);
  });

  test("a browser is forgotten after 400 days without a sign-in, and not before", async () => {
    const [old, later, email] = [browser(), browser(), newAddress()];
    for (const one of [old, later]) await open(one, await ask(one, email));
    const seen = (one: Browser, days: number) =>
      api.db.admin("update known_devices set last_seen_at = $2::timestamptz - make_interval(days => $3, secs => 1) where device_hash = sha256($1::text::bytea)", [one.cookies.get("__Host-dialgate-device"), now, days]);
    await seen(old, 400);
    await seen(later, 399);
    const before = (await warnings(email)).length;
    await open(later, await ask(later, email));
    expect(await warnings(email)).toHaveLength(before);
    const { rows } = await api.db.admin("select 1 from known_devices d join users u on u.id = d.user_id where u.email = $1", [email]);
    expect(rows).toHaveLength(1);
    await open(old, await ask(old, email));
    expect(await warnings(email)).toHaveLength(before + 1);
  }); // prettier-ignore

  test("a device cookie that was made up, or is someone else's, makes no browser known", async () => {
    const [ada, eve, email] = [browser(), browser(), newAddress()];
    await open(ada, await ask(ada, email));
    await open(eve, await ask(eve, newAddress()));
    await open(eve, await ask(eve, email));
    expect(await warnings(email)).toHaveLength(1);
    const forged = browser();
    forged.cookies.set("__Host-dialgate-device", "x");
    await open(forged, await ask(forged, email));
    expect(await warnings(email)).toHaveLength(2);
    expect(forged.cookies.get("__Host-dialgate-device")).toMatch(/^[\w-]{43}$/);
  });
});

describe("many failed attempts at an account", () => {
  const warned = async (email: string) => (await api.mailbox.read(email)).filter(({ subject }) => subject.startsWith("Failed"));
  /** Wrong codes, five a link. */
  async function fail(email: string, times: number): Promise<void> {
    for (let left = times; left > 0; left -= 5) {
      const eve = browser();
      await ask(eve, email);
      for (let n = 0; n < Math.min(left, 5); n += 1) await eve.send("POST", "/auth/link/relay", { code: `0000-000${n}` });
    }
  }

  test("are told to its person and the chain at the tenth within a quarter of an hour, once an hour, and lock nothing", async () => {
    const [ada, email] = [browser(), newAddress()];
    await open(ada, await ask(ada, email));
    const { user } = await me(ada);
    await fail(email, 9);
    expect(await warned(email)).toEqual([]);
    // The ninth slips out of the window that the tenth would be in.
    later(900);
    await fail(email, 1);
    expect(await warned(email)).toEqual([]);
    await fail(email, 9);
    expect(await warned(email)).toHaveLength(1);
    expect((await entries("sign_in.many_failures")).map(({ subject }) => subject).filter((subject) => subject === user.id)).toHaveLength(1);
    await fail(email, 20);
    expect(await warned(email)).toHaveLength(1);
    // As many again almost an hour later are not told yet.
    later(3_000);
    await fail(email, 10);
    expect(await warned(email)).toHaveLength(1);
    later(600);
    await fail(email, 10);
    expect(await warned(email)).toHaveLength(2);
    expect((await open(ada, await ask(ada, email))).status).toBe(200);
    expect((await entries("sign_in.failed")).filter(({ facts }) => facts.user === user.id)).toHaveLength(59);
  }); // prettier-ignore

  test("are no links that are pressed again and again after their end; one that never was is nobody's", async () => {
    const [ada, email] = [browser(), newAddress()];
    const link = await ask(ada, email);
    await open(ada, link);
    await api.db.admin("update sessions set factor_at = $1 where user_id = (select id from users where email = $2)", [now, email]);
    const before = (await entries("sign_in.failed")).length;
    for (let n = 0; n < 10; n += 1) await open(browser(), link);
    const [twin, expired] = [browser(), newAddress()];
    const unused = await ask(twin, expired);
    later(900);
    for (const one of [twin, browser()]) await open(one, unused);
    for (const one of [email, expired]) expect(await warned(one)).toEqual([]);
    expect((await sessionsOf(email)).map((row) => row["factor_at"])).not.toEqual([null]);
    expect((await api.db.admin("select 1 from sign_in_failures where email = any ($1)", [[email, expired]])).rows).toEqual([]);
    for (let n = 0; n < 12; n += 1) await open(browser(), `#${"B".repeat(42)}A`);
    const noted = (await entries("sign_in.failed")).slice(before);
    expect(noted.map(({ facts }) => [facts.ended, facts.user])).toEqual(Array.from({ length: 12 }, () => [true, undefined]));
  }); // prettier-ignore

  test("take the same statements and wake alike, whether or not the address is anyone's", async () => {
    let said: string[] = [];
    const listening = await openApi(
      { now: () => now },
      undefined,
      (transport) => ({
        batch: (all) => (said.push(...all.map(({ name }) => name)), transport.batch(all)),
        transaction: (work) => transport.transaction((run) => work((one) => (said.push(one.name), run(one)))),
      }),
      api.db,
    );
    const [known, unknown] = [newAddress(), newAddress()];
    const ada = browser();
    await open(ada, await ask(ada, known));
    const heard = [];
    for (const email of [known, unknown]) {
      await fail(email, 9);
      const eve = openBrowser(listening.deps);
      await eve.send("POST", "/auth/link", { email });
      [said, listening.woken.length] = [[], 0];
      expect((await eve.send("POST", "/auth/link/relay", { code: "0000-0000" })).status).toBe(422);
      heard.push({ said: [...said], woken: [...listening.woken] });
    }
    expect(heard[0]?.said).toContain("app.queue_mail");
    expect(heard[0]?.woken).toEqual([{ orgId: "", work: "mail" }]);
    expect(heard[1]).toEqual(heard[0]);
    expect([(await warned(known)).length, (await warned(unknown)).length]).toEqual([1, 0]);
  });

  test("of an address that is no account nobody is told, and nothing else differs", async () => {
    const email = newAddress();
    await fail(email, 12);
    expect(await warned(email)).toEqual([]);
    expect((await api.db.admin("select alerted_at from sign_in_failures where email = $1", [email])).rows[0]?.["alerted_at"]).not.toBeNull();
    expect((await api.db.admin("select 1 from users where email = $1", [email])).rows).toEqual([]);
  }); // prettier-ignore
});

describe("an address", () => {
  test.each([
    ["", "one @"], ["ada", "one @"], ["ada@people.test@evil.test", "one @"], ["ada@localhost", "domain"], ["ada@127.0.0.1", "domain"], ["ada@[127.0.0.1]", "domain"],
    ['"ada lovelace"@people.test', "Before the @"], ["Ada <ada@people.test>", "Before the @"], ["\u212Aevin@people.test", "Before the @"], [`${"a".repeat(65)}@people.test`, "At most 64"],
    ["ada@people.test\r\nBcc: eve@evil.test", "one @"], ["ada@people.test,eve", "domain"], ["ada@people.test\nSubject: x", "domain"], ["ada%0d%0a@people test", "domain"],
  ])("%j is refused at its field, and nothing is kept of it", async (email, words) => {
    const before = (await api.db.admin("select count(*) from sign_in_links")).rows;
    const refused = await browser().send("POST", "/auth/link", { email });
    expect(refused.json).toMatchObject({ status: 422, code: "invalid_request", errors: [{ pointer: "/email", code: "email_invalid" }] });
    expect(refused.json.errors[0].detail).toContain(words);
    if (email.length > 8) expect(refused.text).not.toContain(email);
    expect(refused.headers.getSetCookie()).toEqual([]);
    expect((await api.db.admin("select count(*) from sign_in_links")).rows).toEqual(before);
  }); // prettier-ignore

  test("is one account in each of its spellings", async () => {
    const ids = [];
    for (const email of ["Ada@B\u00fccher.Test", "ada@xn--bcher-kva.test", " ADA@bu\u0308cher.test\r\n"]) {
      const ada = browser();
      expect((await ada.send("POST", "/auth/link", { email })).status).toBe(202);
      await open(ada, await newestLink(api.mailbox, "ada@xn--bcher-kva.test"));
      ids.push((await me(ada)).user.id);
    }
    expect(new Set(ids).size).toBe(1);
  });
});

describe("the pages", () => {
  test("ask, and sign in, with keyboard and scripts alone; the token leaves the address bar", async () => {
    const [ada, email] = [browser(), newAddress()];
    const asking = await ada.open("/auth/sign-in?next=/v1/me");
    asking.fill("email", email);
    await asking.submit("ask");
    expect(asking.text()).toContain("within 15 minutes");
    expect(asking.window.document.activeElement?.id).toBe("sent-title");
    const landing = await ada.open(await newestLink(api.mailbox, email));
    expect(landing.window.location.href).toBe(`${testOrigin}/auth/link`);
    expect(landing.asked).toEqual([]);
    await landing.submit("open");
    expect(landing.asked.map(({ path, answer }) => [path, answer.json.go_to])).toEqual([["/auth/link/open", "/v1/me"]]);
    expect((await me(ada)).user.email).toBe(email);
    await Promise.all([asking.close(), landing.close()]);
  });

  test("show the code elsewhere, and take it where it was asked for", async () => {
    const [laptop, phone, email] = [browser(), browser(), newAddress()];
    const asking = await laptop.open("/auth/sign-in");
    asking.fill("email", email);
    await asking.submit("ask");
    const landing = await phone.open(await newestLink(api.mailbox, email));
    await landing.submit("open");
    const code = landing.window.document.getElementById("code-shown")?.textContent ?? "";
    expect(code).toMatch(/^\w{4}-\w{4}$/);
    expect(landing.text()).toContain("Give it to nobody else");
    asking.fill("code", "0000-0000");
    await asking.submit("enter");
    expect(asking.text()).toContain("This code does not work here");
    asking.fill("code", code);
    await asking.submit("enter");
    expect(asking.text()).toContain("You are signed in");
    expect((await me(laptop)).user.email).toBe(email);
    await Promise.all([asking.close(), landing.close()]);
  });

  test("say what is wrong in the API's own words, and nothing when there is no token", async () => {
    const ada = browser();
    const asking = await ada.open("/auth/sign-in");
    asking.fill("email", "ada@localhost");
    await asking.submit("ask");
    expect(asking.text()).toContain("Behind the @ stands the name of a domain");
    const landing = await ada.open("/auth/link");
    expect(landing.text()).toContain("the whole link from your mail");
    expect(landing.window.document.querySelector("#open")?.closest("[hidden]")).not.toBeNull();
    await Promise.all([asking.close(), landing.close()]);
  });

  test.each(["/auth/sign-in", "/auth/link", "/auth/second-factor", "/auth/factors", "/auth/account"])("%s runs its own script, loads nothing, is framed by nobody and kept by nobody", async (path) => {
    const served = await browser().send("GET", path);
    const policy = Object.fromEntries((served.headers.get("content-security-policy") ?? "").split("; ").map((one) => [one.split(" ")[0], one.split(" ").slice(1).join(" ")]));
    expect(policy).toMatchObject({ "default-src": "'none'", "connect-src": "'self'", "frame-ancestors": "'none'", "form-action": "'none'", "base-uri": "'none'" });
    const { createHash } = await import("node:crypto");
    const digests = (tag: string) => [...served.text.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, "g"))].map((match) => `'sha256-${createHash("sha256").update(match[1] ?? "").digest("base64")}'`).join(" ");
    expect(policy["script-src"]).toBe(digests("script"));
    expect(policy["style-src"]).toBe(digests("style"));
    expect(Object.fromEntries(["cache-control", "referrer-policy", "x-frame-options", "x-content-type-options"].map((name) => [name, served.headers.get(name)]))).toEqual({
      "cache-control": "no-store", "referrer-policy": "no-referrer", "x-frame-options": "DENY", "x-content-type-options": "nosniff",
    });
    // No handler or style in an attribute, nothing from elsewhere, no markup out of text.
    expect(served.text).not.toMatch(/\son\w+=|\sstyle=|\ssrc=|javascript:|innerHTML|insertAdjacent|document\.write|eval\(|https?:\/\//);
    // Each field has a label that names it, each form a button, each problem a voice.
    for (const id of [...served.text.matchAll(/<input id="([\w-]+)"/g)].map((match) => match[1])) expect(served.text).toContain(`<label for="${id}">`);
    expect([...served.text.matchAll(/<form/g)].length).toBe([...served.text.matchAll(/<button type="submit">/g)].length);
    expect(served.text).toContain('role="alert"');
    expect(served.text).toContain('<html lang="en">');
  }); // prettier-ignore
});
