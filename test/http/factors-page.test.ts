/** The page of one's own second factors: what a person does in a browser, and nothing else. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { Authenticator } from "../support/authenticator.ts";
import { type Browser, newestLink, openBrowser, type OpenPage } from "../support/browser.ts";
import { totpCodeAt } from "../support/totp.ts";
import { testOrigin } from "../support/users.ts";
import { type Api, openApi, realNow } from "./api.ts";

let api: Api;
let clock: Instant = realNow;
const later = (seconds: number): void => void (clock = addSeconds(clock, seconds));
const pages: OpenPage[] = [];
beforeAll(async () => {
  api = await openApi({ now: () => clock });
});
afterAll(async () => {
  await Promise.all(pages.map((page) => page.close()));
  await api?.close();
});

const path = "/auth/factors";
const open = async (from: Browser, at = path): Promise<OpenPage> => {
  const page = await from.open(at);
  pages.push(page);
  return page;
};
let people = 0;
/** Somebody's browser, just signed in by a link. */
async function signedIn(email = `grace.${(people += 1)}@people.test`, authenticator = new Authenticator(testOrigin)) {
  const own = Object.assign(openBrowser(api.deps), { authenticator });
  await own.send("POST", "/auth/link", { email });
  const landing = await open(own, await newestLink(api.mailbox, email));
  await landing.submit("open");
  return { own, email, authenticator, landing };
}
const has = async ({ own }: { own: Browser }) => {
  const { passkeys, totp_confirmed_at: app, recovery_codes_left: codes } = (await own.send("GET", "/v1/me/second_factors")).json;
  return { passkeys, app: app !== null, codes };
};
const shownCodes = (page: OpenPage) => page.window.document.getElementById("codes-shown")?.textContent?.split("\n") ?? [];
const focus = (page: OpenPage) => page.window.document.activeElement?.id;
const keyOn = (page: OpenPage) => page.window.document.getElementById("key")?.textContent?.replaceAll(" ", "") ?? "";
async function addPasskey(page: OpenPage, name = "Laptop") {
  page.fill("name", name);
  await page.submit("add-passkey");
}
async function addApp(page: OpenPage): Promise<{ base32: string; codes: string[] }> {
  await page.submit("start-app");
  const base32 = keyOn(page);
  const code = totpCodeAt(base32, clock);
  page.fill("app-code", `${code.slice(0, 3)} ${code.slice(3)}`);
  await page.submit("confirm-app");
  later(60);
  return { base32, codes: shownCodes(page) };
}

describe("whoever is not there yet", () => {
  test("signs in first, and is led back", async () => {
    const own = openBrowser(api.deps);
    const page = await open(own);
    expect(page.sentTo).toEqual([`/auth/sign-in?next=${path}`]);
    expect(page.text()).not.toContain("Passkeys\n");
    const asking = await open(own, page.sentTo[0]);
    asking.fill("email", "grace@people.test");
    await asking.submit("ask");
    const landing = await open(own, await newestLink(api.mailbox, "grace@people.test"));
    await landing.submit("open");
    expect(landing.sentTo).toEqual([path]);
    expect((await open(own)).text()).toContain("Signed in as grace@people.test.");
  });

  test("shows the second factor that is due first, and is led back", async () => {
    const { own, email } = await signedIn();
    const { codes } = await addApp(await open(own));
    const second = await signedIn(email);
    expect(second.landing.sentTo).toEqual(["/auth/second-factor"]);
    const page = await open(second.own);
    expect(page.sentTo).toEqual([`/auth/second-factor?next=${path}`]);
    const showing = await open(second.own, page.sentTo[0]);
    showing.fill("code", codes[0] ?? "");
    await showing.submit("enter");
    expect(showing.sentTo).toEqual([path]);
    expect((await open(second.own)).text()).toContain("9 of your codes are left.");
  });

  test("finds the way here where signing in ends, with nowhere else to go on to", async () => {
    const { own, landing } = await signedIn();
    const offered = (page: OpenPage) => page.window.document.querySelector("#offer:not([hidden]) a")?.getAttribute("href");
    expect([landing.text(), offered(landing)]).toEqual([expect.stringContaining("You are signed in"), path]);
    await addPasskey(await open(own));
    const asking = await open(own, "/auth/sign-in");
    expect(offered(asking)).toBeUndefined();
    await asking.submit("passkey");
    expect([asking.text(), offered(asking)]).toEqual([expect.stringContaining("You are signed in"), path]);
    expect((await own.send("GET", "/auth/signed-in")).text).toContain(`<a href="${path}">`);
  });
});

