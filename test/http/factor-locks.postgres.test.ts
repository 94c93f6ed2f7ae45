/**
 * What touches a person's sessions and factors takes them in one order: each act is held at each of its statements while each
 * other runs, on a real Postgres, whose transactions meet. Of two that waited for each other one would be ended: 503.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Statement, Transport } from "../../src/db/transport.ts";
import { publicId } from "../../src/lib/ids.ts";
import { addSeconds } from "../../src/lib/instant.ts";
import { Authenticator } from "../support/authenticator.ts";
import type { BrowserAnswer } from "../support/browser.ts";
import { openTestDatabase } from "../support/database.ts";
import { signInPerson } from "../support/factor-holder.ts";
import { totpCodeAt } from "../support/totp.ts";
import { testOrigin } from "../support/users.ts";
import { type Api, type Caller, openApi, realNow } from "./api.ts";
import { chainOf, signIn, type SignedIn } from "./signed-in.ts";

const platform = "00000000-0000-0000-0000-000000000000";
interface Held {
  /** Which of the statements that the act sends in transactions it is held after, from 0. */
  readonly at: number;
  sent: number;
  readonly names: string[];
  /** @param pid of the act's own connection */
  readonly meanwhile: (pid: number) => Promise<unknown>;
}
let api: Api;
let org: Caller;
let owner: SignedIn;
const holds = new AsyncLocalStorage<Held>();
/** For the control: the person is not held. */
let isLoose = false;
const loosened = (statement: Statement): Statement =>
  isLoose && statement.name === "users.lock" ? { ...statement, text: "select u.id from users u where u.id = $1" } : statement;
const held = (inner: Transport): Transport => ({
  batch: (statements) => inner.batch(statements),
  transaction: (work) =>
    inner.transaction((run) =>
      work(async (statement) => {
        const answer = await run(loosened(statement));
        const now = holds.getStore();
        if (now === undefined) return answer;
        now.names.push(statement.name);
        if (now.sent++ !== now.at) return answer;
        const pid = await run({ name: "pid", text: "select pg_backend_pid()", params: [] });
        await now.meanwhile(Number(pid.rows[0]?.[0]));
        return answer;
      }),
    ),
});
beforeAll(async () => {
  api = await openApi({}, undefined, held, await openTestDatabase({ postgres: true }));
  org = await api.seed();
  owner = await signIn(api, { orgId: org.orgId, role: "owner" });
});
afterAll(() => api?.close());

/** A person with each kind of factor, and another session of theirs. Whatever they used was used minutes ago. */
async function ground() {
  const person = await signInPerson(api, { orgId: org.orgId, role: "viewer", at: realNow });
  const authenticator = new Authenticator(testOrigin);
  const added = await person.browser.addPasskey(authenticator);
  const started = await person.browser.send("POST", "/v1/me/totp");
  if (started.status !== 201) throw new Error(`${added.text} ${started.text}`);
  const { base32 } = started.json.secret as { base32: string };
  const confirmed = await person.browser.send("POST", "/v1/me/totp/confirm", {
    code: totpCodeAt(base32, addSeconds(realNow, -30)),
  });
  const codes = confirmed.json.secret.recovery_codes as string[];
  const other = await signInPerson(api, { person, factor: true, at: realNow });
  await api.db.admin("update sessions set last_seen_at = last_seen_at - interval '5 minutes' where user_id = $1", [
    person.userId,
  ]);
  return { ...person, other, authenticator, base32, codes, passkeyId: added.json.id as string };
}
type Ground = Awaited<ReturnType<typeof ground>>;
type Act = (at: Ground) => Promise<() => Promise<{ readonly status: number; readonly text: string }>>;
const now =
  (ask: (at: Ground) => Promise<BrowserAnswer>): Act =>
  async (at) =>
  () =>
    ask(at);

/** What comes before the one request is asked first. */
const acts: Record<string, Act> = {
  "sign in by passkey": async ({ browser, authenticator }) => {
    const again = browser.copy();
    const credential = authenticator.get(await again.signInOptions());
    return () => again.signIn(credential);
  },
  "show a passkey": async ({ browser, authenticator }) => {
    const credential = authenticator.get(await browser.ownOptions());
    return () => browser.show(credential);
  },
  "show a code": now(({ browser, base32 }) => browser.totp(totpCodeAt(base32, realNow))),
  "show a recovery code": now(({ browser, codes }) => browser.recover(codes[0] ?? "")),
  "show what does not hold": now(({ browser }) => browser.recover("nothing")),
  "add a passkey": async ({ browser }) => {
    const credential = new Authenticator(testOrigin).create(await browser.creationOptions());
    return () => browser.register(credential);
  },
  "make recovery codes": now(({ browser }) => browser.send("POST", "/v1/me/recovery_codes")),
  "remove the passkey": now(({ other, passkeyId }) => other.browser.send("DELETE", `/v1/me/passkeys/${passkeyId}`)),
  "remove the authenticator": now(({ other }) => other.browser.send("DELETE", "/v1/me/totp")),
  "end all other sessions": now(({ other }) => other.browser.send("DELETE", "/v1/sessions")),
  "get another role":
    async ({ userId }) =>
    () =>
      owner.send("PATCH", `/v1/members/${publicId("user", userId)}`, { role: "member" }),
};
type Name = keyof typeof acts;
/** Those that take most of it between them are met, and by those that take it in other ways; TEST_FULL: every one by every one. */
const isFull = process.env["TEST_FULL"] === "1";
const meeting = isFull ? Object.keys(acts) : ["sign in by passkey", "remove the passkey"];
const met = isFull ? Object.keys(acts) : [...meeting, "show a passkey", "end all other sessions", "get another role"];

