import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createHash } from "node:crypto";
import { inspect } from "node:util";
import { seedOrg } from "../../dev/seed.ts";
import type { MailMode } from "../../dev/simulators/resend.ts";
import { mails } from "../../src/db/schema/index.ts";
import { sealMail } from "../../src/domain/mail/mail.ts";
import { faultOf } from "../../src/http/on-error.ts";
import { sweepMails } from "../../src/jobs/sweep-mails.ts";
import { mailIsDue } from "../../src/jobs/send-mail.ts";
import { apiKeyHasher } from "../../src/lib/api-key.ts";
import { realNow } from "../http/api.ts";
import { type FaultOutcome, faultyWorker } from "../dispatch/faulty-worker.ts";
import { testPeppers } from "../support/peppers.ts";
import { type MailWorld, openMailWorld, token } from "./mail-world.ts";

let world: MailWorld;
beforeAll(async () => {
  world = await openMailWorld();
});
afterAll(() => world?.close());
afterEach(async () => {
  world.simulators.setMail("healthy");
  world.slept.length = 0;
  await world.db.admin("delete from mails");
});
const asked = () => world.simulators.requests().length;

describe("a mail that is due", () => {
  test("is sent once, recorded with the provider's id, and nothing is due any more", async () => {
    expect(await mailIsDue(world.system)).toBe(false);
    const id = await world.queue("ann@example.com");
    expect(await mailIsDue(world.system)).toBe(true);
    expect(await world.send()).toEqual({ sent: 1, givenUp: 0, againSeconds: null });
    const [mail] = world.simulators.mailbox("ann@example.com");
    expect(mail?.text).toContain(token);
    expect(mail?.idempotency_key).toBe(id);
    expect(await world.row(id)).toMatchObject({ provider_id: mail?.id, tries: 1, failed_at: null, reason: null });
    expect(await mailIsDue(world.system)).toBe(false);
    expect(await world.send()).toEqual({ sent: 0, givenUp: 0, againSeconds: null });
    expect(world.simulators.mailbox("ann@example.com")).toHaveLength(1);
  });

  test.each<FaultOutcome>(["not applied", "applied but errored", "crash after"])(
    "is delivered once though recording that it was sent fails: %s",
    async (outcome) => {
      const to = `${outcome.replaceAll(" ", "-")}@example.com`;
      const id = await world.queue(to);
      const worker = faultyWorker();
      worker.arm("app.close_mail", outcome);
      await expect(world.send(worker.transport(world.transport))).rejects.toThrow();
      expect(worker.struck()).toBe(1);
      expect(world.simulators.mailbox(to)).toHaveLength(1);
      // Nobody takes it while the lease lasts; then it is asked for again under the same key.
      expect((await world.send()).sent).toBe(0);
      await world.due();
      await world.send();
      expect(world.simulators.mailbox(to)).toHaveLength(1);
      expect(await world.row(id)).toMatchObject({
        sealed: null,
        sent_at: expect.anything(),
        provider_id: world.simulators.mailbox(to)[0]?.id,
      });
    },
  );

  test("whose answer was lost is delivered once", async () => {
    world.simulators.setMail("dropped_after", 1);
    const id = await world.queue("lost@example.com");
    expect(await world.send()).toEqual({ sent: 0, givenUp: 0, againSeconds: 5 });
    expect(await world.row(id)).toMatchObject({ reason: "connection_lost", sent_at: null });
    await world.due();
    expect((await world.send()).sent).toBe(1);
    expect(world.simulators.mailbox("lost@example.com")).toHaveLength(1);
  });

  test("commits with what it tells of, or not at all; in a batch, in an organisation's transaction, and beside its reads", async () => {
    const hash = await apiKeyHasher(new Uint8Array(32).fill(9));
    const seeded = await seedOrg(world.transport, hash, { name: "Acme", now: realNow, peppers: testPeppers });
    const org = world.system.asOrg(seeded.orgId, { type: "job", id: "test" }, "req_1", realNow);
    const mail = (to: string) => sealMail(world.deps, { kind: "too_many_failures", params: { when: realNow }, to });
    const count = async () => (await world.db.admin("select count(*)::integer as n from mails")).rows[0]?.["n"];
    await org.query(await mail("a@example.com"));
    expect(org.mayHaveChanged).toBe(true);
    await org.changeInOneRequest([{ action: "member.removed", subject: "x" }], await mail("b@example.com"));
    const entry = { action: "member.removed", subject: "x" } as const;
    const third = await mail("c@example.com");
    await org.change(entry, (w) => w.rows(third));
    expect(await count()).toBe(3);
    const fourth = await mail("d@example.com");
    const undone = org.change(entry, async (w) => {
      await w.rows(fourth);
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    const broken = { name: "broken", text: "select 1 / 0", params: [] };
    await expect(world.system.query(await mail("e@example.com"), broken)).rejects.toMatchObject({ name: "DbError" });
    expect(await count()).toBe(3);
    expect((await world.send()).sent).toBe(3);
  });

  test("of a key that there is a mail of is not queued again, sent or not", async () => {
    const over = { dedupeKey: "new_device:ses_01" };
    await world.queue("ann@example.com", over);
    await world.queue("ann@example.com", over);
    await world.send();
    await world.queue("ann@example.com", over);
    expect((await world.db.admin("select id from mails")).rows).toHaveLength(1);
    // The database holds no key that could be an address, whoever writes it.
    const forged = world.db.admin("update mails set dedupe_key = 'ann@example.com'");
    await expect(forged).rejects.toMatchObject({ constraint: "mails_dedupe_key_form" });
  });
});

describe("a provider that does not take it", () => {
  test.each<[MailMode, string]>([
    ["down", "status_503"],
    ["dropped_before", "connection_lost"],
    ["rate_limited", "rate_limit_exceeded"],
    ["quota_exceeded", "daily_quota_exceeded"],
    ["unauthorized", "validation_error"],
    ["html_error", "status_502"],
  ])("%s: is asked again ever more rarely, then given up with the reason", async (mode, reason) => {
    const id = await world.queue(`${mode}@example.com`, { kind: "too_many_failures", params: { when: realNow } } as never);
    world.simulators.setMail(mode, 0, 1);
    const waits: number[] = [];
    let rounds = 0;
    for (let givenUp = 0; givenUp === 0 && rounds < 50; rounds += 1) {
      await world.due();
      ({ givenUp } = await world.send());
      const row = await world.row(id);
      expect(row.reason).toBe(reason);
      if (givenUp === 0) waits.push(Math.ceil(row.wait));
    }
    expect(rounds).toBe(13);
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 7200]);
    expect(await world.row(id)).toMatchObject({ sealed: null, sent_at: null, failed_at: expect.anything(), tries: 13 });
    world.simulators.setMail("healthy");
    await world.due();
    expect(await world.send()).toEqual({ sent: 0, givenUp: 0, againSeconds: null });
    expect(world.simulators.mailbox(`${mode}@example.com`)).toEqual([]);
  });

  test.each<[MailMode]>([["rate_limited"], ["down"]])("%s: is not asked before it said", async (mode) => {
    const id = await world.queue("ann@example.com");
    world.simulators.setMail(mode, 1, 40);
    expect(await world.send()).toEqual({ sent: 0, givenUp: 0, againSeconds: 40 });
    expect((await world.row(id)).wait).toBeGreaterThan(38);
    expect(await mailIsDue(world.system)).toBe(false);
    await world.due();
    expect((await world.send()).sent).toBe(1);
  });

  test("for a reason that is the account's is not asked about the others, and they lose no try", async () => {
    const ids = [];
    for (let n = 0; n < 5; n += 1) ids.push(await world.queue(`n${n}@example.com`));
    world.simulators.setMail("rate_limited", 1, 3);
    const before = asked();
    expect(await world.send()).toEqual({ sent: 0, givenUp: 0, againSeconds: 3 });
    expect(asked() - before).toBe(1);
    const rows = await Promise.all(ids.map((id) => world.row(id)));
    expect(rows.map((row) => row.tries)).toEqual([1, 0, 0, 0, 0]);
    for (const { wait } of rows) expect(wait).toBeGreaterThan(2);
    await world.due();
    expect((await world.send()).sent).toBe(5);
  });

  test("of one mail for good ends it at once, says why, and the others go out", async () => {
    const bad = await world.queue("bad@example");
    const good = await world.queue("good@example.com");
    expect(await world.send()).toEqual({ sent: 1, givenUp: 1, againSeconds: null });
    expect(await world.row(bad)).toMatchObject({
      sealed: null,
      failed_at: expect.anything(),
      reason: "validation_error",
      tries: 1,
    });
    expect(await world.row(good)).toMatchObject({ sealed: null, sent_at: expect.anything() });
  });

  test("is asked at most twice a second by one sender, ten mails a round, and the round says that more wait", async () => {
    for (let n = 0; n < 12; n += 1) await world.queue(`n${n}@example.com`);
    expect(await world.send()).toEqual({ sent: 10, givenUp: 0, againSeconds: 0 });
    expect(world.slept).toEqual(Array(9).fill(500));
    expect(await world.send()).toEqual({ sent: 2, givenUp: 0, againSeconds: null });
  });
});