describe("a passkey", () => {
  test("is added under a name, signs in, and is removed once its person agrees", async () => {
    const person = await signedIn();
    const page = await open(person.own);
    expect(page.text()).toContain("You have no second factor yet.");
    expect(page.text()).not.toContain("Make recovery codes");
    await addPasskey(page, " <b>Laptop</b> ");
    expect(page.text()).toContain("The passkey is added.");
    expect(page.text()).toContain("<b>Laptop</b>, added Nov 20, 2026");
    expect(page.text()).not.toContain("You have no second factor yet.");
    expect([await has(person), focus(page)]).toEqual([{ passkeys: 1, app: false, codes: 0 }, "passkeys-title"]);
    const elsewhere = Object.assign(openBrowser(api.deps), { authenticator: person.authenticator });
    await (await open(elsewhere, "/auth/sign-in")).submit("passkey");
    expect((await elsewhere.send("GET", "/v1/me")).json.user.email).toBe(person.email);

    expect(page.window.document.querySelector("#passkeys button")?.getAttribute("aria-label")).toBe("Remove the passkey <b>Laptop</b>");
    person.own.agrees = false;
    await page.submit("passkeys");
    expect(await has(person)).toMatchObject({ passkeys: 1 });
    person.own.agrees = true;
    await page.submit("passkeys");
    expect(page.questions.at(-1)).toBe("Remove the passkey “<b>Laptop</b>”? It is your last second factor: your recovery codes go with it.");
    expect(page.text()).toContain("The passkey is removed.");
    expect(page.window.document.querySelectorAll("#passkeys li")).toHaveLength(0);
    expect(await has(person)).toMatchObject({ passkeys: 0 });
  }); // prettier-ignore

  test("that the authenticator does not make, or that is not taken, is told; the device hears of the latter", async () => {
    const person = await signedIn();
    const page = await open(person.own);
    await addPasskey(page, "  ");
    expect([page.text(), page.asked.some((one) => one.path.includes("options"))]).toEqual([expect.stringContaining("Give the passkey a name."), false]);
    const authenticator = person.authenticator;
    const real = authenticator.create.bind(authenticator);
    for (const [name, words] of [["InvalidStateError", "keeps a passkey of yours already"], ["NotAllowedError", "No passkey was made."]] as const) {
      authenticator.create = () => { throw Object.assign(new Error("x"), { name }); };
      await addPasskey(page);
      expect(page.text()).toContain(words);
    }
    const unknown: object[] = [];
    const { PublicKeyCredential: known } = page.window as unknown as { PublicKeyCredential: object };
    Object.assign(known, { signalUnknownCredential: async (what: object) => void unknown.push(what) });
    authenticator.create = (options) => real(options, { flags: { userVerified: false } });
    await addPasskey(page);
    expect(page.text()).toContain("The passkey's answer does not hold.");
    expect(unknown).toEqual([{ rpId: new URL(testOrigin).hostname, credentialId: authenticator.id }]);
    expect(await has(person)).toMatchObject({ passkeys: 0 });
    authenticator.create = real;
    await addPasskey(page);
    expect(await has(person)).toMatchObject({ passkeys: 1 });
    expect(page.text()).not.toContain("does not hold");
  }); // prettier-ignore

  test("is not offered where the browser makes none", async () => {
    const own = openBrowser(api.deps);
    const { own: from } = await signedIn();
    for (const [name, value] of from.cookies) own.cookies.set(name, value);
    const page = await open(own);
    expect(page.text()).toContain("This browser makes none");
    expect(page.text()).not.toContain("Add a passkey");
    expect(page.text()).toContain("Add an authenticator app");
  });
});