/** Until somebody waits for a lock of that connection. */
async function untilOneWaitsFor(pid: number, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const { rows } = await api.db.admin("select 1 from pg_stat_activity where $1 = any (pg_blocking_pids(pid))", [pid]);
    if (rows.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
/** Null: the act sends no such statement. */
async function meet(one: Name, other: Name, at: number) {
  const place = await ground();
  const [first, second] = [await acts[one]?.(place), await acts[other]?.(place)];
  if (first === undefined || second === undefined) throw new Error("no such act");
  let begun: ReturnType<typeof second> | undefined;
  const hold: Held = {
    at,
    sent: 0,
    names: [],
    // Until it is over, or waits.
    meanwhile: (pid) => {
      let isOver = false;
      begun = holds.exit(second).finally(() => void (isOver = true));
      return Promise.race([begun, untilOneWaitsFor(pid, () => isOver)]);
    },
  };
  const answer = await holds.run(hold, first);
  if (begun === undefined) return null;
  const statuses = [answer.status, (await begun).status];
  return { place, statuses, after: hold.names[at] };
}

describe("acts on one person's sessions and factors", () => {
  test.each(met)(
    "%s: it waits for no other that waits for it",
    async (one) => {
      let count = 0;
      const ended: string[] = [];
      const against = async (other: Name) => {
        for (let at = 0; ; at += 1) {
          const done = await meet(one, other, at);
          if (done === null) return;
          count += 1;
          if (done.statuses.some((status) => status >= 500)) ended.push(`${other}, after ${done.after}: ${done.statuses}`);
        }
      };
      const others = [...meeting];
      const next = async (): Promise<void> => {
        const other = others.shift();
        if (other === undefined) return;
        await against(other);
        await next();
      };
      await Promise.all([1, 2, 3, 4].map(next));
      console.log(`${one}: met others at ${count} statements`);
      expect(ended).toEqual([]);
      expect(count).toBeGreaterThan(5);
    },
    300_000,
  );
});

test("a first factor that closes other sessions, and an end of all others: neither waits for one that waits for it", async () => {
  const statements: string[] = [];
  for (let at = 0; ; at += 1) {
    // The oldest is taken first by both, and is neither's own.
    const person = await signInPerson(api, { at: realNow });
    const [adding, ending] = [await signInPerson(api, { person, at: realNow }), await signInPerson(api, { person, at: realNow })];
    const credential = new Authenticator(testOrigin).create(await adding.browser.creationOptions());
    let begun: Promise<BrowserAnswer> | undefined;
    const meanwhile: Held["meanwhile"] = (pid) => {
      let isOver = false;
      begun = holds.exit(() => ending.browser.send("DELETE", "/v1/sessions")).finally(() => void (isOver = true));
      return Promise.race([begun, untilOneWaitsFor(pid, () => isOver)]);
    };
    const hold: Held = { at, sent: 0, names: [], meanwhile };
    const answer = await holds.run(hold, () => adding.browser.register(credential));
    if (begun === undefined) break;
    statements.push(hold.names[at] ?? "");
    expect(
      [answer.status, (await begun).status].filter((status) => status >= 500),
      hold.names[at],
    ).toEqual([]);
  }
  expect(statements).toContain("users.rotate_session");
}, 60_000);

test("a passkey that was removed while it signed in is no copy of one", async () => {
  const copied = async (at: Ground) =>
    (await chainOf(api, platform)).filter(({ type, subject }) => type === "passkey.counter_regressed" && subject === at.passkeyId)
      .length;
  const place = await ground();
  const signIn = await acts["sign in by passkey"]?.(place);
  const remove = await acts["remove the passkey"]?.(place);
  // Proved, and not yet counted.
  const hold: Held = { at: 0, sent: 0, names: [], meanwhile: () => holds.exit(async () => remove?.()) };
  const answer = await holds.run(hold, async () => signIn?.());
  expect([answer?.status, hold.names[0], await copied(place)]).toEqual([403, "app.bind", 0]);
  const letters = (await api.mailbox.read(place.email)).map(({ text }) => text).filter((text) => text.includes("copy"));
  expect(letters).toEqual([]);
  // The control: one that is there, and says a number that it said before.
  const whole = await ground();
  const again = whole.browser.copy();
  const credential = whole.authenticator.get(await again.signInOptions(), { counter: 1 });
  expect([(await again.signIn(credential)).status, await copied(whole)]).toEqual([403, 1]);
});

test("with the person not held, two of them wait for each other, as the look above can see", async () => {
  isLoose = true;
  try {
    const statuses = [];
    for (let at = 0; ; at += 1) {
      const done = await meet("sign in by passkey", "remove the passkey", at);
      if (done === null) break;
      statuses.push(...done.statuses);
    }
    expect(statuses).toContain(503);
  } finally {
    isLoose = false;
  }
}, 60_000);
