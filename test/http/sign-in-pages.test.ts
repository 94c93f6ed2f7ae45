/** The pages with second factors and passkeys: what a person does in a browser, and nothing else. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { Authenticator } from "../support/authenticator.ts";
import { type Browser, newestLink, openBrowser, type OpenPage } from "../support/browser.ts";
import { totpCodeAt } from "../support/totp.ts";
import { testOrigin } from "../support/users.ts";
import { type Api, openApi, realNow } from "./api.ts";

let api: Api;
let clock: Instant = realNow;
const later = (seconds: number): void => void (clock = addSeconds(clock, seconds));
beforeAll(async () => {
  api = await openApi({ now: () => clock });
});
afterAll(() => api?.close());

let people = 0;
const newAddress = (): string => `mary.${(people += 1)}@people.test`;
async function signIn(from: Browser, email: string): Promise<OpenPage> {
  await from.send("POST", "/auth/link", { email });
  const page = await from.open(await newestLink(api.mailbox, email));
  await page.submit("open");
  return page;
}
const stateOf = async (from: Browser) => (await from.send("GET", "/v1/sessions")).json.code ?? "open";
async function withTotp() {
  const [own, email] = [openBrowser(api.deps), newAddress()];
  await (await signIn(own, email)).close();
  const { base32 } = (await own.send("POST", "/v1/me/totp")).json.secret;
  const confirmed = await own.send("POST", "/v1/me/totp/confirm", { code: totpCodeAt(base32, clock) });
  later(60);
  return { email, base32, codes: confirmed.json.secret.recovery_codes as string[] };
}

test("whoever has a second factor is led to its page, which takes a code of the authenticator", async () => {
  const { email, base32 } = await withTotp();
  const own = openBrowser(api.deps);
  const landing = await signIn(own, email);
  expect(landing.asked[0]?.answer.json).toMatchObject({ status: "signed_in", next: "second_factor" });
  expect(landing.text()).toContain("One step is left");
  expect(await stateOf(own)).toBe("second_factor_due");
  const page = await own.open("/auth/second-factor?next=/v1/me");
  expect(page.text()).not.toContain("Use a passkey");
  page.fill("code", "000 000");
  await page.submit("enter");
  expect(page.asked.at(-1)?.answer.json.code).toBe("factor_refused");
  expect(await stateOf(own)).toBe("second_factor_due");
  const code = totpCodeAt(base32, clock);
  page.fill("code", ` ${code.slice(0, 3)} ${code.slice(3)}`);
  await page.submit("enter");
  expect(page.text()).toContain("You are signed in");
  expect(await stateOf(own)).toBe("open");
  await Promise.all([landing.close(), page.close()]);
});

test("it takes a recovery code in the place of one that is lost", async () => {
  const { email, codes } = await withTotp();
  const own = openBrowser(api.deps);
  await (await signIn(own, email)).close();
  const page = await own.open("/auth/second-factor");
  page.fill("code", codes[3] ?? "");
  await page.submit("enter");
  expect(page.text()).toContain("You are signed in");
  expect(await stateOf(own)).toBe("open");
  await page.close();
});

test("a passkey is a second factor on its page, and both on the page of sign-in", async () => {
  const [first, email] = [openBrowser(api.deps), newAddress()];
  await (await signIn(first, email)).close();
  const authenticator = new Authenticator(testOrigin);
  const options = (await first.send("POST", "/v1/me/passkeys/options")).json;
  const added = await first.send("POST", "/v1/me/passkeys", { name: "Laptop", credential: authenticator.create(options) });
  expect(added.status, added.text).toBe(201);

  const second = openBrowser(api.deps);
  second.authenticator = authenticator;
  await (await signIn(second, email)).close();
  expect(await stateOf(second)).toBe("second_factor_due");
  const page = await second.open("/auth/second-factor");
  await page.submit("passkey");
  expect(page.text()).toContain("You are signed in");
  expect(await stateOf(second)).toBe("open");

  const third = openBrowser(api.deps);
  third.authenticator = authenticator;
  const asking = await third.open("/auth/sign-in");
  await asking.submit("passkey");
  expect(asking.text()).toContain("You are signed in");
  expect((await third.send("GET", "/v1/me")).json.user.email).toBe(email);

  const stranger = openBrowser(api.deps);
  stranger.authenticator = new Authenticator(testOrigin);
  const refused = await stranger.open("/auth/sign-in");
  await refused.submit("passkey");
  expect(refused.text()).not.toContain("You are signed in");
  expect((await stranger.send("GET", "/v1/me")).status).toBe(401);
  await Promise.all([page.close(), asking.close(), refused.close()]);
});