describe("a mail that comes too late", () => {
  test("a sign-in link is not sent after it has ended, and is wiped", async () => {
    const id = await world.queue("late@example.com");
    const inTime = await world.queue("in-time@example.com");
    await world.db.admin("update mails set not_after = clock_timestamp() - interval '1 s' where id = $1", [id]);
    expect(await world.send()).toEqual({ sent: 1, givenUp: 1, againSeconds: null });
    expect(await world.row(id)).toMatchObject({ sealed: null, failed_at: expect.anything(), reason: "too_late", tries: 0 });
    expect(await world.row(inTime)).toMatchObject({ sent_at: expect.anything() });
    expect(world.simulators.mailbox("late@example.com")).toEqual([]);
  });

  test("each kind is of use for as long as its link, else for a week; from the first try on for 23 hours at most", async () => {
    const notAfter = async (id: string) =>
      (await world.db.admin("select round(extract(epoch from not_after - clock_timestamp()))::integer as s from mails where id = $1", [id]))
        .rows[0]?.["s"]; // prettier-ignore
    const link = await world.queue("a@example.com");
    const other = await world.queue("b@example.com", { kind: "too_many_failures", params: { when: realNow } } as never);
    expect(await notAfter(link)).toBe(900);
    expect(await notAfter(other)).toBe(7 * 86_400);
    world.simulators.setMail("down");
    await world.send();
    expect(await notAfter(link)).toBe(900);
    expect(await notAfter(other)).toBe(23 * 3600);
  });

  test("what would be due only after its end is given up now", async () => {
    const id = await world.queue("ann@example.com");
    world.simulators.setMail("rate_limited", 1, 3600);
    expect((await world.send()).givenUp).toBe(1);
    expect(await world.row(id)).toMatchObject({ sealed: null, failed_at: expect.anything(), reason: "rate_limit_exceeded" });
  });
});

