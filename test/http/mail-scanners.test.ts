/** What reads mail uses no link up, whatever it does with it; and its person signs in after it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Browser, newestLink, openBrowser, tokenOf } from "../support/browser.ts";
import { reportAccess } from "../support/report.ts";
import { type Scanned, type Scanner, scanners } from "./mail-scanners.ts";
import { type Api, openApi } from "./api.ts";

let api: Api;
const figures = { behaviours: 0, requests: 0, consumed: 0, consumed_by_a_twin: 0, completed: 0 };
beforeAll(async () => {
  api = await openApi();
});
afterAll(() => api?.close());

let people = 0;
interface Asked extends Scanned {
  /** The person's own. */
  readonly own: Browser;
}
async function ask(): Promise<Asked> {
  const email = `ada.${(people += 1)}@people.test`;
  const own = openBrowser(api.deps);
  expect((await own.send("POST", "/auth/link", { email })).status).toBe(202);
  const link = await newestLink(api.mailbox, email);
  const browser: Scanned["browser"] = (options) =>
    openBrowser(api.deps, { ...options, onRequest: () => void (figures.requests += 1) });
  return { own, email, link, token: tokenOf(link), browser, asking: new Map(own.cookies) };
}

/** The link's whole row, and whatever tells that anyone was let in by anything. */
async function state(token: string) {
  const { rows } = await api.db.admin(
    `select (select l::text from sign_in_links l where l.token_hash = sha256($1::text::bytea)) as link,
      (select count(*)::integer from sign_in_links l where l.consumed_at is not null) as consumed,
      (select count(*)::integer from sessions) as sessions, (select count(*)::integer from users) as users`,
    [token],
  );
  return rows[0] as { link: string | null; consumed: number; sessions: number; users: number };
}

/** What the scan did to the link, and whether its person then signed in. */
async function scanned({ scan }: Scanner) {
  const mail = await ask();
  const before = await state(mail.token);
  expect(before.link).not.toBeNull();
  const sent = figures.requests;
  await scan(mail);
  const after = await state(mail.token);
  const page = await mail.own.open(mail.link);
  await page.submit("open");
  await page.close();
  const { user } = (await mail.own.send("GET", "/v1/me")).json;
  return { before, after, requests: figures.requests - sent, signedIn: user?.email === mail.email };
}

describe("before its person, the link meets", () => {
  test.each(scanners)("$name", async (scanner) => {
    const { before, after, requests, signedIn } = await scanned(scanner);
    figures.behaviours += 1;
    figures.consumed += after.consumed - before.consumed;
    figures.completed += signedIn ? 1 : 0;
    expect(requests, "nothing was tried").toBeGreaterThan(0);
    expect(after).toEqual(before);
    expect(signedIn).toBe(true);
  });
});

describe("the suite would see", () => {
  test("a link that is used up: with all that the asking browser has, it is", async () => {
    const { before, after, signedIn } = await scanned({
      name: "the asking browser's twin",
      async scan({ token, browser, asking }) {
        const twin = browser();
        for (const [name, value] of asking) twin.cookies.set(name, value);
        await twin.send("POST", "/auth/link/open", { token });
      },
    });
    figures.consumed_by_a_twin += after.consumed - before.consumed;
    expect(after.link).not.toBe(before.link);
    expect([after.consumed, after.sessions, after.users]).toEqual([before.consumed + 1, before.sessions + 1, before.users + 1]);
    expect(signedIn).toBe(false);
  });

  test("at least forty behaviours, each once: none consumed a token, and each person came in", () => {
    expect(new Set(scanners.map(({ name }) => name)).size).toBe(scanners.length);
    expect(scanners.length).toBeGreaterThanOrEqual(40);
    console.log(
      `mail scanners: ${figures.behaviours} behaviours, ${figures.consumed} tokens consumed, ${figures.completed} people signed in after`,
    );
    const { requests: _, ...shown } = figures;
    reportAccess("scanners", shown);
    expect(figures).toMatchObject({
      behaviours: scanners.length,
      consumed: 0,
      consumed_by_a_twin: 1,
      completed: scanners.length,
    });
  });
});
