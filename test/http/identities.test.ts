/** One's accounts at Google and Microsoft: listed, taken away, and what they open after that. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicId } from "../../src/lib/ids.ts";
import { makePerson, makeSession } from "../support/users.ts";
import { type Browser, type OidcWorld, openOidc, realClock, sessionCookie } from "./oidc-world.ts";

let world: OidcWorld;
beforeAll(async () => {
  world = await openOidc();
});
afterAll(() => world?.close());

let serial = 0;
const fresh = (): string => `i${(serial += 1)}@acme.test`;
const ours = { "sec-fetch-site": "same-origin" };
type Answer = Awaited<ReturnType<Browser["send"]>>;
const outcome = ({ status, json }: Answer): string =>
  status === 303 ? "in" : `${status} ${json?.errors?.[0]?.code ?? json?.code}`;
const idOfUser = async (email: string) => (await world.rows("select id from users where email = $1", email))[0]?.["id"] as string;
const listed = async (browser: Browser) => (await browser.send("GET", "/v1/me/identities")).json.data as { id: string }[];
const remove = (browser: Browser, id: string) => browser.send("DELETE", `/v1/me/identities/${id}`, ours);
const subjects = async (email: string) => (await world.api.mailbox.read(email)).map(({ subject }) => subject);

/** A browser in which somebody came by a mailed link; it has shown a second factor. */
async function linked(userId: string): Promise<Browser> {
  const { headers } = await makeSession(world.api.db, world.api.deps.hashApiKey, userId, realClock());
  const browser = world.browser();
  browser.cookies.set(sessionCookie, (headers["cookie"] ?? "").slice(sessionCookie.length + 1));
  return browser;
}
/** Somebody who came with Google, and their browser of another sign-in. */
async function holder() {
  const email = fresh();
  const google = world.browser();
  expect(outcome(await google.signIn("google", email))).toBe("in");
  const userId = await idOfUser(email);
  const own = await linked(userId);
  const [identity] = await listed(own);
  return { email, userId, google, own, id: identity?.id ?? "" };
}

describe("a person's accounts at providers", () => {
  test("are listed to them, newest first, and to nobody else", async () => {
    const { email, own, id } = await holder();
    await world.browser().signIn("microsoft", email);
    const other = await holder();
    const all = await listed(own);
    expect(all).toEqual([
      {
        id: expect.stringMatching(/^idn_[0-9a-z]{26}$/),
        object: "identity",
        provider: "microsoft",
        issuer: expect.stringContaining("/v2.0"),
        created_at: expect.stringMatching(/^\d{4}-.*Z$/),
        last_used_at: expect.stringMatching(/^\d{4}-.*Z$/),
      },
      expect.objectContaining({ id, provider: "google" }),
    ]);
    expect((await listed(other.own)).map((one) => one.id)).toEqual([other.id]);
    expect(await listed(await linked((await makePerson(world.api.db, fresh())).userId))).toEqual([]);
  });

  test("are taken away in a session that has shown a second factor, and by their person alone", async () => {
    const { google, own, id } = await holder();
    const stranger = await holder();
    expect(outcome(await remove(google, id))).toBe("403 second_factor_missing");
    const [theirs, never] = [await remove(stranger.own, id), await remove(stranger.own, publicId("identity", world.api.deps.newId()))];
    expect([outcome(theirs), outcome(never)]).toEqual(["404 not_found", "404 not_found"]);
    expect(theirs.text.replaceAll(/req_\w+/g, "")).toBe(never.text.replaceAll(/req_\w+/g, ""));
    expect(await listed(own)).toHaveLength(1);
    expect((await remove(own, id)).json).toEqual({ id, object: "identity", deleted: true, sessions_ended: 1 });
    expect(await listed(own)).toEqual([]);
    expect(outcome(await remove(own, id))).toBe("404 not_found");
  }); // prettier-ignore

  test("end the sessions that they began when they are taken away, and no others", async () => {
    const { email, userId, google, own, id } = await holder();
    const [again, microsoft, stranger] = [world.browser(), world.browser(), await holder()];
    await again.signIn("google", email);
    await microsoft.signIn("microsoft", email);
    // In the one that asks, which Google began as well, a factor was shown.
    await world.rows("update sessions set factor_at = now() where user_id = $1 and ended_at is null", userId);
    const before = (await subjects(email)).length;
    expect((await remove(again, id)).json.sessions_ended).toBe(1);
    const statuses = [];
    for (const browser of [google, again, microsoft, own, stranger.google])
      statuses.push((await browser.send("GET", "/v1/me")).status);
    expect(statuses).toEqual([401, 200, 200, 200, 200]);
    expect((await subjects(email)).slice(before)).toEqual(["Google was removed from your sign-in to Dialgate"]);
    expect((await world.api.mailbox.read(email)).at(-1)?.text).toContain("1 session that it had begun ended with it.");
    const [entry] = await world.rows(
      `select p.facts_text::jsonb as facts, p.facts_text as text from audit.entry e join audit.payload p using (org_id, seq)
         where e.org_id = app.platform() and e.event_type = 'identity.removed' and p.subject_text = $1`,
      id,
    );
    expect(entry?.["facts"]).toMatchObject({ provider: "google", sessions: 1, user: publicId("user", userId) });
    expect(entry?.["text"]).not.toContain("acme.test");
  });

  test("are taken away though more sessions of theirs ran out than are noted at once: what had run out is counted nowhere", async () => {
    const { userId, own, id } = await holder();
    await world.rows(
      `insert into sessions (id, user_id, secret_hash, method, stage, created_at, last_seen_at, ends_at, idle_seconds, identity_id)
       select gen_random_uuid(), $1, decode(md5(g::text) || md5(g::text), 'hex'), 'google', 'open', now() - interval '2 days', now() - interval '2 days',
         now() - interval '1 day', 3600, (select identity_id from sessions where user_id = $1 and identity_id is not null limit 1)
       from generate_series(1, 10001) g`,
      userId,
    );
    expect((await remove(own, id)).json.sessions_ended).toBe(1);
    expect(await world.rows("select count(*) as n from sessions where user_id = $1 and ended_at is null", userId)).toEqual([{ n: 1 }]);
  }); // prettier-ignore

  test("end one of those, too, that still waits for its second factor", async () => {
    const { userId, google, own, id } = await holder();
    await world.rows("update sessions set stage = 'factor_due' where user_id = $1 and identity_id is not null", userId);
    expect((await google.send("GET", "/v1/me")).status).toBe(200);
    expect((await remove(own, id)).json.sessions_ended).toBe(1);
    expect((await google.send("GET", "/v1/me")).status).toBe(401);
  });
});

