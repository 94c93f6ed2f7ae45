/** On a real Postgres: of whatever comes at once, one gets in for each flow, and one account is one user's. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type OidcWorld, openOidc } from "./oidc-world.ts";

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
