/** The page of one's own sessions, linked accounts and open support grants: what a person does in a browser, and nothing else. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicId, uuidOf } from "../../src/lib/ids.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { type Browser, newestLink, openBrowser, type OpenPage } from "../support/browser.ts";
import { totpCodeAt } from "../support/totp.ts";
import { makeSession } from "../support/users.ts";
import { newId } from "../support/world.ts";
import { quotasOf } from "../../src/http/quotas.ts";
import { memoryLimits } from "../support/rate-limits.ts";
import { type Api, openApi, realNow } from "./api.ts";
import { chainOf, signIn } from "./signed-in.ts";

let api: Api;
let clock: Instant = realNow;
const pages: OpenPage[] = [];
beforeAll(async () => {
  api = await openApi({ now: () => clock });
  // With a first organisation the database knows by which keys numbers are looked up.
  await api.seed();
});
afterAll(async () => {
  await Promise.all(pages.map((page) => page.close()));
  await api?.close();
});

const path = "/auth/account";
const open = async (from: Browser, at = path): Promise<OpenPage> => {
  const page = await from.open(at);
  pages.push(page);
  return page;
};
let people = 0;
/** Somebody's browser, just signed in by a link. */
async function signedIn(email = `mae.${(people += 1)}@people.test`, userAgent?: string) {
  const own = openBrowser(api.deps, { country: "US", ...(userAgent === undefined ? {} : { userAgent }) });
  await own.send("POST", "/auth/link", { email });
  await (await open(own, await newestLink(api.mailbox, email))).submit("open");
  const { user } = (await own.send("GET", "/v1/me")).json;
  return { own, email, id: user.id as string, userId: uuidOf("user", user.id as string) ?? "" };
}
async function addApp(own: Browser): Promise<string> {
  const { base32 } = (await own.send("POST", "/v1/me/totp")).json.secret;
  await own.send("POST", "/v1/me/totp/confirm", { code: totpCodeAt(base32, clock) });
  clock = addSeconds(clock, 60);
  return base32;
}
async function link(userId: string, provider = "google"): Promise<void> {
  await api.db.admin(
    `insert into oidc_identities (id, provider, issuer, subject, user_id, created_at, last_used_at)
       values ($1, $3, 'https://accounts.google.com', $1::uuid::text, $2, $4, $4)`,
    [newId(), userId, provider, clock],
  );
}
const linked = async (own: Browser) => ((await own.send("GET", "/v1/me/identities")).json.data as unknown[]).length;
const isOut = async (own: Browser) => (await own.send("GET", "/v1/me")).status === 401;
const windows =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0 Safari/537.36";

describe("whoever comes by a mail's link", () => {
  test("signs in first, by whichever way, and is led back; an address that is none of ours leads nowhere", async () => {
    const own = openBrowser(api.deps);
    const page = await open(own);
    expect(page.sentTo).toEqual([`/auth/sign-in?next=${path}`]);
    expect(page.text()).not.toContain("Where you are signed in");
    const asking = await open(own, page.sentTo[0]);
    asking.fill("email", "mae@people.test");
    await asking.submit("ask");
    const landing = await open(own, await newestLink(api.mailbox, "mae@people.test"));
    await landing.submit("open");
    expect(landing.sentTo).toEqual([path]);
    for (const next of ["https://evil.test", "//evil.test", `${path}/../evil`, `${path}?x=1`, "/\\evil.test"]) {
      const hostile = await open(openBrowser(api.deps), `/auth/sign-in?next=${encodeURIComponent(next)}`);
      hostile.fill("email", "mae@people.test");
      await hostile.submit("ask");
      expect(JSON.parse(hostile.asked[0]?.body ?? "{}"), next).toEqual({ email: "mae@people.test" });
    }
  });

  test("finds it in each mail that says to end or remove something, without a token", async () => {
    const { email } = await signedIn();
    await signedIn(email, windows);
    const letter = (await api.mailbox.read(email)).find(({ subject }) => subject.startsWith("New sign-in"));
    expect(letter?.text).toContain(`${api.deps.publicOrigin}${path}\n`);
    expect(letter?.html).toContain(`<a href="${api.deps.publicOrigin}${path}">`);
  });
});

