import { afterAll, beforeAll, expect, test } from "vitest";
import { type MailWorld, openMailWorld } from "./mail-world.ts";

let world: MailWorld;
beforeAll(async () => {
  world = await openMailWorld({ postgres: true });
});
afterAll(() => world?.close());

const mailsMax = 200;
const senders = 8;

test(`${senders} senders at once send ${mailsMax} mails once each, and ask the provider once for each`, async () => {
  const ids: string[] = [];
  for (let n = 0; n < mailsMax; n += 1) ids.push(await world.queue(`n${n}@example.com`));
  const sender = async (): Promise<number> => {
    let sent = 0;
    for (let empty = 0; empty < 3;) {
      const round = await world.send();
      sent += round.sent;
      empty = round.sent === 0 ? empty + 1 : 0;
    }
    return sent;
  };
  const each = await Promise.all(Array.from({ length: senders }, sender));
  console.log(`mail: ${mailsMax} by ${senders} senders: ${each.join(", ")}`);
  // More than one of them was at work: else nothing was tried.
  expect(each.filter((sent) => sent > 0).length).toBeGreaterThan(1);
  expect(each.reduce((sum, sent) => sum + sent, 0)).toBe(mailsMax);
  expect(
    world.simulators
      .mailbox()
      .map((mail) => mail.idempotency_key)
      .toSorted(),
  ).toEqual(ids.toSorted());
  // The provider's memory was not needed: no mail was leased twice.
  expect(world.simulators.requests()).toHaveLength(mailsMax);
  const { rows } = await world.db.admin(
    "select count(*)::integer as n, max(tries) as tries from mails where sealed is null and sent_at is not null",
  );
  expect(rows[0]).toEqual({ n: mailsMax, tries: 1 });
});

test("the same key queued by many at once is one mail", async () => {
  await Promise.all(
    Array.from({ length: 20 }, () => world.queue("once@example.com", { dedupeKey: "key_alert:key_01:2026-11-20" })),
  );
  await world.send();
  expect(world.simulators.mailbox("once@example.com")).toHaveLength(1);
});
