/** A session that is used from another country than before: its person is told, and the chain of each change. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds, type Instant } from "../../src/lib/instant.ts";
import { type SignedInPerson, signInPerson } from "../support/factor-holder.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";
import { chainOf, forbidEntry } from "./signed-in.ts";

const platform = "00000000-0000-0000-0000-000000000000";
let api: Api;
let org: Caller;
let clock: Instant = realNow;
beforeAll(async () => {
  api = await openApi({ now: () => clock });
  org = await api.seed();
});
afterAll(() => api?.close());

async function fromGermany(more: Parameters<typeof signInPerson>[1] = {}): Promise<SignedInPerson> {
  const person = await signInPerson(api, { orgId: org.orgId, factor: true, browser: { country: "DE" }, ...more });
  await api.db.admin("update sessions set country = 'DE' where id = $1", [person.sessionId]);
  return person;
}
const mails = async ({ email }: SignedInPerson) =>
  (await api.mailbox.read(email)).map(({ subject, text }) => `${subject} ${text}`);
const entries = async ({ sessionId }: SignedInPerson) =>
  (await chainOf(api, platform)).filter(
    (one) => one.type === "session.new_country" && one.subject === publicId("session", sessionId),
  );
const campaigns = ({ browser }: Pick<SignedInPerson, "browser">) => browser.send("GET", "/v1/campaigns");

describe("a session that is used from another country", () => {
  test("is told to its person and the chain once for each change, whatever it asks for, and goes on", async () => {
    const person = await fromGermany();
    for (let n = 0; n < 2; n += 1) expect((await campaigns(person)).status).toBe(200);
    expect([await mails(person), await entries(person)]).toEqual([[], []]);
    const away = { ...person, browser: person.browser.copy({ country: "BR" }) };
    const answers = await Promise.all([campaigns(away), campaigns(away), away.browser.send("GET", "/v1/sessions")]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    await campaigns(away);
    expect(await mails(person)).toHaveLength(1);
    expect((await mails(person))[0]).toMatch(/^Your session at Dialgate is used from another country .*“BR”/s);
    const [entry, ...more] = await entries(person);
    expect(more).toEqual([]);
    expect(entry?.facts).toMatchObject({ user: publicId("user", person.userId), actor: { id: publicId("user", person.userId) } });
    // Which country stands in the mail, and in no entry that is kept.
    expect(JSON.stringify(entry)).not.toContain("BR");
    await campaigns(person);
    expect([(await mails(person)).length, (await entries(person)).length]).toEqual([2, 2]);
    // Whoever goes to and fro with a copied cookie fills no mailbox: once for each country in an hour.
    for (const one of [away, person, away]) await campaigns(one);
    expect([(await mails(person)).length, (await entries(person)).length]).toEqual([2, 5]);
    clock = addSeconds(realNow, 2_400);
    await campaigns(away);
    clock = addSeconds(realNow, 3_600);
    for (const one of [person, away]) await campaigns(one);
    expect((await mails(person)).length).toBe(4);
    clock = realNow;
    // Another session of theirs has mails of its own.
    const second = await fromGermany({ person });
    await campaigns({ browser: second.browser.copy({ country: "BR" }) });
    expect((await mails(person)).length).toBe(5);
  });

  test("is told where the first that it asks for is refused, in an org, in one's own matters, or while a factor is due", async () => {
    const asks = [
      (one: SignedInPerson) => one.browser.makesKey(),
      (one: SignedInPerson) => one.browser.send("POST", "/v1/me/recovery_codes"),
      (one: SignedInPerson) => one.browser.send("GET", "/v1/campaigns", undefined, { "dialgate-org": "org_unknown" }),
    ];
    for (const ask of asks) {
      const person = await fromGermany();
      expect([403, 404]).toContain((await ask({ ...person, browser: person.browser.copy({ country: "BR" }) })).status);
      expect([(await mails(person)).length, (await entries(person)).length]).toEqual([1, 1]);
    }
    const waiting = await fromGermany({ stage: "factor_due", factor: false });
    expect((await campaigns({ browser: waiting.browser.copy({ country: "BR" }) })).json.code).toBe("second_factor_due");
    expect([(await mails(waiting)).length, (await entries(waiting)).length]).toEqual([1, 1]);
  });

  test("is told later when it could not be told, and is answered meanwhile", async () => {
    const person = await fromGermany();
    const away = { browser: person.browser.copy({ country: "BR" }) };
    const allow = await forbidEntry(api, "session.new_country");
    expect((await campaigns(away)).status).toBe(200);
    await allow();
    expect([await mails(person), await entries(person)]).toEqual([[], []]);
    expect((await campaigns(away)).status).toBe(200);
    expect([(await mails(person)).length, (await entries(person)).length]).toEqual([1, 1]);
  });

  test("of which no country was known is told to nobody, nor is one that comes from nowhere", async () => {
    const unknown = await signInPerson(api, { orgId: org.orgId, browser: { country: "BR" } });
    const person = await fromGermany();
    expect((await campaigns(unknown)).status).toBe(200);
    for (const nowhere of [{}, { country: "XX" }])
      expect((await campaigns({ browser: person.browser.copy(nowhere) })).status).toBe(200);
    for (const one of [unknown, person]) expect([await mails(one), await entries(one)]).toEqual([[], []]);
  });
});