describe("what is in a mail", () => {
  const words = ["zebra.canary@example.com", token, "Sign in", "sign-in"];
  const everywhere = async () => JSON.stringify((await world.db.admin("select m::text as row from mails m")).rows);

  test("cannot be read in the database, and is gone from it once it is sent or given up", async () => {
    const sent = await world.queue("zebra.canary@example.com");
    expect(await everywhere()).toContain(sent);
    for (const word of words) expect(await everywhere()).not.toContain(word);
    expect((await world.row(sent)).sealed).not.toBeNull();
    await world.send();
    const refused = await world.queue("zebra.canary@example");
    await world.send();
    for (const id of [sent, refused]) expect((await world.row(id)).sealed).toBeNull();
    for (const word of words) expect(await everywhere()).not.toContain(word);
    // Neither can it be kept by mistake.
    const kept = world.db.admin("update mails set sealed = '{}' where id = $1", [sent]);
    await expect(kept).rejects.toMatchObject({ constraint: "mails_content_while_open" });
  });

  test("moved to another mail does not open there, and nothing is sent", async () => {
    const [ann, eve] = [await world.queue("ann@example.com"), await world.queue("eve@example.com")];
    const before = asked();
    await world.db.admin("update mails m set sealed = o.sealed from mails o where (m.id, o.id) in (($1, $2), ($2, $1))", [
      ann,
      eve,
    ]);
    expect((await world.send()).sent).toBe(0);
    expect(asked()).toBe(before);
    for (const id of [ann, eve]) expect(await world.row(id)).toMatchObject({ reason: "content_unreadable", sent_at: null });
    // The control: each with its own again, both are sent.
    await world.db.admin("update mails m set sealed = o.sealed from mails o where (m.id, o.id) in (($1, $2), ($2, $1))", [
      ann,
      eve,
    ]);
    await world.due();
    expect((await world.send()).sent).toBe(2);
  });

  test("stands in no error, report or reason, whatever breaks", async () => {
    const said: unknown[] = [];
    const note = async (work: Promise<unknown>) => {
      const error = await work.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      if (error !== null)
        said.push(inspect(error, { depth: 10, showHidden: true }), JSON.stringify(faultOf(error as Error, "job_1")));
    };
    const to = "zebra.canary@example.com";
    await note(world.queue(`${to}, other@example.com`));
    await note(world.queue(to, { dedupeKey: to }));
    await note(world.queue(to, { params: { url: `https://${token}.test/`, minutes: 15 } } as never));
    const statement = await sealMail(world.deps, { kind: "too_many_failures", params: { when: realNow }, to });
    await note(world.system.query({ ...statement, params: [...statement.params.slice(0, 3), to, 60] }));
    await note(world.system.query({ ...statement, params: [to, ...statement.params.slice(1)] }));
    expect(said.length).toBe(10);
    for (const mode of ["down", "invalid", "html_error", "unreadable", "redirect"] as const) {
      await world.queue(to);
      world.simulators.setMail(mode);
      await world.send();
    }
    said.push(await everywhere());
    expect(said.join("\n")).toMatch(/status_503[^]*status_502/);
    for (const word of words) expect(said.join("\n")).not.toContain(word);
  });

  test("is out of reach of an organisation's handle as of everyone's: rows show ciphertext alone", async () => {
    await world.queue("zebra.canary@example.com");
    const rows = await world.system.find(mails, undefined, 10);
    expect(rows).toHaveLength(1);
    for (const word of words) expect(JSON.stringify(rows)).not.toContain(word);
  });
});