test("a passkey is renamed there by whoever enters another name", async () => {
  const person = await signedIn();
  const page = await open(person.own);
  await addPasskey(page);
  const name = async () => (await person.own.send("GET", "/v1/me/passkeys")).json.data[0].name;
  for (const entered of [null, "  ", "Laptop"]) {
    person.own.enters = entered;
    await page.press("Rename the passkey Laptop");
    expect([entered, await name()]).toEqual([entered, "Laptop"]);
  }
  person.own.enters = " <i>Key ring</i> ";
  await page.press("Rename the passkey Laptop");
  expect([await name(), focus(page)]).toEqual(["<i>Key ring</i>", "passkeys-title"]);
  expect(page.text()).toContain("<i>Key ring</i>, added Nov 20, 2026");
  expect(page.window.document.querySelector('a[href="/auth/account"]')).not.toBeNull();
});

describe("an authenticator app", () => {
  test("is given its key, added by a code, and brings recovery codes that are shown once", async () => {
    const person = await signedIn();
    const page = await open(person.own);
    await page.submit("start-app");
    const base32 = keyOn(page);
    expect(base32).toMatch(/^[A-Z2-7]{32}$/);
    const link = page.window.document.getElementById("app-link")?.getAttribute("href") ?? "";
    expect(new URL(link).searchParams.get("secret")).toBe(base32);
    // As many dark squares as the code has, within its margin.
    const qr: string[] = page.asked.at(-1)?.answer.json.secret.qr;
    const drawn = () => page.window.document.getElementById("qr-dark")?.getAttribute("d") ?? "";
    expect(drawn().match(/M/g)).toHaveLength(qr.join("").replaceAll("0", "").length);
    const side = qr.length + 8;
    expect(page.window.document.getElementById("qr")?.getAttribute("viewBox")).toBe(`-4 -4 ${side} ${side}`);
    expect(focus(page)).toBe("app-code");
    page.fill("app-code", "000000");
    await page.submit("confirm-app");
    expect(page.text()).toContain("The code does not hold.");
    expect(await has(person)).toMatchObject({ app: false });
    page.fill("app-code", totpCodeAt(base32, clock));
    await page.submit("confirm-app");
    expect(await has(person)).toEqual({ passkeys: 0, app: true, codes: 10 });
    const codes = shownCodes(page);
    expect([new Set(codes).size, focus(page)]).toEqual([10, "new-codes-title"]);
    expect(page.text()).toContain(codes[9]);
    expect([page.window.document.documentElement.outerHTML.includes(base32), drawn()]).toEqual([false, ""]);
    // What comes next does not take them away before they are kept.
    later(60);
    await addPasskey(page);
    expect(page.text()).toContain(codes[0]);
    await page.submit("new-codes");
    expect(page.window.document.documentElement.outerHTML).not.toContain(codes[0]);
    const anew = await open(person.own);
    expect([anew.text().includes("10 of your codes are left."), shownCodes(anew)]).toEqual([true, [""]]);
    const shown = await person.own.send("POST", "/v1/me/second_factor/recovery_code", { code: codes[0] });
    expect(shown.status, shown.text).toBe(200);
  });

  test("whose key waited too long begins anew, and one that another page added is seen", async () => {
    const person = await signedIn();
    await addPasskey(await open(person.own));
    const page = await open(person.own);
    await page.submit("start-app");
    const late = keyOn(page);
    later(901);
    page.fill("app-code", totpCodeAt(late, clock));
    await page.submit("confirm-app");
    expect(page.text()).toContain("No authenticator waits");
    expect(page.text()).toContain("Add an authenticator app");
    expect(page.text()).not.toContain("Confirm the code");
    await addApp(await open(person.own));
    await page.submit("start-app");
    expect(page.text()).toContain("There is an authenticator");
    expect(page.text()).toContain("Remove the authenticator app");
  });

  test("is removed once its person agrees, and with the last factor the codes go that are still shown", async () => {
    const person = await signedIn();
    const page = await open(person.own);
    const { codes } = await addApp(page);
    person.own.agrees = false;
    await page.submit("remove-app");
    expect(await has(person)).toMatchObject({ app: true });
    person.own.agrees = true;
    await page.submit("remove-app");
    expect(page.questions).toEqual(Array.from({ length: 2 }, () => expect.stringContaining("It is your last second factor")));
    expect(await has(person)).toEqual({ passkeys: 0, app: false, codes: 0 });
    expect(page.text()).toContain("The authenticator app is removed.");
    expect(page.text()).not.toContain(codes[0]);
  });
});