describe("sessions", () => {
  test("are listed with what a person knows them by, this one marked, and end one by one", async () => {
    const first = await signedIn();
    const second = await signedIn(first.email, windows);
    const page = await open(first.own);
    expect(page.text()).toMatch(/Firefox on Linux \(this one\), from US, since Nov 20, 2026, .* by a mailed link/);
    expect(page.text()).toContain("Chrome on Windows, from US");
    await page.press(/^End the session of Chrome on Windows since/);
    expect([await isOut(second.own), await isOut(first.own)]).toEqual([true, false]);
    expect(page.text()).toContain("The session of Chrome on Windows has ended.");
    expect(page.text()).not.toContain("Chrome on Windows, from");
    expect(page.text()).not.toContain("End all but this one");
  });

  test("end all but this one", async () => {
    const first = await signedIn();
    const others = [await signedIn(first.email), await signedIn(first.email)];
    const page = await open(first.own);
    await page.submit("end-others");
    expect(await Promise.all(others.map(({ own }) => isOut(own)))).toEqual([true, true]);
    expect(await isOut(first.own)).toBe(false);
    await page.submit("sign-out");
    expect([await isOut(first.own), page.sentTo]).toEqual([true, ["/auth/sign-in"]]);
  });

  test("are all shown where there are more than one page of them", async () => {
    const { own, userId } = await signedIn();
    for (let one = 0; one < 101; one += 1) await makeSession(api.db, api.deps.hashApiKey, userId, clock);
    await link(userId);
    await api.db.admin(
      `insert into oidc_identities (id, provider, issuer, subject, user_id, created_at, last_used_at)
         select i, 'microsoft', 'https://login.microsoftonline.com', i::text, $2, $3, $3 from unnest($1::uuid[]) i`,
      [Array.from({ length: 100 }, () => newId()), userId, clock],
    );
    const text = (await open(own)).text();
    expect([text.split("(this one)").length - 1, text.split("by a mailed link").length - 1]).toEqual([1, 102]);
    expect(text.split("Google, since").length + text.split("Microsoft, since").length - 2).toBe(101);
  });

  test("that another page has ended are seen to be gone", async () => {
    const first = await signedIn();
    const second = await signedIn(first.email, windows);
    const page = await open(first.own);
    await second.own.send("DELETE", `/v1/sessions/${(await second.own.send("GET", "/v1/me")).json.session.id}`);
    await page.press(/^End the session of Chrome on Windows/);
    expect(page.text()).not.toContain("Chrome on Windows, from");
    expect(page.text()).toContain("There is no such session.");
  });
});

describe("a linked account", () => {
  test("is removed once its person agrees and has shown the second factor that this takes", async () => {
    const person = await signedIn();
    const base32 = await addApp(person.own);
    await link(person.userId);
    await api.db.admin("update sessions set factor_at = null where user_id = $1", [person.userId]);
    const page = await open(person.own);
    expect(page.text()).toContain("Google, since Nov 20, 2026, last used Nov 20, 2026");
    person.own.agrees = false;
    await page.press("Remove the Google account of Nov 20, 2026");
    expect([await linked(person.own), page.questions.length]).toEqual([1, 1]);
    person.own.agrees = true;
    await page.press("Remove the Google account of Nov 20, 2026");
    expect(page.text()).toContain("Show a second factor first");
    expect(await linked(person.own)).toBe(1);
    page.fill("code", totpCodeAt(base32, clock));
    await page.submit("enter");
    expect(await linked(person.own)).toBe(0);
    expect(page.text()).toContain("The Google account is removed.");
    expect(page.text()).toContain("No account at Google or Microsoft signs you in.");
    expect(page.text()).not.toContain("Show a second factor first");
  });

  test("of whoever has no second factor leads to where one is added", async () => {
    const person = await signedIn();
    await link(person.userId, "microsoft");
    const page = await open(person.own);
    await page.press(/^Remove the Microsoft account/);
    expect(await linked(person.own)).toBe(1);
    expect(page.window.document.querySelector("#no-factor:not([hidden]) a")?.getAttribute("href")).toBe("/auth/factors");
    expect(page.text()).toContain("This takes a second factor, and you have none yet.");
    expect(page.text()).not.toContain("Show the code");
  });
});