describe("a mail that has ended", () => {
  const day = 86_400;
  /** One that was sent, or given up, so long ago. */
  async function ended(secondsAgo: number, column: "sent_at" | "failed_at" = "sent_at"): Promise<string> {
    const id = await world.queue("ann@example.com");
    await world.db.admin(`update mails set sealed = null, lane = null, created_at = now() - interval '90 days', ${column} = now() - make_interval(secs => $2) where id = $1`, [id, secondsAgo]); // prettier-ignore
    return id;
  }
  const left = async () => (await world.db.admin("select id from mails order by id")).rows.map(({ id }) => id as string);

  test("is forgotten 30 days later, sent or given up; one that is open is not, however old", async () => {
    const old = [await ended(30 * day + 60), await ended(400 * day), await ended(31 * day, "failed_at")];
    const young = [await ended(30 * day - 60), await ended(29 * day, "failed_at"), await ended(0)];
    const open = await world.queue("ann@example.com");
    await world.db.admin("update mails set created_at = now() - interval '90 days', due_at = created_at where id = $1", [open]);
    expect(await sweepMails(world.system)).toBe(old.length);
    expect(await left()).toEqual([...young, open].toSorted());
    expect(await sweepMails(world.system)).toBe(0);
    expect((await world.send()).sent).toBe(1);
  });

  test("is one of a thousand that go at once, oldest first, and of as many in the next round", async () => {
    await world.db.admin(
      `insert into mails (id, kind, created_at, due_at, turn_at, not_after, sent_at)
         select gen_random_uuid(), 'role_changed', t.at, t.at, t.at, t.at, t.at
         from (select now() - make_interval(days => 31, secs => n) as at from generate_series(1, 1500) n) t`,
    );
    expect(await sweepMails(world.system)).toBe(1_000);
    const { rows } = await world.db.admin("select count(*)::integer as n, min(sent_at) > now() - interval '31 days 501 seconds' as youngest from mails");
    expect(rows).toEqual([{ n: 500, youngest: true }]);
    expect(await sweepMails(world.system)).toBe(500);
  }); // prettier-ignore

  test("holds ids, times, its kind and why, and nothing of whom it went to; its key may be used again once it is gone", async () => {
    const to = "zebra.canary@example.com";
    const id = await world.queue(to, { dedupeKey: "new_network:key_01:2026-11-20T09" });
    await world.send();
    const row = (await world.row(id)) as unknown as Record<string, unknown>;
    const kept = Object.entries(row).filter(([name, value]) => value !== null && name !== "wait").map(([name]) => name);
    expect(kept.toSorted()).toEqual(["created_at", "dedupe_key", "due_at", "id", "kind", "not_after", "provider_id", "sent_at", "tries", "turn_at"]);
    for (const part of [to, "zebra", createHash("sha256").update(to).digest("hex"), createHash("sha256").update(to).digest("base64")])
      expect(JSON.stringify(row)).not.toContain(part);
    await world.db.admin("update mails set sent_at = now() - interval '31 days'");
    await sweepMails(world.system);
    await world.queue(to, { dedupeKey: "new_network:key_01:2026-11-20T09" });
    expect((await world.send()).sent).toBe(1);
  }); // prettier-ignore
});

