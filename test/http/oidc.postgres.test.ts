/** On a real Postgres: of whatever comes at once, one gets in for each flow, one account is one user's, and one that was taken away opens nothing. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { publicId } from "../../src/lib/ids.ts";
import { makeSession } from "../support/users.ts";
import { type OidcWorld, openOidc, realClock } from "./oidc-world.ts";

let world: OidcWorld;
beforeAll(async () => {
  world = await openOidc({ postgres: true });
}, 120_000);
afterAll(() => world?.close());

const rounds = 25;
const atOnce = 40;

test(`${rounds} flows, each finished ${atOnce} times at once: one session each`, async () => {
  const outcomes = { in: 0, refused: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const browser = world.browser();
    const back = await browser.allow(await browser.begin("google"), `round${round}@acme.test`);
    const answers = await Promise.all(Array.from({ length: atOnce }, () => browser.finish(back)));
    const entered = answers.filter(({ status }) => status === 303).length;
    expect(entered, `round ${round}`).toBe(1);
    for (const answer of answers.filter(({ status }) => status !== 303)) expect(answer.json.errors[0].code).toBe("flow_unknown");
    outcomes.in += entered;
    outcomes.refused += answers.length - entered;
  }
  expect(await world.count("sessions")).toBe(rounds);
  console.log(`oidc: ${rounds} flows, ${outcomes.in + outcomes.refused} callbacks, ${outcomes.in} sessions, ${outcomes.refused} refused`);
}); // prettier-ignore

test("several first sign-ins at once, by both providers, are one user with one identity at each", async () => {
  for (let round = 0; round < 10; round += 1) {
    const email = `first${round}@acme.test`;
    const signIns = Array.from({ length: 10 }, (_, n) => world.browser().signIn(n % 2 === 0 ? "google" : "microsoft", email));
    const answers = await Promise.all(signIns);
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 303));
    const [counted] = await world.rows(
      `select count(distinct u.id)::integer as users, count(distinct (i.provider, i.subject))::integer as identities,
        count(distinct s.id)::integer as sessions
       from users u join oidc_identities i on i.user_id = u.id join sessions s on s.user_id = u.id where u.email = $1`,
      email,
    );
    expect(counted).toEqual({ users: 1, identities: 2, sessions: 10 });
  }
});

test("of a removal and sign-ins at once, whichever is first, nothing of the account is left after the removal", async () => {
  const outcomes = { in: 0, refused: 0 };
  for (let round = 0; round < 15; round += 1) {
    const email = `removed${round}@acme.test`;
    await world.browser().signIn("google", email);
    const [identity] = await world.rows("select i.id, i.user_id from oidc_identities i join users u on u.id = i.user_id where u.email = $1", email);
    const { id, headers } = await makeSession(world.api.db, world.api.deps.hashApiKey, String(identity?.["user_id"]), realClock());
    const browsers = Array.from({ length: 8 }, () => world.browser());
    const backs = await Promise.all(browsers.map(async (browser) => browser.allow(await browser.begin("google"), email)));
    const [removed, ...answers] = await Promise.all([
      world.api.send("DELETE", `/v1/me/identities/${publicId("identity", String(identity?.["id"]))}`, { headers }),
      ...browsers.map((browser, n) => browser.finish(backs[n] as URL)),
    ]);
    expect(removed.status, removed.text).toBe(200);
    for (const answer of answers.filter(({ status }) => status !== 303)) expect(answer.json.errors[0].code).toBe("identity_removed");
    outcomes.in += answers.filter(({ status }) => status === 303).length;
    outcomes.refused += answers.filter(({ status }) => status !== 303).length;
    expect(await world.rows("select 1 from oidc_identities where user_id = $1", identity?.["user_id"])).toEqual([]);
    expect(await world.rows("select id from sessions where user_id = $1 and ended_at is null", identity?.["user_id"])).toEqual([{ id }]);
  }
  // Both orders came about.
  expect(Math.min(outcomes.in, outcomes.refused)).toBeGreaterThan(0);
  console.log(`oidc: 15 removals among sign-ins: ${outcomes.in} came before, ${outcomes.refused} after, 0 sessions left`);
}); // prettier-ignore
