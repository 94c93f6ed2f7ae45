/** However many come with the same code at once, it holds for one: on a real Postgres, whose transactions meet. */
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pgTransport } from "../dispatch/pg-transport.ts";
import { openTestDatabase, type TestDatabase } from "../support/database.ts";
import { reportAccess } from "../support/report.ts";
import { addPasskey, askNewPasskey } from "../../src/domain/factors/add-passkey.ts";
import type { CreatedCredential } from "../../src/domain/factors/check-passkey.ts";
import { removeOwnFactor } from "../../src/domain/factors/remove-factor.ts";
import { showRecoveryCode, showTotp } from "../../src/domain/factors/show-code.ts";
import { Authenticator } from "../support/authenticator.ts";
import { totpCodeAt } from "../support/totp.ts";
import { testOrigin } from "../support/users.ts";
import { answerOf, openFactorWorld, redeemFactor, ways } from "./factor-redemptions.ts";

const atOnce = 1_000;
let db: TestDatabase;
let pool: pg.Pool;
const shown: Record<string, number> = {};
beforeAll(async () => {
  db = await openTestDatabase({ postgres: true });
  // Straight to Postgres: the endpoint's own queue would time most of them out before they meet.
  pool = new pg.Pool({ connectionString: db.connectionString, max: 48 });
});
afterAll(async () => {
  await pool?.end();
  await db?.close();
});

test.each(ways)(
  "a thousand at once with %s: it holds for exactly one, the others are told that it does not",
  async (way) => {
    const transport = pgTransport(pool, { name: "redeem", milliseconds: () => 0 });
    const redeemed = await redeemFactor(db, transport, way, atOnce);
    console.log(`${atOnce} at once with ${way}: it held for ${redeemed.shown}, ${redeemed.refused} refused`);
    shown[way.replaceAll(" ", "_")] = redeemed.shown;
    reportAccess("factor_redemptions", { at_once: atOnce, ...shown });
    expect(redeemed).toEqual({ asked: atOnce, shown: 1, refused: atOnce - 1, other: [], open: 1 });
  },
  300_000,
);

const rounds = 60;
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test("of two first passkeys at once, in two sessions, one is added: the other session has shown nothing", async () => {
  const transport = pgTransport(pool, { name: "add", milliseconds: () => 0 });
  const outcomes: Record<string, number> = {};
  for (let round = 0; round < rounds; round += 1) {
    const { deps, world } = await openFactorWorld(db, transport);
    const sessions = [await world.enter("open"), await world.enter("open")];
    const credentials = await Promise.all(
      sessions.map(async (session) => {
        const asked = await askNewPasskey(deps, world.own(session), session);
        if (!asked.ok) throw new Error(asked.refusal);
        return new Authenticator(testOrigin).create(asked.value) as unknown as CreatedCredential;
      }),
    );
    const answers = await Promise.all(
      sessions.map((session, at) =>
        answerOf(async () => {
          const credential = credentials[at] as CreatedCredential;
          const added = await addPasskey(deps, world.own(session), session, { name: "x", credential });
          return added.ok ? "added" : added.refusal;
        }),
      ),
    );
    const outcome = answers.toSorted().join(", ");
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  console.log(`two first passkeys at once, ${rounds} times: ${JSON.stringify(outcomes)}`);
  expect(outcomes).toEqual({ "added, factor_missing": rounds });
}, 120_000);

test("where the last factor is removed while it is shown elsewhere, no session is left that has shown one", async () => {
  const transport = pgTransport(pool, { name: "remove", milliseconds: () => 0 });
  const outcomes: Record<string, number> = {};
  let left = 0;
  for (let round = 0; round < rounds; round += 1) {
    const { deps, world } = await openFactorWorld(db, transport);
    const { base32, session } = await world.addTotp(await world.enter("open"));
    const waiting = await Promise.all(Array.from({ length: 3 }, () => world.enter("factor_due")));
    const code = totpCodeAt(base32, world.now);
    const answers = await Promise.all([
      // A little later each round, so that it comes before, amid and after the others.
      sleep(round % 20).then(() => answerOf(async () => ((await removeOwnFactor(deps, world.own(session), session, null)) ? "removed" : "not removed"))),
      ...waiting.map((one) =>
        answerOf(async () => ((await showTotp(deps, world.own(one), one, code)).ok ? "shown" : "refused")),
      ),
    ]);
    for (const answer of answers) outcomes[answer] = (outcomes[answer] ?? 0) + 1;
    const { rows } = await db.admin("select count(*)::integer as n from sessions where user_id = $1 and ended_at is null and factor_at is not null", [world.userId]);
    left += rows[0]?.["n"] as number;
  }
  console.log(`the last factor removed while it is shown, ${rounds} times: ${JSON.stringify(outcomes)}, ${left} sessions left that have shown one`);
  expect(left).toBe(0);
  expect(Object.keys(outcomes).filter((answer) => !["removed", "refused", "shown"].includes(answer))).toEqual([]);
  expect(outcomes["removed"]).toBe(rounds);
  // Both came about: else nothing was tried.
  expect(Math.min(outcomes["shown"] ?? 0, outcomes["refused"] ?? 0)).toBeGreaterThan(0);
}, 120_000); // prettier-ignore

test("of two factors at once in one session one holds, and the other is not used up", async () => {
  const transport = pgTransport(pool, { name: "both", milliseconds: () => 0 });
  const outcomes: Record<string, number> = {};
  for (let round = 0; round < rounds; round += 1) {
    const { deps, world } = await openFactorWorld(db, transport);
    const { base32, codes } = await world.addTotp(await world.enter("open"));
    const one = await world.enter("factor_due");
    const code = totpCodeAt(base32, world.now);
    const [byTotp, byRecovery] = await Promise.all([
      answerOf(async () => ((await showTotp(deps, world.own(one), one, code)).ok ? "shown" : "refused")),
      answerOf(async () => ((await showRecoveryCode(deps, world.own(one), one, codes[0] ?? "")).ok ? "shown" : "refused")),
    ]);
    const { rows } = await db.admin(
      "select (select count(*) from recovery_codes c where c.user_id = $1 and c.used_at is not null)::integer as used, (select t.last_step from totp_factors t where t.user_id = $1)::integer as step",
      [world.userId],
    );
    const isStepTaken = Number(rows[0]?.["step"]) === Math.floor(Date.parse(world.now) / 30_000);
    const outcome = `totp ${byTotp}${isStepTaken ? ", taken" : ""}; recovery code ${byRecovery}${rows[0]?.["used"] === 1 ? ", taken" : ""}`;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  console.log(`two factors at once in one session, ${rounds} times: ${JSON.stringify(outcomes)}`);
  const whole = ["totp shown, taken; recovery code refused", "totp refused; recovery code shown, taken"];
  expect(Object.keys(outcomes).filter((outcome) => !whole.includes(outcome))).toEqual([]);
}, 120_000);