test("signing in with one makes no browser known of who has a second factor, which is still due there", async () => {
  const { email, userId } = await holder();
  await world.rows("insert into totp_factors (user_id, id, sealed, created_at, confirmed_at, last_step) values ($1, gen_random_uuid(), '{}', now(), now(), 0)", userId);
  const browser = world.browser();
  expect(outcome(await browser.signIn("google", email))).toBe("in");
  expect((await browser.send("GET", "/v1/sessions")).json.code).toBe("second_factor_due");
  const known = await world.rows("select count(*)::int as n, count(factor_at)::int as known from known_devices where user_id = $1", userId);
  expect(known).toEqual([{ n: 2, known: 0 }]);
}); // prettier-ignore

describe("an account that its person took away", () => {
  test("signs in to them no more by its address, and does in a browser that they are signed in with", async () => {
    const { email, userId, google, own, id } = await holder();
    await remove(own, id);
    // Also in the browser that it had signed in with, whose session has ended.
    for (const browser of [world.browser(), google]) expect(outcome(await browser.signIn("google", email))).toBe("403 identity_removed");
    // Nor beside a session of somebody else, or one that waits for its second factor.
    const stranger = (await holder()).own;
    expect(outcome(await stranger.signIn("google", email))).toBe("403 identity_removed");
    expect((await stranger.send("GET", "/v1/me")).json.user.email).not.toBe(email);
    const waiting = await linked(userId);
    await world.rows("update sessions set stage = 'factor_due' where user_id = $1 and ended_at is null", userId);
    expect(outcome(await waiting.signIn("google", email))).toBe("403 identity_removed");
    expect(await world.rows("select 1 from oidc_identities where user_id = $1", userId)).toEqual([]);
    const [refusal] = await world.rows(
      `select p.facts_text::jsonb ->> 'reason' as reason from audit.entry e join audit.payload p using (org_id, seq)
         where e.org_id = app.platform() and e.event_type = 'sign_in.refused' order by e.seq desc limit 1`,
    );
    expect(refusal).toEqual({ reason: "identity_removed" });
    // Another account of the same person is not the one that was taken away, nor is one that another issuer calls the same.
    await world.rows("update oidc_removals set issuer = 'https://another.example' where user_id = $1", userId);
    const sameName = world.browser();
    expect(outcome(await sameName.signIn("google", email))).toBe("in");
    await world.rows("delete from oidc_identities where user_id = $1", userId);
    await world.rows("update oidc_removals set issuer = $2 where user_id = $1", userId, "https://accounts.google.com");
    expect(outcome(await world.browser().signIn("microsoft", email))).toBe("in");
    const mine = await linked(userId);
    const before = (await subjects(email)).length;
    expect(outcome(await mine.signIn("google", email))).toBe("in");
    expect((await subjects(email)).slice(before)).toContain("Google was added to your sign-in to Dialgate");
    const [back] = await world.rows("select id from oidc_identities where user_id = $1 and provider = 'google'", userId);
    expect((await world.api.mailbox.read(email)).at(-1)?.text).toContain(`DELETE /v1/me/identities/${publicId("identity", String(back?.["id"]))}`);
    // It is theirs again, in any browser.
    expect(outcome(await world.browser().signIn("google", email))).toBe("in");
  }); // prettier-ignore

  test("is someone else's when it has their address, and is the first person's never again by that", async () => {
    const { email, own, id } = await holder();
    const later = fresh();
    world.register({ provider: "google", email, subject: `moves-${email}` });
    const mine = await linked(await idOfUser(email));
    expect(outcome(await mine.signIn("google", email))).toBe("in");
    for (const one of await listed(own)) await remove(own, one.id);
    expect(id).not.toBe("");
    world.register({ provider: "google", email: later, subject: `moves-${email}` });
    const browser = world.browser();
    expect(outcome(await browser.signIn("google", later))).toBe("in");
    expect((await browser.send("GET", "/v1/me")).json.user.email).toBe(later);
    expect(await listed(own)).toEqual([]);
  });

  test("is answered in a browser by a page that says how it comes back", async () => {
    const { email, own, id } = await holder();
    await remove(own, id);
    const page = await world.browser().signIn("google", email, { accept: "text/html" });
    expect(page.status).toBe(403);
    expect(page.text).toContain("sign in with it after that, in the same browser");
    expect(page.text).not.toContain(email);
  });
});