test("recovery codes are made for whoever has a passkey alone, and anew once their person agrees", async () => {
  const person = await signedIn();
  const page = await open(person.own);
  await addPasskey(page);
  await page.submit("renew-codes");
  const first = shownCodes(page);
  expect([first.length, page.questions, await has(person)]).toEqual([10, [], { passkeys: 1, app: false, codes: 10 }]);
  person.own.agrees = false;
  await page.submit("renew-codes");
  expect([page.questions.length, shownCodes(page)]).toEqual([1, first]);
  person.own.agrees = true;
  await page.submit("renew-codes");
  expect(shownCodes(page)).not.toEqual(first);
  expect((await person.own.send("POST", "/v1/me/second_factor/recovery_code", { code: first[0] })).status).toBe(403);
});

describe("a session that is to show a second factor", () => {
  const forget = ({ email }: { email: string }) =>
    api.db.admin("update sessions set factor_at = null where user_id = (select id from users where email = $1)", [email]);

  test.each([
    ["a passkey", (page: OpenPage) => page.submit("passkey")],
    [
      "a code",
      (page: OpenPage, base32: string) => {
        page.fill("code", totpCodeAt(base32, clock));
        return page.submit("enter");
      },
    ],
  ] as const)("shows %s on the page, which then does what was asked for", async (_, show) => {
    const person = await signedIn();
    const page = await open(person.own);
    await addPasskey(page);
    const { base32 } = await addApp(page);
    await page.submit("new-codes");
    await forget(person);
    await page.submit("remove-app");
    expect(page.text()).toContain("First show a second factor that you have.");
    expect(focus(page)).toBe("stepup-title");
    expect(await has(person)).toMatchObject({ app: true });
    page.fill("code", "000000");
    await page.submit("enter");
    expect(page.text()).toContain("The code does not hold.");
    await show(page, base32);
    expect(await has(person)).toEqual({ passkeys: 1, app: false, codes: 10 });
    expect(page.text()).toContain("The authenticator app is removed.");
    expect(page.text()).not.toContain("Show a second factor first");
    expect(page.questions).toHaveLength(1);
  });

  test("is led to sign in again once it has ended, or to the page of second factors once one is due", async () => {
    const person = await signedIn();
    const page = await open(person.own);
    const second = await signedIn(person.email);
    await addPasskey(await open(second.own));
    await page.submit("start-app");
    expect(page.sentTo).toEqual([`/auth/second-factor?next=${path}`]);
    const other = await open(second.own);
    await other.submit("sign-out");
    expect(other.sentTo).toEqual(["/auth/sign-in"]);
    expect((await second.own.send("GET", "/v1/me")).status).toBe(401);
    await other.submit("renew-codes");
    expect(other.sentTo.at(-1)).toBe(`/auth/sign-in?next=${path}`);
  });

  test("and began too long ago for a first factor is told so, with the way to sign in again", async () => {
    const { own } = await signedIn();
    const page = await open(own);
    later(901);
    await page.submit("start-app");
    expect(page.text()).toContain("more than fifteen minutes ago");
    expect(page.window.document.querySelector("#again:not([hidden]) a")?.getAttribute("href")).toBe(`/auth/sign-in?next=${path}`);
  });
});

test("while one thing is done no other can be begun, and the button that was pressed has the focus again", async () => {
  const { own } = await signedIn();
  const page = await open(own);
  const { document } = page.window;
  const done = page.submit("start-app");
  expect(document.querySelectorAll("button:not([disabled])")).toHaveLength(0);
  await done;
  expect(document.querySelectorAll("button[disabled]")).toHaveLength(0);
  page.fill("app-code", "12345");
  const confirm = document.querySelector("#confirm-app button") as unknown as { disabled: boolean; focus(): void; blur(): void };
  confirm.focus();
  const refused = page.submit("confirm-app");
  // As browsers do with one that is disabled; this one leaves it the focus.
  confirm.disabled = false;
  confirm.blur();
  confirm.disabled = true;
  expect(document.activeElement === (confirm as never)).toBe(false);
  await refused;
  expect(page.text()).toContain("The six digits that the authenticator shows are needed.");
  expect(document.activeElement === (confirm as never)).toBe(true);
});