describe("support that has entered", () => {
  const enter = async (orgId: string, more: { name?: string; reason?: string } = {}) => {
    const operator = await signIn(api);
    if (more.name !== undefined) await api.db.admin("update users set name = $2 where id = $1", [operator.userId, more.name]);
    await api.db.admin("insert into operators (user_id, since, note) values ($1, $2, 'test')", [operator.userId, realNow]);
    const wanted = { org_id: publicId("org", orgId), reason: more.reason ?? "Ticket 4711", role: "viewer", minutes: 60 };
    const opened = await operator.send("POST", "/v1/support_grants", wanted);
    expect(opened.status, opened.text).toBe(201);
    return { operator, id: opened.json.id as string };
  };
  const orgOf = async (person: { own: Browser }, name: string): Promise<string> => {
    const made = await person.own.send("POST", "/v1/orgs", { name });
    expect(made.status, made.text).toBe(201);
    return uuidOf("org", made.json.id as string) ?? "";
  };

  test("is shown beside one's organisations and one's role in each; who is in none is told so", async () => {
    const person = await signedIn();
    expect((await open(person.own)).text()).toContain("You are a member of none.");
    for (const name of ["Here", "There"]) await orgOf(person, name);
    const text = (await open(person.own)).text();
    expect(text).toContain("Here, as owner (a test organisation)");
    expect(text).toContain("There, as owner (a test organisation)");
  });

  test("is seen by the owner of each of several organisations, by name, address and reason, and is ended", async () => {
    const person = await signedIn();
    const [acme, other] = [await orgOf(person, "Acme <b>Solar</b>"), await orgOf(person, "Other")];
    expect((await open(person.own)).text()).toContain("Nobody of support can act in an organisation of yours.");
    const one = await enter(acme, { name: "Ada", reason: "<img src=x>" });
    const two = await enter(other);
    const page = await open(person.own);
    expect(page.text()).toContain(`Acme <b>Solar</b>: Ada (${one.operator.email}) as viewer, until Nov 20, 2026`);
    expect(page.text()).toContain("The reason given: “<img src=x>”");
    expect(page.window.document.querySelector("#grants img")).toBeNull();
    expect(page.text()).toContain(`Other: ${two.operator.email} as viewer`);
    await page.press(`End the access of ${two.operator.email} to Other`);
    expect(page.text()).toContain("The access to Other has ended.");
    expect(page.text()).toContain("Acme <b>Solar</b>: Ada");
    expect(page.text()).not.toContain("Other: ");
    expect((await chainOf(api, other)).at(-1)).toMatchObject({ type: "support.ended", subject: two.id, facts: { actor: { type: "user", id: person.id } } });
    const inside = { "dialgate-org": publicId("org", other), "dialgate-support-grant": two.id };
    expect((await two.operator.send("GET", "/v1/campaigns", undefined, inside)).status).toBe(404);
    const mail = (await api.mailbox.read(person.email)).find(({ subject }) => subject.includes("Other"));
    expect(mail?.text).toContain(`${api.deps.publicOrigin}${path}\n`);
  }); // prettier-ignore

  test("of an organisation that its owner was removed from meanwhile is left out, and that of others is shown", async () => {
    const person = await signedIn();
    const [left, kept] = [await orgOf(person, "Left"), await orgOf(person, "Kept")];
    await enter(left);
    const { operator } = await enter(kept);
    const other = await signIn(api, { orgId: left, role: "owner", factor: true });
    // The page itself and /v1/me; what comes then is asked of an organisation that is theirs no more.
    let asked = 0;
    const take = async (bucket: string): Promise<null> => {
      if (bucket.startsWith("address:") && (asked += 1) === 3)
        expect((await other.send("DELETE", `/v1/members/${person.id}`)).status).toBe(200);
      return null;
    };
    const own = openBrowser({ ...api.deps, rateLimits: { ...api.deps.rateLimits, take } });
    for (const [name, value] of person.own.cookies) own.cookies.set(name, value);
    const page = await open(own);
    const answers = page.asked.filter((one) => one.path.startsWith("/v1/support_grants")).map(({ answer }) => answer.status);
    expect(answers.toSorted()).toEqual([200, 404]);
    expect(page.text()).toContain(`Kept: ${operator.email} as viewer`);
    expect(page.text()).not.toContain("Left: ");
  });

  test("is nothing to whoever may not end it", async () => {
    const [owner, person] = [await signedIn(), await signedIn()];
    const org = await orgOf(owner, "Theirs");
    await api.db.admin("insert into memberships (org_id, user_id, role, created_at) values ($1, $2, 'member', now())", [org, person.userId]);
    await enter(org);
    const page = await open(person.own);
    expect(page.text()).not.toContain("Access of support");
    expect(page.asked.map((one) => one.path).filter((asked) => asked.startsWith("/v1/support_grants"))).toEqual([]);
  }); // prettier-ignore
});

test("one's name is changed there, and taken away", async () => {
  const { own } = await signedIn();
  const page = await open(own);
  const name = async () => (await own.send("GET", "/v1/me")).json.user.name;
  page.fill("own-name", "  Mae Jemison ");
  await page.submit("save-name");
  expect([await name(), page.text().includes("The name is saved.")]).toEqual(["Mae Jemison", true]);
  page.fill("own-name", "Mae\u202eJemison");
  await page.submit("save-name");
  expect(page.text()).toContain("One line of text is needed");
  page.fill("own-name", " ");
  await page.submit("save-name");
  expect(await name()).toBeNull();
});

test("a limit is told by when it ends, and not by the name of a quota", async () => {
  const person = await signedIn();
  await addApp(person.own);
  const limits = memoryLimits(() => Date.parse(clock));
  const own = openBrowser({ ...api.deps, quotas: quotasOf(), rateLimits: limits });
  for (const [name, value] of person.own.cookies) own.cookies.set(name, value);
  const page = await open(own, "/auth/second-factor");
  for (let count = 0; count < 6; count += 1) {
    page.fill("code", "000000");
    await page.submit("enter");
  }
  expect(page.asked.at(-1)?.answer.status).toBe(429);
  expect(page.text()).toMatch(/Too many attempts in a short time\. Try again in \d+ minutes\./);
  expect(page.text()).not.toContain("quota");
});

test("the page of second factors leads whoever is not signed in to where that is done, and says where there is none to show", async () => {
  const asked = await open(openBrowser(api.deps), `/auth/second-factor?next=${path}`);
  expect(asked.sentTo).toEqual([`/auth/sign-in?next=${path}`]);
  expect(asked.text()).not.toContain("Finish signing in");
  const elsewhere = await open(openBrowser(api.deps), "/auth/second-factor?next=//evil.test");
  expect(elsewhere.sentTo).toEqual(["/auth/sign-in"]);
  const { own } = await signedIn();
  const page = await open(own, "/auth/second-factor");
  expect(page.text()).toContain("You have no second factor");
  expect(page.text()).not.toContain("Finish signing in");
});