test("two senders that hold the same mail: the later word counts only if nobody else has tried since", async () => {
  const id = await world.queue("ann@example.com");
  const held = (answer: string, tries: number) =>
    world.system.query({ name: "app.close_mail", text: "select app.close_mail($1, $2, $3, 'late', 'p', 5, 13)", params: [id, tries, answer] }); // prettier-ignore
  const take = () => world.system.query({ name: "app.take_mails", text: "select app.take_mails(10, 60, 3600)", params: [] });
  await take();
  await world.due();
  await take();
  await held("refused", 1);
  expect(await world.row(id)).toMatchObject({ failed_at: null, reason: null, tries: 2 });
  // That it was sent is true whoever says it.
  await held("refused", 2);
  await held("sent", 1);
  expect(await world.row(id)).toMatchObject({ sent_at: expect.anything(), failed_at: null, sealed: null, provider_id: "p" });
  await held("again", 2);
  expect(await world.row(id)).toMatchObject({ sent_at: expect.anything(), failed_at: null });
});

describe("whoever asks for hundreds of mails", () => {
  const flood = async (askedBy: (n: number) => string) => {
    for (let n = 0; n < 200; n++) await world.queue(`a${n}@example.com`, { askedBy: askedBy(n) });
  };
  /** In which round of ten the mail is sent. */
  const roundOf = async (id: string) => {
    for (let round = 1; ; round++) {
      await world.send();
      if ((await world.row(id)).sent_at !== null) return round;
    }
  };

  test("delays their own, and neither another's link nor an alert", async () => {
    await flood(() => "2001:db8:1::/48");
    const [link, alert] = [await world.queue("ann@example.com", { askedBy: "198.51.100.0/24" }), await world.queue("bob@example.com")];
    expect([await roundOf(link), (await world.row(alert)).sent_at]).toEqual([1, expect.anything()]);
    const own = await world.queue("cat@example.com", { askedBy: "2001:db8:1::/48" });
    expect(await roundOf(own)).toBe(20);
  }); // prettier-ignore

  test("from a hundred networks does so too: each has a turn a minute", async () => {
    await flood((n) => `2001:db8:${n % 100}::/48`);
    const link = await world.queue("ann@example.com", { askedBy: "198.51.100.0/24" });
    expect(await roundOf(link)).toBe(11);
  });

  test("is not slowed down where nobody waits", async () => {
    await flood(() => "2001:db8:1::/48");
    const rounds: number[] = [];
    for (let round = await world.send(); round.sent > 0; round = await world.send()) rounds.push(round.sent);
    expect(rounds).toEqual(Array.from({ length: 20 }, () => 10));
  });
});
